"""Promotion as a person runs it: the book, the environment, crashes and races."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Buffer, Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from brinery.errors import PromotionRefused
from brinery.promotion.env_file import EnvFile
from brinery.promotion.environment import Environment
from brinery.promotion.promote import Check, Decision, conclude, promote
from brinery.promotion.records import Entry, Outcome, Promotion, append, history, live
from brinery.versions.catalog import find_version
from brinery.versions.manifest import Gate, GateCheck
from brinery.versions.reference import Reference
from brinery.versions.store import Store, open_store
from tests.brinery.promotion.conftest import Run
from tests.conftest import ROOT, overwrite
from tests.examples import example, publish_example, publish_files


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Store, list[Reference]]:
    """A registry with four versions of `alcohol`, of which the last failed its gate; its folder is the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MODEL_REGISTRY", (tmp_path / "registry").as_uri())
    store = open_store((tmp_path / "registry").as_uri(), create=True)
    references = [publish_example(store, "alcohol") for _ in range(3)]
    described, files = example("alcohol")
    check = GateCheck(metric="accuracy", rule="min", side="least", limit=0.99, value=0.5, passed=False)
    failed = described.model_copy(update={"gate": Gate(passed=False, checks=(check,))})
    return store, [*references, publish_files(store, failed, files)]


def promoted(run: Run, version: int, *more: str, **collaborators: Any) -> tuple[int, str, str]:
    return run("promote", f"alcohol:{version}", "--env-file", ".env", *more, **collaborators)


def promoted_here(
    store: Store, reference: Reference, environment: Environment, check: Check = lambda *_: None
) -> Entry | None:
    """Promote without the command."""
    known = history(store, reference.name)
    return promote(store, find_version(store, reference), environment, Decision(by="me"), check, known)


class Shared(Store):
    """A store in which somebody else does something, once, before or after the next write."""

    def __init__(self, store: Store, *, before: Callable[[], None] | None, after: Callable[[], None] | None) -> None:
        super().__init__(store.backend, store.url)
        self._before, self._after = before, after

    def create(self, path: str, data: Buffer) -> None:
        before, after, self._before, self._after = self._before, self._after, None, None
        if before:
            before()
        super().create(path, data)
        if after:
            after()


def pinned() -> str:
    return Path(".env").read_text().partition("MODEL_VERSION=")[2].strip()


def test_promote_sets_the_file_and_writes_the_book(book: tuple[Store, list[Reference]], run: Run) -> None:
    store, references = book
    code, out, _ = promoted(run, 1, "--reason", "the first")
    assert code == 0 and f"nothing -> {references[0]}, record 1" in out
    assert pinned() == references[0].version_text
    assert promoted(run, 2)[0] == 0
    first, done, second, _ = (record.entry for record, _ in history(store, "alcohol"))
    assert isinstance(first, Promotion) and isinstance(second, Promotion)
    assert (first.was, first.to, first.reason) == (None, str(references[0]), "the first")
    assert (second.was, second.to) == (str(references[0]), str(references[1]))
    assert "@" in first.by
    assert done == Outcome(of=1, succeeded=True)


def test_promote_of_what_is_served_changes_nothing(book: tuple[Store, list[Reference]], run: Run) -> None:
    promoted(run, 1)
    code, out, _ = promoted(run, 1)
    assert code == 0 and "already" in out
    assert len(history(book[0], "alcohol")) == 2


def test_failed_gate_needs_force_and_reason(book: tuple[Store, list[Reference]], run: Run) -> None:
    code, _, err = promoted(run, 4)
    assert code == 1
    assert "alcohol:4 did not pass its gate: accuracy is 0.5000, at least 0.99 is asked for; to promote" in err
    code, _, err = promoted(run, 4, "--force")
    assert code == 1 and "--force needs a --reason" in err
    assert not Path(".env").exists() and history(book[0], "alcohol") == []
    assert promoted(run, 4, "--force", "--reason", "on purpose")[0] == 0
    (first, _) = history(book[0], "alcohol")
    assert isinstance(first.record.entry, Promotion) and first.record.entry.forced


@pytest.mark.parametrize("file", ["model.joblib", "model.onnx", "card.html"])
def test_version_that_was_changed_is_not_promoted(book: tuple[Store, list[Reference]], run: Run, file: str) -> None:
    store, references = book
    overwrite(store, f"{references[0].folder}/{file}", b"x" * 10)
    code, _, err = promoted(run, 1)
    assert code == 1 and f"{file} of alcohol:1" in err
    assert not Path(".env").exists() and history(store, "alcohol") == []


def test_version_that_could_not_be_served_is_not_promoted(book: tuple[Store, list[Reference]], run: Run) -> None:
    code, _, err = promoted(run, 1, open_check=lambda: nullcontext(lambda *_: "its pickle needs x"))
    assert code == 1 and "could not be served: its pickle needs x" in err
    assert not Path(".env").exists() and history(book[0], "alcohol") == []


def test_rollback_returns_to_what_was_served_before(book: tuple[Store, list[Reference]], run: Run) -> None:
    _, references = book
    code, _, err = run("rollback", "alcohol", "--env-file", ".env")
    assert code == 1 and "know of nothing that env-file" in err
    Path(".env").write_text(f"MODEL_NAME=alcohol\nMODEL_VERSION=1@sha256:{'a' * 64}\n")
    promoted(run, 1)
    code, _, err = run("rollback", "alcohol", "--env-file", ".env")
    assert code == 1 and "know of nothing that env-file" in err
    Path(".env").unlink()
    promoted(run, 2)
    promoted(run, 1)
    promoted(run, 3)
    assert run("rollback", "alcohol", "--env-file", ".env")[0] == 0
    assert pinned() == references[0].version_text
    assert run("rollback", "alcohol", "--env-file", ".env")[0] == 0
    assert pinned() == references[2].version_text


@pytest.mark.parametrize(
    ("steps", "back_to"),
    [
        ((1, 2), 1),
        ((1, "3", 2), 3),
        ((1, 2, "3"), 2),
        ((1, 2, ""), 2),
        (("3", 2), 3),
        ((1, "1", 2), 1),
    ],
    ids=str,
)
def test_rollback_knows_what_was_set_by_hand(
    book: tuple[Store, list[Reference]], run: Run, steps: tuple[int | str, ...], back_to: int
) -> None:
    """Numbers are promoted; texts are written into the file, without a digest."""
    for step in steps:
        if isinstance(step, int):
            assert promoted(run, step)[0] == 0
        else:
            Path(".env").write_text(f"MODEL_NAME=alcohol\nMODEL_VERSION={step}\n")
    assert run("rollback", "alcohol", "--env-file", ".env")[0] == 0
    assert pinned() == book[1][back_to - 1].version_text


def test_live_now_is_what_was_promoted_last_whatever_the_clocks(book: tuple[Store, list[Reference]], run: Run) -> None:
    store, references = book
    entry = Promotion(action="promote", environment="stack prod", was=None, to=str(references[0]), by="me")
    append(store, "alcohol", [], entry, datetime(2126, 1, 1, tzinfo=UTC))
    promoted(run, 2)
    assert json.loads(run("live", "alcohol", "--json")[1]) == {
        "stack prod": str(references[0]),
        EnvFile(Path(".env")).name: str(references[1]),
    }
    code, out, _ = run("live", "alcohol")
    assert "SERVED NOW" in out and f"{references[0]}  (outcome not recorded)\n" in out


def test_live_is_asked_for_the_time_that_the_log_shows(book: tuple[Store, list[Reference]], run: Run) -> None:
    promoted(run, 1)
    (record,) = json.loads(run("log", "alcohol", "--json")[1])
    moment = datetime.fromisoformat(record["at"])
    elsewhere = moment.astimezone(timezone(timedelta(hours=5, minutes=30))).isoformat()
    for at in (record["at"], elsewhere):
        code, out, _ = run("live", "alcohol", "--at", at)
        assert code == 0 and f"SERVED AT {record['at'].upper()}" in out and str(book[1][0]) in out


def test_log_and_live_answer_from_the_records(book: tuple[Store, list[Reference]], run: Run) -> None:
    store, references = book
    assert "alcohol was never promoted" in run("log", "alcohol")[1]
    moments = [datetime(2026, 10, day, tzinfo=UTC) for day in (1, 5)]
    for moment, reference in zip(moments, references, strict=False):
        entry = Promotion(action="promote", environment="stack prod", was=None, to=str(reference), by="me")
        append(store, "alcohol", history(store, "alcohol"), entry, moment)
    promoted(run, 3)
    code, out, _ = run("log", "alcohol", "--verify")
    assert code == 0
    assert "2026-10-01T00:00:00Z  promote  -     alcohol:1@" in out and "not recorded" in out and "succeeded" in out
    assert "4 records, of promotions and of their outcomes, follow each other unaltered" in out
    for at, expected in (("2026-10-04", references[0]), ("2026-10-05T00:00Z", references[1])):
        assert json.loads(run("live", "alcohol", "--at", at, "--json")[1]) == {"stack prod": str(expected)}
    assert json.loads(run("live", "alcohol", "--at", "2026-09-01", "--json")[1]) == {}
    now = json.loads(run("live", "alcohol", "--json")[1])
    assert now == {"stack prod": str(references[1]), EnvFile(Path(".env")).name: str(references[2])}


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_log_finds_a_record_that_is_altered_or_missing(
    book: tuple[Store, list[Reference]], run: Run, number: int
) -> None:
    store, _ = book
    promoted(run, 1)
    promoted(run, 2)
    path = f"alcohol/promotions/{number:06d}.json"
    data = bytes(store.read(path, 9999))
    overwrite(store, path, data.replace(b'"at": "20', b'"at": "19'))
    code, _, err = run("log", "alcohol", "--verify")
    assert code == 1 and f"{path} was altered" in err
    store.backend.delete(path)
    if number < 4:
        code, _, err = run("log", "alcohol", "--verify")
        assert code == 1 and f"{path} is missing" in err


def test_log_finds_what_was_promoted_and_is_gone(book: tuple[Store, list[Reference]], run: Run) -> None:
    store, references = book
    promoted(run, 1)
    store.backend.delete(f"{references[0].folder}/manifest.json")
    assert run("log", "alcohol")[0] == 0
    assert run("log", "alcohol", "--verify")[0] == 1


def test_log_finds_that_its_last_records_are_missing(book: tuple[Store, list[Reference]], run: Run) -> None:
    store, references = book
    promoted(run, 1)
    promoted(run, 2)
    verify = ("log", "alcohol", "--verify", "--env-file", ".env")
    assert run(*verify)[0] == 0
    for number in (4, 3):
        store.backend.delete(f"alcohol/promotions/{number:06d}.json")
    code, _, err = run(*verify)
    assert code == 1
    assert f"is set to {references[1]}, and by the records to {references[0]}: the last records are missing" in err
    code, _, err = run("log", "alcohol", "--env-file", ".env")
    assert code == 1 and "--env-file and --stack go with --verify" in err


def test_result_that_nobody_reads_is_no_error(book: tuple[Store, list[Reference]]) -> None:
    store, references = book
    entry = Promotion(action="promote", environment="e" * 9000, was=None, to=str(references[0]), by="me")
    for _ in range(9):
        append(store, "alcohol", history(store, "alcohol"), entry, datetime.now(UTC))
    command = f"{sys.executable} -m brinery.commands.registry log alcohol"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for line, message in ((f"{command} | true", ""), (f"{command} > /dev/full", "registry: the result cannot be")):
        done = subprocess.run(  # noqa: S602
            f"set -o pipefail; {line}",
            shell=True,
            executable="/bin/bash",
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.stderr.startswith(message) and done.stderr.count("\n") == bool(message), done.stderr
        assert done.returncode == bool(message)


CRASH = """
import os, signal, sys
from brinery.commands.registry import main
from brinery.promotion.env_file import EnvFile
class Dying(EnvFile):
    def apply(self, reference):
        if sys.argv[1] == "after": super().apply(reference)
        os.kill(os.getpid(), signal.SIGKILL)
main(sys.argv[2:], connect=lambda store, arguments: Dying(arguments.env_file))
"""


@pytest.mark.parametrize("moment", ["before", "after"])
def test_crash_between_record_and_update_is_shown_and_settled(
    book: tuple[Store, list[Reference]], run: Run, moment: str
) -> None:
    store, references = book
    promoted(run, 1)
    arguments = ["promote", "alcohol:2", "--env-file", ".env"]
    died = subprocess.run(
        [sys.executable, "-c", CRASH, moment, *arguments], env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=60
    )
    assert died.returncode == -signal.SIGKILL
    assert pinned() == references[0 if moment == "before" else 1].version_text
    assert json.loads(run("log", "alcohol", "--json")[1])[-1]["outcome"] == "not recorded"

    assert promoted(run, 3)[0] == 0
    log = json.loads(run("log", "alcohol", "--json")[1])
    assert [each["outcome"] for each in log] == [
        "succeeded",
        "succeeded" if moment == "after" else "failed",
        "succeeded",
    ]
    assert log[2]["from"] == str(references[0 if moment == "before" else 1])
    run("rollback", "alcohol", "--env-file", ".env")
    assert pinned() == references[0 if moment == "before" else 1].version_text


def test_two_promotions_at_once_have_one_winner_and_it_is_named(book: tuple[Store, list[Reference]], run: Run) -> None:
    store, references = book
    meanwhile: list[Any] = [lambda: promoted(run, 2, "--reason", "quicker")]

    def check(*_: Any) -> None:
        meanwhile.pop()()

    code, _, err = promoted(run, 3, open_check=lambda: nullcontext(check))
    assert code == 1
    assert f"was first: promote of env-file {Path('.env').resolve()} to {references[1]}" in err
    assert pinned() == references[1].version_text
    assert live(history(store, "alcohol")) == references[1]


def test_promotion_elsewhere_at_the_same_time_stands_in_nobodys_way(book: tuple[Store, list[Reference]]) -> None:
    store, references = book

    def elsewhere(moment: str) -> None:
        to = Promotion(action="promote", environment=f"stack {moment}", was=None, to=str(references[0]), by="you")
        append(store, "alcohol", history(store, "alcohol"), to, datetime.now(UTC))

    environment = EnvFile(Path(".env"))
    shared = Shared(store, before=lambda: elsewhere("record"), after=None)
    assert promoted_here(shared, references[2], environment, lambda *_: elsewhere("check"))
    assert live(history(store, "alcohol"), "stack check") == references[0]
    assert live(history(store, "alcohol"), "stack record") == references[0]
    assert pinned() == references[2].version_text
    assert live(history(store, "alcohol"), environment.name) == references[2]


def test_promotion_that_another_took_for_left_behind_gives_way(book: tuple[Store, list[Reference]]) -> None:
    store, references = book

    def overtaken() -> None:
        ours = history(store, "alcohol")[-1]
        entries = conclude(store, ours, succeeded=False, detail="found set to None by the promotion after it")
        theirs = ours.record.entry.model_copy(update={"to": str(references[1]), "by": "you"})
        append(store, "alcohol", entries, theirs, datetime.now(UTC))

    environment = EnvFile(Path(".env"))
    message = f"you was first: promote of {environment.name} to {references[1]}"
    with pytest.raises(PromotionRefused, match=re.escape(message)):
        promoted_here(Shared(store, before=None, after=overtaken), references[0], environment)
    assert not Path(".env").exists()


def test_outcome_that_somebody_guessed_wrongly_is_put_right(book: tuple[Store, list[Reference]]) -> None:
    store, references = book

    class Slow(EnvFile):
        def apply(self, reference: Reference) -> bool:
            conclude(store, history(store, "alcohol")[-1], succeeded=False, detail="taken for left behind")
            return super().apply(reference)

    assert promoted_here(store, references[0], Slow(Path(".env")))
    assert live(history(store, "alcohol")) == references[0]


@pytest.mark.parametrize("count", [2, pytest.param(8, marks=pytest.mark.campaign)])
def test_many_promotions_at_once_leave_file_and_book_in_agreement(
    book: tuple[Store, list[Reference]], count: int
) -> None:
    store, _ = book
    processes = [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "brinery.commands.registry",
                "promote",
                f"alcohol:{1 + n % 3}",
                "--env-file",
                ".env",
            ],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for n in range(count)
    ]
    errors = [process.communicate(timeout=120)[1] for process in processes]
    assert any(process.returncode == 0 for process in processes)
    for process, error in zip(processes, errors, strict=True):
        assert process.returncode == 0 or "was first: promote of env-file" in error or "at the same time" in error, (
            error
        )
    served = live(history(store, "alcohol"))
    assert served is not None and pinned() == served.version_text


WRONG = {
    "no environment": (["promote", "alcohol:1"], 2, "one of the arguments --env-file --stack is required"),
    "two": (["promote", "alcohol:1", "--env-file", ".env", "--stack", "x"], 2, "not allowed with argument"),
    "no version": (["promote", "alcohol:9", "--env-file", ".env"], 1, "alcohol has no version 9"),
    "empty stack": (["promote", "alcohol:1", "--stack", ""], 2, "argument --stack: it is empty"),
    "empty file": (["promote", "alcohol:1", "--env-file", ""], 2, "argument --env-file: it is empty"),
    "no text": (["promote", "alcohol:1", "--env-file", "x", "--reason", "\udcff"], 2, "it must be printable text"),
    "novel": (["promote", "alcohol:1", "--env-file", "x", "--reason", "x" * 1001], 2, "of at most 1000 characters"),
    "blank reason": (["promote", "alcohol:4", "--env-file", "x", "--force", "--reason", " "], 1, "needs a --reason"),
    "no path": (["promote", "alcohol:1", "--env-file", "\udcff"], 1, "cannot be the path of an environment file"),
    "no year": (["live", "alcohol", "--at", "0001-01-01T00:00+14:00"], 2, "is not a time"),
    "no time": (["live", "alcohol", "--at", "yesterday"], 2, "'yesterday' is not a time"),
    "no model": (["rollback", "beer", "--env-file", ".env"], 1, "the records of beer know of nothing"),
}


@pytest.mark.parametrize(("arguments", "code", "message"), WRONG.values(), ids=WRONG)
def test_wrong_use_is_a_sentence(
    book: tuple[Store, list[Reference]], run: Run, arguments: list[str], code: int, message: str
) -> None:
    found, _, err = run(*arguments)
    assert found == code
    assert message in err
