"""A `train` that is killed, or takes longer than its limit: no process of its is left."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from brinery.versions.catalog import versions
from brinery.versions.store import open_store
from tests.conftest import ROOT, python
from tests.models_file import write
from tests.training.conftest import Train
from tests.training.slow import hanging_model, hanging_search, sleeping_model, wait_for_the_fit
from tests.waiting import wait_while_it_runs


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.campaign)])
def test_train_that_is_killed_in_a_search_leaves_no_process(tmp_path: Path, number: signal.Signals) -> None:
    path = write(tmp_path, {"wine": hanging_search(tmp_path)})
    process = subprocess.Popen([sys.executable, "-m", "training", "--models", str(path)], cwd=ROOT, stderr=-3)
    try:
        wait_for_the_fit(tmp_path, process)
        those = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(number)
        process.wait(30)
        assert len(those) >= 3, "a model process, and workers"
        assert psutil.wait_procs(those, timeout=20)[1] == []
    finally:
        process.kill()


def test_train_ends_a_model_that_takes_longer_than_its_limit_and_goes_on(tmp_path: Path, train: Train) -> None:
    sleeping: dict[str, Any] = {**sleeping_model(tmp_path), "time_limit": 1}
    code, out, err = train({"sleeps": sleeping, "bad": {**sleeping, "target": "nothing", "time_limit": 60}})
    assert code == 1 and out == ""
    assert "train: sleeps: took longer than its time_limit of 1 seconds, and was ended\n" in err
    assert 'has no column "nothing"' in err
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert versions(open_store((tmp_path / ".registry").as_uri()), "sleeps") == []


@pytest.mark.campaign
def test_train_ends_with_a_model_that_does_not_see_its_limit(tmp_path: Path) -> None:
    path = write(tmp_path, {"hangs": {**hanging_model(tmp_path), "time_limit": 1}})
    process = python("-m", "training", "--models", str(path))
    assert process.returncode == 1 and process.stdout == ""
    assert process.stderr == (
        "train: hangs: took longer than its time_limit of 1 seconds, and was ended, with this process\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize("loading", ["_pydantic_core", "_multiarray_umath", "_check_build", "pandas/_libs"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_train_that_is_stopped_while_it_imports_says_so_and_leaves_nothing(
    tmp_path: Path, loading: str, number: signal.Signals
) -> None:
    """Told at each of the steps that a start has, by what of it is in memory."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    path = write(tmp_path, {"sleeps": sleeping_model(tmp_path)})
    process = subprocess.Popen(
        [sys.executable, "-m", "training", "--models", str(path)],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(temporary)},
        stderr=subprocess.PIPE,
        text=True,
    )
    maps = Path(f"/proc/{process.pid}/maps")
    wait_while_it_runs(process, lambda: loading in maps.read_text())
    process.send_signal(number)
    assert (process.communicate(timeout=60)[1], process.returncode) == ("train: interrupted\n", 1)
    assert list(temporary.iterdir()) == []
