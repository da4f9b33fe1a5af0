"""The schedule: real processes, with the time that a cron line gives replaced by soon."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Semaphore
from typing import Any, NoReturn

import psutil
import pytest

from brinery.versions.catalog import versions
from brinery.versions.store import open_store
from tests.conftest import ROOT
from tests.models_file import SPEC, write
from tests.training.schedule.fast import (
    BAD,
    FAST_CLOCK,
    ONCE,
    SCHEDULED,
    WEAK,
    claims,
    done,
    end,
    launch,
    read,
    wait_for_claims,
)
from tests.training.slow import FITTING, hanging_model, slow_model, wait_for_the_fit
from tests.waiting import wait_while_it_runs
from training.__main__ import main
from training.models_file import ModelsFile
from training.schedule.claims import LEASE, Claims
from training.schedule.keep import keep, time_after
from training.schedule.scheduled_model import ScheduledModel
from training.spec import ModelSpec


def start(folder: Path, models: Any, *ahead: float) -> "list[subprocess.Popen[str]]":
    """Schedulers whose clocks are so many seconds ahead; time begins when all are there."""
    path = write(folder, models)
    begin = folder / "begin"
    processes = [launch(begin, seconds, "--schedule", "--models", str(path)) for seconds in ahead]
    for process in processes:
        assert process.stderr is not None
        said = (line for line in iter(process.stderr.readline, "") if line.startswith("train: "))
        for _ in range(sum("schedule" in model for model in models.values())):
            assert "is next trained at 20" in next(said)
    begin.touch()
    return processes


@pytest.mark.slow
@pytest.mark.parametrize(
    ("models", "count"),
    [
        ({"weak": WEAK}, 2),
        pytest.param({"bad": BAD, "wine": SCHEDULED, "weak": WEAK}, 6, marks=pytest.mark.campaign),
    ],
    ids=["one model", "three models"],
)
def test_schedule_trains_again_and_again_and_survives_a_failing_run(
    tmp_path: Path, models: dict[str, Any], count: int
) -> None:
    (process,) = start(tmp_path, {**models, "never": SPEC}, 0)
    try:
        runs = [read(process) for _ in range(count)]
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    finally:
        end(process)
    assert {run["model"] for run in runs} == models.keys()
    assert len({(run["model"], run["due"]) for run in runs}) == count
    outcomes = {"bad": "failed", "weak": "gate not passed", "wine": "published"}
    assert all(run["outcome"] == outcomes[run["model"]] for run in runs)
    assert all('has no column "nothing"' in run["error"] for run in runs if run["model"] == "bad")
    for name in models.keys() - {"bad"}:
        references = [run["reference"].partition("@")[0] for run in runs if run["model"] == name]
        assert references == [f"{name}:{n + 1}" for n in range(len(references))]
    assert all(run["event"] == "run" and run["due"] <= run["time"] and run["seconds"] > 0 for run in runs)
    assert process.returncode == 0
    assert "Traceback" not in err


@pytest.mark.slow
def test_schedule_stops_within_a_run_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    (process,) = start(tmp_path, {"slow": {**slow_model(tmp_path), **ONCE}}, 0)
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


@pytest.mark.campaign
def test_schedule_goes_on_where_another_was_killed_in_mid_run(tmp_path: Path) -> None:
    slow = {**slow_model(tmp_path), **ONCE}
    both = start(tmp_path, {"slow": slow}, 0, 10)
    try:
        wait_for_the_fit(tmp_path, both[0])
        (one,) = [process for process in both if psutil.Process(process.pid).children()]
        run = psutil.Process(one.pid).children(recursive=True)
        wait_for_claims(tmp_path, 2)
        one.kill()  # the scheduler alone
        assert psutil.wait_procs(run, timeout=10)[1] == [], "its run, or the model process, outlives it"
        (tmp_path / FITTING).unlink()
        (other,) = [process for process in both if process is not one]
        wait_for_the_fit(tmp_path, other)
        other.send_signal(signal.SIGTERM)
        out, err = other.communicate(timeout=60)
    finally:
        for process in both:
            end(process)
    made = claims(tmp_path)
    (first, last, *others) = made
    assert first["by"] == last["by"] and {other["by"] for other in others} - {first["by"]} and others
    begun = datetime.fromisoformat(others[0]["until"]) - LEASE
    assert begun > datetime.fromisoformat(last["until"])
    assert json.loads(out)["attempt"] == 2 and "Traceback" not in err


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("model", "taken"), [(slow_model, False), (hanging_model, True)], ids=["store down", "claimed by another"]
)
def test_run_whose_claim_is_not_extended_is_ended_and_trained_again(
    tmp_path: Path, model: Callable[[Path], dict[str, Any]], taken: bool
) -> None:
    (process,) = start(tmp_path, {"slow": {**model(tmp_path), **ONCE}}, 0)
    try:
        wait_for_the_fit(tmp_path, process)
        (run,) = psutil.Process(process.pid).children()
        (folder,) = tmp_path.glob(".registry/_schedule/slow/*")
        if taken:
            (folder / "2.json").write_text("{}")
        else:
            folder.rename(tmp_path / "aside")
            folder.touch()
        line = read(process)
        assert not run.is_running()
        (tmp_path / FITTING).unlink()
        if not taken:
            folder.unlink()
            (tmp_path / "aside").rename(folder)
        wait_for_the_fit(tmp_path, process)
    finally:
        end(process)
    assert (line["outcome"], line["attempt"]) == ("lost", 1)
    assert line["error"] == "slow: its claim could not be extended, and it was ended before somebody else trains it"
    assert [claim.get("by") for claim in claims(tmp_path)[1:]] != [] and not (folder / "done.json").exists()


@pytest.mark.campaign
def test_schedule_ends_a_model_that_hangs_and_trains_others_meanwhile(tmp_path: Path) -> None:
    hangs = {**hanging_model(tmp_path), **ONCE, "time_limit": 900}
    (process,) = start(tmp_path, {"hangs": hangs, "bad": BAD}, 0)
    runs: list[dict[str, Any]] = []
    try:
        wait_for_the_fit(tmp_path, process)
        (hanging,) = [each for each in psutil.Process(process.pid).children() if "hangs" in each.cmdline()]
        those = [hanging, *hanging.children(recursive=True)]
        while not runs or runs[-1]["model"] != "hangs":
            runs.append(read(process))
        assert psutil.wait_procs(those, timeout=10)[1] == []
    finally:
        end(process)
    assert len(runs) > 2, "the others waited for it"
    assert runs[-1]["outcome"] == done(tmp_path, runs[-1])["outcome"] == "failed"
    assert runs[-1]["error"] == "hangs: took longer than its time_limit of 900 seconds, and was ended"


@pytest.mark.campaign
def test_two_schedules_train_each_model_once_a_time(tmp_path: Path) -> None:
    both = start(tmp_path, {"bad": BAD, "weak": WEAK}, 0, 30)
    try:
        time.sleep(45)
        for process in both:
            process.send_signal(signal.SIGTERM)
        told = [process.communicate(timeout=60) for process in both]
    finally:
        for process in both:
            end(process)
    runs = [json.loads(line) for out, _ in told for line in out.splitlines()]
    ended = [run for run in runs if run["outcome"] != "stopped"]
    assert len(ended) > 4 and all(run["attempt"] == 1 for run in runs)
    assert len({(run["model"], run["due"]) for run in runs}) == len(runs)
    assert all(done(tmp_path, run)["outcome"] == run["outcome"] for run in ended)
    assert all(err.count("Traceback") == 0 for _, err in told)
    published = [run["reference"] for run in runs if "reference" in run]
    assert len(versions(open_store((tmp_path / ".registry").as_uri()), "weak")) == len(published)


@pytest.mark.slow
def test_run_is_told_and_settled_whatever_its_model_and_its_libraries_write(tmp_path: Path) -> None:
    """To both outputs, in any encoding, by Python or past it."""
    (tmp_path / "talky.py").write_text(
        "import os\n"
        "from sklearn.linear_model import LogisticRegression\n"
        "def make():\n"
        "    print('making it')\n"
        "    [os.write(output, b'libfoo: caf\\xe9\\n') for output in (1, 2)]\n"
        "    return LogisticRegression(max_iter=1000)\n"
    )
    (process,) = start(tmp_path, {"talky": {**SPEC, **ONCE, "estimator": "talky:make", "scale": True}}, 0)
    try:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        run = json.loads(next(line for line in lines if line.startswith("{")))  # others come from the model's function
        settled = done(tmp_path, run)
    finally:
        end(process)
    assert run["outcome"] == settled["outcome"] == "published" and run["reference"] == settled["reference"]


@pytest.mark.campaign
def test_time_is_trained_once_where_nobody_can_be_told(tmp_path: Path) -> None:
    """The disk of the log is full, for both outputs."""
    path, begin = write(tmp_path, {"weak": {**WEAK, **ONCE}}), tmp_path / "begin"
    begin.touch()
    with open("/dev/full", "w") as full:
        arguments = [str(begin), "-150", "--schedule", "--models", str(path)]
        process = subprocess.Popen(
            [sys.executable, "-c", FAST_CLOCK, *arguments], cwd=ROOT, stdout=full, stderr=full, text=True
        )
    settled = tmp_path / ".registry/_schedule/weak/20260101T0001Z/done.json"
    try:
        wait_while_it_runs(process, settled.exists)
    finally:
        end(process)
    assert json.loads(settled.read_text())["outcome"] == "gate not passed"
    assert len({claim["by"] for claim in claims(tmp_path)}) == 1
    assert len(versions(open_store((tmp_path / ".registry").as_uri()), "weak")) == 1


class Kept:
    """One model's times, trained at once, by a clock that each look at it moves on."""

    def __init__(self, folder: Path, line: str, moments: Sequence[datetime], kind: type[Claims] = Claims) -> None:
        self.moments, self.trained = list(moments), list[datetime]()
        self.stopping = Event()
        spec = ModelSpec.model_validate({**SPEC, "schedule": line})
        claims = kind(open_store(folder.as_uri(), create=True), "somebody", self.clock)
        self.model = ScheduledModel("wine", spec, [], claims, Semaphore(1), self.stopping)

    def clock(self) -> datetime:
        if len(self.moments) == 1:
            self.stopping.set()
            return self.moments[0]
        return self.moments.pop(0)


@pytest.mark.parametrize(
    ("due", "now", "expected"),
    [
        ((10, 0), (10, 0), (11, 0)),
        ((10, 0), (10, 59), (11, 0)),
        ((10, 0), (11, 0), (11, 0)),  # it came while the one before was looked at
        ((10, 0), (11, 30), (11, 0)),
        ((10, 0), (15, 59), (15, 0)),  # of several that came, the last, which is not over
    ],
)
def test_after_a_time_comes_the_last_that_came_or_the_next(
    tmp_path: Path, due: tuple[int, int], now: tuple[int, int], expected: tuple[int, int]
) -> None:
    at = [datetime(2026, 11, 26, *moment, tzinfo=UTC) for moment in (due, now, expected)]
    kept = Kept(tmp_path, "0 * * * *", [at[1]])
    assert time_after(kept.model, at[0]) == at[2]


def test_no_error_ends_a_schedule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever fails at one time, the next one is come to."""
    times = [datetime(2026, 11, 26, 10, tzinfo=UTC) + timedelta(seconds=7 * k) for k in range(60)]
    came = list[datetime]()

    class Failing(Claims):
        def take(self, name: str, due: datetime) -> NoReturn:
            came.append(due)
            raise [OverflowError("date value out of range"), RuntimeError(), MemoryError("no memory")][len(came) % 3]

    kept = Kept(tmp_path, "* * * * *", times, Failing)
    monkeypatch.setattr("training.schedule.keep.LOOK_SECONDS", 0)
    monkeypatch.setattr("training.schedule.keep.POLL_SECONDS", 0)
    keep(kept.model)
    assert len(came) > 1


def test_schedule_without_a_line_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, {"wine": SPEC})
    assert main(["--schedule", "--models", str(path)]) == 1
    assert capsys.readouterr().err == f'train: no model in {path} has a schedule, such as "schedule": "0 3 * * *"\n'


def test_schedule_hands_on_its_options(tmp_path: Path) -> None:
    handed: list[Any] = []

    def schedule(
        file: ModelsFile, specs: Mapping[str, ModelSpec], registry: str | None, arguments: Sequence[str]
    ) -> int:
        handed.extend([file.shown, list(specs), registry, arguments])
        return 7

    path = write(tmp_path, {"wine": SCHEDULED, "other": SCHEDULED})
    options = ["--models", str(path), "--registry", "file:///x", "--dask", "tcp://y"]
    assert main(["wine", "--schedule", *options], schedule=schedule) == 7
    assert handed == [str(path), ["wine"], "file:///x", options]
