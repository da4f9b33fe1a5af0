"""`train --due`: real processes, and one model's look with what it comes to given."""

import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Semaphore
from typing import Any

import psutil
import pytest

from brinery.errors import StoreUnavailable
from brinery.versions.catalog import versions
from brinery.versions.store import open_store
from tests.conftest import ROOT
from tests.models_file import SPEC, write
from tests.training.schedule.fast import BAD, ONCE, WEAK, claims, end, launch, wait_for_claims
from tests.training.slow import FITTING, slow_model, wait_for_the_fit
from training.__main__ import main
from training.schedule.claims import Claims, Others, Settled
from training.schedule.due import look
from training.schedule.run_process import Ended
from training.schedule.scheduled_model import ScheduledModel
from training.spec import ModelSpec

NONE = {"trained": 0, "gates_not_passed": 0, "failed": 0, "elsewhere": 0, "left": 0, "not_due": 0}
YEARLY = "0 0 1 1 *"
AFTER = 120.0  # seconds on the clock, when what comes at the first minute is due


def due(folder: Path, *arguments: str) -> tuple[int, list[dict[str, Any]], dict[str, Any], str]:
    """The exit code, the lines of runs, the last line without its time, and what is said on stderr."""
    ran = subprocess.run(
        [sys.executable, "-m", "training", "--due", "--models", str(folder / "models.json"), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
    )
    *runs, last = map(json.loads, ran.stdout.splitlines())
    assert abs(datetime.fromisoformat(last.pop("time")) - datetime.now(UTC)) < timedelta(minutes=10)
    assert last.pop("event") == "due"
    return ran.returncode, runs, last, ran.stderr


@pytest.mark.slow
def test_due_trains_what_was_not_trained_at_its_last_time_and_ends(tmp_path: Path) -> None:
    models: dict[str, dict[str, Any]] = {"good": SPEC, "weak": WEAK, "bad": BAD}
    write(tmp_path, {**{name: {**model, "schedule": YEARLY} for name, model in models.items()}, "never": SPEC})
    assert due(tmp_path, "weak")[::2] == (3, {**NONE, "models": 1, "gates_not_passed": 1})
    code, runs, last, err = due(tmp_path)
    assert (code, last) == (1, {**NONE, "models": 3, "trained": 1, "failed": 1, "not_due": 1})
    assert {(run["event"], run["model"], run["outcome"], run["attempt"]) for run in runs} == {
        ("run", "good", "published", 1),
        ("run", "bad", "failed", 1),
    }
    midnight = f"{datetime.now(UTC).year}-01-01T00:00:00Z"
    assert {run["due"] for run in runs} == {midnight}
    (line,) = err.splitlines()
    assert line.startswith(f'train: bad of {midnight} failed: bad: sklearn:wine has no column "nothing"')
    assert due(tmp_path) == (0, [], {**NONE, "models": 3, "not_due": 3}, "")
    store = open_store((tmp_path / ".registry").as_uri())
    assert [versions(store, name) for name in ("good", "weak", "never")] == [[1], [1], []]


@pytest.mark.slow
def test_due_stops_within_a_run_and_leaves_its_time_to_the_next_look(tmp_path: Path) -> None:
    path, begin = write(tmp_path, {"slow": {**slow_model(tmp_path), **ONCE}}), tmp_path / "begin"
    process = launch(begin, AFTER, "--due", "--models", str(path))
    try:
        wait_for_the_fit(tmp_path, process)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    finally:
        end(process)
    run, last = map(json.loads, out.splitlines())
    assert (run["outcome"], last["left"], process.returncode) == ("stopped", 1, 1)
    assert err == "" and [each.get("stopped") for each in claims(tmp_path)] == [None, True]  # so that nobody waits
    assert not list(tmp_path.glob(".registry/_schedule/slow/*/done.json"))


@pytest.mark.campaign
def test_look_leaves_to_another_what_it_trains_and_waits_for_the_claim_of_one_that_was_killed(tmp_path: Path) -> None:
    path, begin = write(tmp_path, {"slow": {**slow_model(tmp_path), **ONCE}}), tmp_path / "begin"
    begin.touch()
    looks = [launch(begin, AFTER, "--due", "--models", str(path))]
    try:
        wait_for_the_fit(tmp_path, looks[0])
        looks.append(launch(begin, AFTER, "--due", "--models", str(path)))
        out, err = looks[1].communicate(timeout=100)
        elsewhere, last = map(json.loads, out.splitlines())
        assert (elsewhere["event"], elsewhere["model"], elsewhere["due"]) == (
            "elsewhere",
            "slow",
            "2026-01-01T00:01:00Z",
        )
        assert (last["elsewhere"], looks[1].returncode, err) == (1, 0, "")
        those = psutil.Process(looks[0].pid).children(recursive=True)
        held = len(claims(tmp_path))
        assert held > 1
        looks[0].kill()
        assert psutil.wait_procs(those, timeout=10)[1] == []
        (tmp_path / FITTING).unlink()
        looks.append(launch(begin, AFTER, "--due", "--models", str(path)))
        wait_for_the_fit(tmp_path, looks[2])
        wait_for_claims(tmp_path, held + 2)
        looks[2].send_signal(signal.SIGTERM)
        out, _ = looks[2].communicate(timeout=60)
    finally:
        for process in looks:
            end(process)
    run, last = map(json.loads, out.splitlines())
    assert (run["outcome"], run["attempt"], last["left"]) == ("stopped", 2, 1)
    assert len({claim["by"] for claim in claims(tmp_path)}) == 2


NOW = datetime(2026, 11, 26, 10, 30, tzinfo=UTC)
DUE = datetime(2026, 11, 26, 10, tzinfo=UTC)
PUBLISHED = Ended(0, None, "", {"gate": {"verdict": "none"}})
KILLED = Ended(-9, None, "the process ended with -9: ")
FAILED = Ended(1, None, "wine: it has no rows")


def held(minutes: int) -> Others:
    return Others(NOW + timedelta(minutes=minutes))


class Given(ScheduledModel):
    """A model whose times come to what is given, one after the other."""

    def come_to(self, due: datetime) -> Ended | Others | Settled | None:
        assert due == DUE
        came = self.arguments.pop(0)  # type: ignore[attr-defined]
        if isinstance(came, Exception):
            raise came
        return came  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("comes_to", "found", "said"),
    [
        ([Settled(done=True)], "not_due", ""),
        ([None, None, PUBLISHED], "trained", ""),
        ([FAILED], "failed", "failed: wine: it has no rows"),
        ([held(11), held(11), held(11), Settled(done=True)], "not_due", ""),
        ([held(11), held(11), PUBLISHED], "trained", ""),
        ([held(11), held(15)], "elsewhere", ""),
        ([held(11), held(22)], "elsewhere", ""),
        ([KILLED, held(11), held(11), PUBLISHED], "trained", "killed: the process ended with -9:"),
        ([held(11), KILLED, held(22), held(22), PUBLISHED], "trained", "killed: the process ended with -9:"),
        ([Settled(done=False)], "left", "is left, after attempts that were all killed"),
        ([StoreUnavailable("it is down")], "left", "is left: it is down"),
        ([MemoryError()], "left", "is left: MemoryError"),
    ],
)
def test_look_leaves_what_is_held_for_longer_and_takes_what_is_not(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    comes_to: Sequence[object],
    found: str,
    said: str,
) -> None:
    monkeypatch.setattr("training.schedule.due.LOOK_SECONDS", 0)
    spec = ModelSpec.model_validate({**SPEC, "schedule": "0 * * * *"})
    claims = Claims.here(open_store(tmp_path.as_uri()), lambda: NOW)
    model = Given("wine", spec, list(comes_to), claims, Semaphore(), Event())  # type: ignore[arg-type]
    assert look(model) == found
    assert not model.arguments, "it has come to all of that"
    out, err = capsys.readouterr()
    assert err == (f"train: wine of 2026-11-26T10:00:00Z {said}\n" if said else "")
    told = [json.loads(line) for line in out.splitlines()]
    at = {"time": "2026-11-26T10:30:00Z", "model": "wine", "due": "2026-11-26T10:00:00Z"}
    assert told == [{"event": "elsewhere", **at}] * (found == "elsewhere")


def test_due_without_a_schedule_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, {"wine": SPEC})
    assert main(["--due", "--models", str(path)]) == 1
    assert capsys.readouterr().err == f'train: no model in {path} has a schedule, such as "schedule": "0 3 * * *"\n'


def test_due_and_schedule_are_refused_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--due", "--schedule", "--models", str(write(tmp_path, {"wine": SPEC}))])
    assert caught.value.code == 2
    assert "argument --schedule: not allowed with argument --due" in capsys.readouterr().err
