"""Jobs while workers and the API are killed, as the program beside this one tells."""

from pathlib import Path

import pytest

from tests.faults.jobs_under_kills import BROKEN, run


@pytest.mark.slow
def test_accepted_means_answered_once(tmp_path: Path) -> None:
    jobs, kills = 100, 8  # as many as one likes: jobs_under_kills
    found = run(jobs, kills, seed=1, folder=tmp_path)
    assert {name: found.get(name) for name in BROKEN if found.get(name)} == {}, found
    assert found["done"] + found["failed, as they should"] == jobs and sum(found["kills"].values()) >= kills
