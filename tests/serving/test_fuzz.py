"""Generated requests: some, more in a campaign, and as many as BRINERY_FUZZ says, such as 100000."""

import os
import secrets
from collections.abc import Callable

import pytest

from tests.serving.fuzz import fuzz


@pytest.mark.slow
@pytest.mark.timeout(0)  # as long as so many take
@pytest.mark.parametrize("count", [240, pytest.param(600, marks=pytest.mark.campaign)])
def test_generated_requests_are_all_answered_well(record_property: Callable[[str, object], None], count: int) -> None:
    count = int(os.environ.get("BRINERY_FUZZ") or count)
    seed = int(os.environ.get("BRINERY_FUZZ_SEED") or secrets.randbelow(10**6))
    record_property("fuzz", f"seed {seed}; repeat with BRINERY_FUZZ={count} BRINERY_FUZZ_SEED={seed}")
    report = fuzz(count, seed)
    record_property("fuzz", "\n".join(report.lines()))
    assert report.count >= count
    assert report.share_answered() >= 1 / 3
