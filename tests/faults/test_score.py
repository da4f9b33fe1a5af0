"""Runs of `score` that are killed, and that are several at once, as the program beside this one tells."""

from pathlib import Path

import pytest

from brinery.versions.store import Store
from tests.faults.scoring_under_kills import BROKEN, Runs, _ended, campaign


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "kills"), [("folder", 3), ("s3", 4)])  # as many as one likes: scoring_under_kills
def test_killed_runs_end_with_the_bytes_of_an_undisturbed_one(
    tmp_path: Path, request: pytest.FixtureRequest, kind: str, kills: int
) -> None:
    base = request.getfixturevalue("s3_store").url if kind == "s3" else (tmp_path / "here").as_uri()
    found = campaign(tmp_path, base, kills, seed=1)
    assert {name: found.get(name) for name in BROKEN if found.get(name)} == {}, found
    assert found["kills"] >= kills and found["parts"] == 40


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_processes_at_once_on_one_run_all_complete_it(
    tmp_path: Path, request: pytest.FixtureRequest, kind: str
) -> None:
    s3: Store | None = request.getfixturevalue("s3_store") if kind == "s3" else None
    runs = Runs(tmp_path, s3.url if s3 else (tmp_path / "here").as_uri())
    assert _ended(runs.start("whole"), None) == ""
    processes = [runs.start("out") for _ in range(3)]
    assert [_ended(process, 240) for process in processes] == [""] * 3
    assert runs.files("out") == runs.files("whole")
