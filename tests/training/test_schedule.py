"""The schedule: real processes, with the time that a cron line gives replaced by soon."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from brinery.versions.catalog import versions
from brinery.versions.store import open_store
from tests.conftest import ROOT, python
from tests.training.test_spec import SPEC, write
from training.__main__ import main
from training.schedule import _next

EVERY_SECOND = """
import sys
from datetime import UTC, datetime, timedelta
import training.schedule
training.schedule._next = lambda line: datetime.now(UTC) + timedelta(seconds=1)
from training.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def start(folder: Path, models: Any) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", EVERY_SECOND, "--schedule", "--models", str(write(folder, models))],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


def read(process: "subprocess.Popen[str]") -> dict[str, Any]:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())  # type: ignore[no-any-return]


def test_schedule_trains_again_and_again_and_survives_a_failing_run(tmp_path: Path) -> None:
    scheduled = {**SPEC, "schedule": "* * * * *"}
    models = {
        "bad": {**scheduled, "target": "nothing"},
        "wine": scheduled,
        "weak": {**scheduled, "gate": {"accuracy": {"min": 1}}, "features": ["ash"]},
    }
    process = start(tmp_path, {**models, "never": SPEC})
    try:
        runs = [read(process) for _ in range(6)]
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    by_model: dict[str, list[dict[str, Any]]] = {}
    for run in runs:
        by_model.setdefault(run["model"], []).append(run)
    assert set(by_model) == {"bad", "wine", "weak"}
    assert all(run["outcome"] == "failed" and 'has no column "nothing"' in run["error"] for run in by_model["bad"])
    assert all(run["outcome"] == "gate not passed" for run in by_model["weak"])
    assert [run["reference"][:7] for run in by_model["wine"]] == [
        f"wine:{n + 1}@" for n in range(len(by_model["wine"]))
    ]
    assert all(run["event"] == "run" and run["due"] <= run["time"] and run["seconds"] > 0 for run in runs)
    assert process.returncode == 0
    assert "Traceback" not in err and "train: wine is next trained at 20" in err


def test_schedule_stops_within_a_run_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    slow = {**SPEC, "estimator": "sklearn.ensemble.RandomForestClassifier", "params": {"n_estimators": 100_000}}
    process = start(tmp_path, {"slow": {**slow, "schedule": "* * * * *"}})
    try:
        time.sleep(8)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    (run,) = map(json.loads, out.splitlines())
    assert run["outcome"] == "stopped" and "error" not in run
    assert process.returncode == 0 and "Traceback" not in err
    assert versions(open_store((tmp_path / ".registry").as_uri()), "slow") == []


def test_next_time_is_that_of_the_cron_line() -> None:
    moment = _next("30 3 * * 1")
    assert (moment.hour, moment.minute, moment.weekday(), moment.utcoffset()) == (3, 30, 0, UTC.utcoffset(None))
    assert moment > datetime.now(UTC)


def test_schedule_without_a_line_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, {"wine": SPEC})
    assert main(["--schedule", "--models", str(path)]) == 1
    assert capsys.readouterr().err == f'train: no model in {path} has a schedule, such as "schedule": "0 3 * * *"\n'


def test_schedule_hands_on_its_options(tmp_path: Path) -> None:
    write(tmp_path, {"wine": {**SPEC, "schedule": "* * * * *"}})
    arguments = ["wine", "--schedule", "--registry", "file:///x", "--dask", "tcp://y"]
    code = (
        "import training.__main__ as m, training.schedule\n"
        "training.schedule.run_schedule = lambda file, specs, arguments: print(list(specs), arguments) or 0\n"
        f"m.main({[*arguments, '--models', str(tmp_path / 'models.json')]!r})"
    )
    assert python("-c", code).stdout == (
        f"['wine'] ['--models', '{tmp_path}/models.json', '--registry', 'file:///x', '--dask', 'tcp://y']\n"
    )
