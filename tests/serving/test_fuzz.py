"""Generated requests in CI's size; BRINERY_FUZZ=100000 runs the large one."""

import os
import secrets

import pytest

from tests.serving.fuzz import fuzz


def test_generated_requests_are_all_answered_well(capsys: pytest.CaptureFixture[str]) -> None:
    count = int(os.environ.get("BRINERY_FUZZ") or 2000)
    seed = int(os.environ.get("BRINERY_FUZZ_SEED") or secrets.randbelow(10**6))
    with capsys.disabled():
        print(f"\nfuzz: seed {seed}; repeat with BRINERY_FUZZ={count} BRINERY_FUZZ_SEED={seed}")
        report = fuzz(count, seed)
        print(*report.lines(), sep="\n")
    assert report.count >= count
    assert report.share_answered() >= 1 / 3
