"""Promotion as a person runs it: the record, the environment, crashes and races."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from brinery.errors import EnvironmentFailed
from brinery.loading.load import load
from brinery.promotion.env_file import EnvFile
from brinery.promotion.environment import Change, Environment, State
from brinery.promotion.promote import Check, Decision, promote
from brinery.promotion.records import folder
from brinery.versions.catalog import find_version
from brinery.versions.reference import Reference
from brinery.versions.store import Store, open_store
from tests.brinery.promotion.conftest import ENV_FILE, Here
from tests.conftest import ROOT, overwrite
from tests.examples import frame


def promoted(store: Store, reference: Reference, environment: Environment, check: Check = lambda *_: None) -> None:
    """Promote without the command."""
    decision = Decision(held=environment.held(reference.name), state=State(reference), by="me")
    promote(store, find_version(store, reference), environment, decision, check)


def test_promote_sets_the_file_and_writes_the_record(here: Here) -> None:
    code, out, _ = here.promote(1, "--reason", "the first")
    assert code == 0 and f"nothing -> {here.references[0]}, record 20" in out
    assert here.promote(2)[0] == 0
    (second, first) = here.chain.links
    assert (first.record.was, first.record.before, first.record.reason) == (None, None, "the first")
    assert first.record.to == str(here.references[0]) == second.record.was
    assert second.record.before == first.name and second.record.to == str(here.references[1]) == here.pin
    assert second.record.registry == here.store.url and second.record.environment == here.environment.name
    assert "@" in first.record.by and first.record.forced == () and first.record.restores is None
    assert f"MODEL_RECORD={second.name}\n" in Path(".env").read_text()


def test_result_is_the_record_as_json(here: Here) -> None:
    result = json.loads(here.promote(1, "--json")[1])
    (link,) = here.chain.links
    assert (result.pop("record"), result.pop("changed")) == (link.name, True)
    assert result == {**link.record.model_dump(mode="json"), "at": result["at"]}


def test_promote_of_what_is_served_changes_nothing(here: Here) -> None:
    here.promote(1)
    code, out, _ = here.promote(1)
    assert code == 0 and "already" in out
    assert len(here.store.files(folder("alcohol"))) == 1


def test_promote_of_what_is_served_checks_it_again(here: Here) -> None:
    here.promote(1)
    overwrite(here.store, f"{here.references[0].folder}/golden.json", b"{}")
    code, out, err = here.promote(1)
    assert (code, out) == (1, "") and "golden.json" in err


def test_reference_without_a_digest_is_refused_and_told_what_the_bucket_offers(here: Here) -> None:
    code, out, err = here.run("promote", "alcohol:1", *ENV_FILE)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f"nothing outside the bucket vouches for what it offers, {here.references[0]}; give that" in err
    assert not Path(".env").exists() and not here.store.files(folder("alcohol"))
    assert here.run("promote", "alcohol:1", *ENV_FILE, "--trust-bucket")[0] == 0
    assert here.pin == str(here.references[0])
    assert here.promote(2, "--trust-bucket")[0] == 0  # which nobody had to trust
    assert [link.record.forced for link in here.chain.links] == [(), ("digest",)]


def test_failed_gate_needs_force_and_reason(here: Here) -> None:
    code, _, err = here.promote(4)
    assert code == 1
    assert "alcohol:4 did not pass its gate: accuracy is 0.5000, at least 0.99 is asked for; to promote" in err
    code, _, err = here.promote(4, "--force")
    assert code == 1 and "--force needs a --reason" in err
    assert not Path(".env").exists() and not here.store.files(folder("alcohol"))
    assert here.promote(4, "--force", "--reason", "on purpose")[0] == 0
    assert here.promote(1, "--force", "--reason", "needless")[0] == 0
    assert [link.record.forced for link in here.chain.links] == [(), ("gate",)]


@pytest.mark.parametrize("file", ["model.joblib", "model.onnx", "card.html"])
def test_version_that_was_changed_is_not_promoted(here: Here, file: str) -> None:
    overwrite(here.store, f"{here.references[0].folder}/{file}", b"x" * 10)
    code, _, err = here.promote(1)
    assert code == 1 and f"{file} of alcohol:1" in err
    assert not Path(".env").exists() and not here.store.files(folder("alcohol"))


def test_version_that_could_not_be_served_is_not_promoted(here: Here) -> None:
    code, _, err = here.promote(1, open_check=lambda: nullcontext(lambda *_: "its pickle needs x"))
    assert code == 1 and "could not be served: its pickle needs x" in err
    assert not Path(".env").exists() and not here.store.files(folder("alcohol"))


def test_what_was_set_by_hand_is_said_and_recorded(here: Here) -> None:
    here.promote(1)
    here.by_hand("3")
    code, _, err = here.promote(2)
    assert code == 0
    assert f"warning: {here.environment.name} was set by hand to alcohol:3; its record says {here.references[0]}" in err
    assert here.chain.links[0].record.was == "alcohol:3"
    assert len(here.chain.links) == 2
    here.by_hand("nonsense")
    assert here.promote(1)[0] == 0 and here.chain.links[0].record.was == "alcohol:nonsense"


@pytest.mark.parametrize("damage", ["missing", "altered", "no name"])
def test_record_that_cannot_be_read_stops_no_promotion(here: Here, damage: str) -> None:
    here.promote(1)
    (link,) = here.chain.links
    path = f"{folder('alcohol')}/{link.name}.json"
    if damage == "missing":
        here.store.backend.delete(path)
    elif damage == "altered":
        overwrite(here.store, path, b"{}")
    else:
        Path(".env").write_text(Path(".env").read_text().replace(link.name, "no-name"))
    for version in (1, 2):  # what is served already is recorded anew
        code, _, err = here.promote(version)
        assert code == 0 and ("cannot be read" in err) == (version == 1), err
        assert here.version == version
    assert [each.record.to for each in here.chain.links] == [str(each) for each in here.references[1::-1]]
    assert here.chain.gap and here.rollback()[0] == 0 and here.version == 1


def test_next_step_fits_the_folder_that_one_is_in(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    file = Path(".env").resolve()
    assert f"next start of its server: uv run --project {ROOT} --env-file .env serve\n" in here.promote(1)[1]
    monkeypatch.chdir(ROOT / "tests")
    out = here.run("promote", str(here.references[1]), "--env-file", str(file))[1]
    assert f"next start of its server: uv run --env-file {file} serve\n" in out


@pytest.mark.slow
def test_result_that_nobody_reads_is_no_error(here: Here) -> None:
    here.promote(1)
    command = f"{sys.executable} -m brinery.commands.registry log alcohol --env-file .env"
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
moment, arguments = sys.argv[1], sys.argv[2:]
def killed(module, name, after):
    does = getattr(module, name)
    def die(*args, **kwargs):
        if after: does(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)
    setattr(module, name, die)
if moment != "before the file": killed(os, moment.partition(" ")[2], moment.startswith("after"))
else:
    from brinery.promotion.env_file import EnvFile
    killed(EnvFile, "_replace", False)
main(arguments)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("moment", "version", "left"),
    [
        ("before the file", 1, []),
        ("before fsync", 1, []),
        ("after fsync", 1, []),
        ("before link", 1, []),
        ("before replace", 1, [".env.promoting"]),
        ("after replace", 2, []),
    ],
)
def test_killed_promotion_leaves_a_record_off_the_chain_and_no_copy_of_the_file(
    here: Here, moment: str, version: int, left: list[str]
) -> None:
    """Between its name and the file's place lies the one moment in which a copy is left, for the next promotion."""
    Path(".env").write_text("SECRET=x\n")
    here.promote(1)
    before = here.chain
    died = subprocess.run(
        [sys.executable, "-c", CRASH, moment, "promote", str(here.references[1]), *ENV_FILE],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
    )
    assert died.returncode == -signal.SIGKILL
    assert here.version == version
    assert sorted(os.listdir()) == [*([f".{left[0]}"] if left else []), ".env", "registry"]
    if version == 1:
        assert here.chain == before
        log = json.loads(here.run("log", "alcohol", *ENV_FILE, "--json")[1])
        assert len(log["off_chain"]) == 1 and len(log["records"]) == 1 and not log["set_by_hand"]
    assert here.promote(3)[0] == 0
    assert here.version == 3 and here.chain.links[0].record.was == str(here.references[version - 1])
    assert sorted(os.listdir()) == [".env", "registry"] and "SECRET=x\n" in Path(".env").read_text()
    assert here.rollback()[0] == 0 and here.version == version


def test_two_promotions_at_once_have_one_winner(here: Here) -> None:
    def check(*_: Any) -> None:
        assert here.promote(2)[0] == 0

    code, _, err = here.promote(3, open_check=lambda: nullcontext(check))
    assert code == 1
    assert f"{here.environment.name} was changed meanwhile, to {here.references[1]}; look at `registry log al" in err
    assert here.version == 2 and len(here.store.files(folder("alcohol"))) == 1


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, pytest.param(8, marks=pytest.mark.campaign)])
def test_many_promotions_at_once_leave_file_and_chain_in_agreement(here: Here, count: int) -> None:
    command = [sys.executable, "-m", "brinery.commands.registry", "promote"]
    processes = [
        subprocess.Popen(
            [*command, str(here.references[n % 3]), *ENV_FILE],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for n in range(count)
    ]
    errors = [process.communicate(timeout=120)[1] for process in processes]
    won = sum(process.returncode == 0 for process in processes)
    assert won
    for process, error in zip(processes, errors, strict=True):
        assert process.returncode == 0 or "was changed meanwhile" in error, error
    assert len(here.chain.links) == won == len(here.store.files(folder("alcohol")))
    assert here.chain.links[0].record.to == here.pin


def test_environment_that_cannot_be_changed_writes_no_record(here: Here) -> None:
    class Full(EnvFile):
        def prepare(self, state: State) -> Change:
            raise EnvironmentFailed("no room")

    with pytest.raises(EnvironmentFailed):
        promoted(here.store, here.references[0], Full(Path(".env")))
    assert not here.store.files(folder("alcohol"))


def test_environment_is_looked_at_again_where_nobody_else_can_change_it(here: Here) -> None:
    order: list[str] = []

    class Noting(EnvFile):
        @contextmanager
        def exclusive(self) -> Iterator[None]:
            order.append("locked")
            with super().exclusive():
                yield
            order.append("free")

        def held(self, model: str) -> Any:
            order.append("looked")
            return super().held(model)

        def _replace(self, text: str) -> None:
            order.append("set")
            super()._replace(text)

    promoted(here.store, here.references[0], Noting(Path(".env")), lambda *_: order.append("checked"))
    assert order == ["looked", "checked", "locked", "looked", "set", "free"]


def test_version_of_an_earlier_release_is_promoted_and_rolled_back_to(here: Here, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "tests/brinery/versions/stored/schema_1", tmp_path / "old")
    store = open_store((tmp_path / "old").as_uri())
    first, second = (find_version(store, Reference("numbers", number)) for number in (1, 2))
    assert first.manifest.schema_version == second.manifest.schema_version == 1
    where = ("--env-file", "numbers.env", "--registry", store.url, "--force", "--reason", "whatever its gate")
    for published in (first, second):
        code, _, err = here.run("promote", str(published.reference), *where)
        assert code == 0, err
    assert here.run("rollback", "numbers", *where)[0] == 0
    assert f"MODEL_VERSION={first.reference.version_text}\n" in Path("numbers.env").read_text()
    again = find_version(store, first.reference)
    assert again.stored == first.stored


WRONG = {
    "no environment": (["promote", "alcohol:1"], 2, "one of the arguments --env-file --stack is required"),
    "no environment of live": (["live", "alcohol"], 2, "one of the arguments --env-file --stack is required"),
    "two": (["promote", "alcohol:1", "--env-file", ".env", "--stack", "x"], 2, "not allowed with argument"),
    "no version": (["promote", "alcohol:9", "--env-file", ".env"], 1, "alcohol has no version 9"),
    "empty stack": (["promote", "alcohol:1", "--stack", ""], 2, "argument --stack: it is empty"),
    "empty file": (["promote", "alcohol:1", "--env-file", ""], 2, "argument --env-file: it is empty"),
    "no text": (["promote", "alcohol:1", "--env-file", "x", "--reason", "\udcff"], 2, "it must be printable text"),
    "novel": (["promote", "alcohol:1", "--env-file", "x", "--reason", "x" * 1001], 2, "of at most 1000 characters"),
    "blank reason": (["rollback", "alcohol", "--env-file", "x", "--force", "--reason", " "], 1, "needs a --reason"),
    "no path": (["log", "alcohol", "--env-file", "\udcff"], 1, "cannot be the path of an environment file"),
    "no year": (["live", "alcohol", "--env-file", ".env", "--at", "0001-01-01T00:00+14:00"], 2, "is not a time"),
    "no time": (["live", "alcohol", "--env-file", ".env", "--at", "yesterday"], 2, "'yesterday' is not a time"),
    "no model": (["rollback", "beer", "--env-file", ".env"], 1, "no record tells what env-file .* served before"),
}


@pytest.mark.parametrize(("arguments", "code", "message"), WRONG.values(), ids=WRONG)
def test_wrong_use_is_a_sentence(here: Here, arguments: list[str], code: int, message: str) -> None:
    found, _, err = here.run(*arguments)
    assert found == code
    assert re.search(message, err)


@pytest.mark.slow
def test_version_is_measured_again_before_it_is_promoted(here: Here, tmp_path: Path) -> None:
    """The fourth failed its gate by its publisher's figures; on rows of one's own it is another matter."""
    rows, truth = frame("alcohol")
    gated = here.references[3]
    (check,) = find_version(here.store, gated).manifest.gate.checks
    assert not check.passed and check.rule == "min"
    best = load(here.store, here.references[0]).answer(rows.to_numpy().tolist(), 1000).answers.labels
    easy = pd.DataFrame({"alcohol": rows["alcohol"], "class": best})
    easy.to_csv(tmp_path / "easy.csv", index=False)
    easy.assign(**{"class": (best + 1) % 3}).to_csv(tmp_path / "wrong.csv", index=False)
    given = ("--rows", str(tmp_path / "easy.csv"), "--target", "class")
    code, _, err = here.promote(4, *given)
    assert (code, here.pin) == (0, str(gated)) and "measured on" in err and "accuracy 1.0000 (published: " in err
    assert not here.chain.links[0].record.forced
    code, out, err = here.promote(4, *given)
    assert code == 0 and "already" in out and "measured on" in err
    code, _, err = here.promote(4, "--rows", str(tmp_path / "none.csv"))
    assert code == 1 and "none.csv" in err  # also of what is served already
    given = ("--rows", str(tmp_path / "wrong.csv"), "--target", "class")
    gateless = here.promote(1, *given)
    assert gateless[0] == 0 and "accuracy 0.0000" in gateless[2]
    code, _, err = here.promote(4, *given)
    assert code == 1 and "did not pass its gate: accuracy is 0.0000" in err
    assert here.promote(4, *given, "--force", "--reason", "all the same")[0] == 0
    assert "gate" in here.chain.links[0].record.forced
