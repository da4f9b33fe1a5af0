"""The schedule: real processes, with the time that a cron line gives replaced by soon."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from brinery.versions.catalog import versions
from brinery.versions.store import open_store
from tests.conftest import ROOT
from tests.models_file import SPEC, write
from tests.training.slow import slow_model, wait_for_the_fit
from training.__main__ import main
from training.schedule import next_time
from training.spec import ModelSpec

EVERY_SECOND = """
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from training.__main__ import main
from training.schedule import run_schedule
soon = lambda line: datetime.now(UTC) + timedelta(seconds=1)
sys.exit(main(sys.argv[1:], schedule=partial(run_schedule, next_time=soon)))
"""
SCHEDULED = {**SPEC, "schedule": "* * * * *"}
BAD = {**SCHEDULED, "target": "nothing"}
WEAK = {**SCHEDULED, "gate": {"accuracy": {"min": 1}}, "features": ["ash"]}


def start(folder: Path, models: Any) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", EVERY_SECOND, "--schedule", "--models", str(write(folder, models))],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


def end(process: "subprocess.Popen[str]") -> None:
    """Kill it, and the run that it started, which a killed schedule does not tell to stop."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            child.kill()
    process.kill()


def read(process: "subprocess.Popen[str]") -> dict[str, Any]:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("models", "count"),
    [
        ({"bad": BAD, "weak": WEAK}, 3),
        pytest.param({"bad": BAD, "wine": SCHEDULED, "weak": WEAK}, 12, marks=pytest.mark.campaign),
    ],
    ids=["two models", "three models"],
)
def test_schedule_trains_again_and_again_and_survives_a_failing_run(
    tmp_path: Path, models: dict[str, Any], count: int
) -> None:
    process = start(tmp_path, {**models, "never": SPEC})
    try:
        runs = [read(process) for _ in range(count)]
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    finally:
        end(process)
    assert [run["model"] for run in runs] == [*models] * (count // len(models)) + [*models][: count % len(models)]
    outcomes = {"bad": "failed", "weak": "gate not passed", "wine": "published"}
    assert all(run["outcome"] == outcomes[run["model"]] for run in runs)
    assert all('has no column "nothing"' in run["error"] for run in runs if run["model"] == "bad")
    for name in models.keys() - {"bad"}:
        references = [run["reference"].partition("@")[0] for run in runs if run["model"] == name]
        assert references == [f"{name}:{n + 1}" for n in range(len(references))]
    assert all(run["event"] == "run" and run["due"] <= run["time"] and run["seconds"] > 0 for run in runs)
    assert process.returncode == 0
    assert "Traceback" not in err and "train: bad is next trained at 20" in err


def test_schedule_stops_within_a_run_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    process = start(tmp_path, {"slow": {**slow_model(tmp_path), "schedule": "* * * * *"}})
    try:
        wait_for_the_fit(tmp_path, process)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    finally:
        end(process)
    (run,) = map(json.loads, out.splitlines())
    assert run["outcome"] == "stopped" and "error" not in run
    assert process.returncode == 0 and "Traceback" not in err
    assert versions(open_store((tmp_path / ".registry").as_uri()), "slow") == []


def test_next_time_is_that_of_the_cron_line() -> None:
    moment = next_time("30 3 * * 1")
    assert (moment.hour, moment.minute, moment.weekday(), moment.utcoffset()) == (3, 30, 0, UTC.utcoffset(None))
    assert moment > datetime.now(UTC)


def test_schedule_without_a_line_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, {"wine": SPEC})
    assert main(["--schedule", "--models", str(path)]) == 1
    assert capsys.readouterr().err == f'train: no model in {path} has a schedule, such as "schedule": "0 3 * * *"\n'


def test_schedule_hands_on_its_options(tmp_path: Path) -> None:
    handed: list[Any] = []

    def schedule(file: Path, specs: Mapping[str, ModelSpec], arguments: Sequence[str]) -> int:
        handed.extend([file, list(specs), arguments])
        return 7

    path = write(tmp_path, {"wine": SCHEDULED, "other": SCHEDULED})
    options = ["--models", str(path), "--registry", "file:///x", "--dask", "tcp://y"]
    assert main(["wine", "--schedule", *options], schedule=schedule) == 7
    assert handed == [path, ["wine"], options]
