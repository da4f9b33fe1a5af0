"""Rollback, log and live: what the chain of records leads to."""

import json
from collections.abc import Buffer
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta, timezone
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from brinery.commands.parser import make_parser
from brinery.promotion.chain import Records
from brinery.promotion.environment import Held
from brinery.promotion.records import folder, write
from brinery.versions.reference import Reference
from brinery.versions.store import Store
from tests.brinery.promotion.conftest import ENV_FILE, Here, record
from tests.conftest import overwrite

WHERE = "env-file .env"


WINES = [Reference("wine", number, f"{number:064x}") for number in range(1, 61)]


def chain_of(store: Store, count: int, versions: list[Reference], where: str = WHERE) -> Held:
    """So many promotions of one of these after the other, a minute apart, and what the environment then holds."""
    held, at = Held(), datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(count):
        to = versions[number % len(versions)]
        moment = at + timedelta(minutes=number)
        written = write(store, record(store, to, where, was=held.pin, before=held.record, at=moment))
        held = Held(str(to), written)
    return held


@pytest.mark.slow
@pytest.mark.parametrize(
    ("steps", "back_to"),
    [
        ((1,), []),
        ((1, 2), [1]),
        ((1, 2, 3), [2, 1]),
        ((2, 1, 3), [1, 2]),
        ((1, 2, "back", 3), [1]),
        ((1, 2, "back", 3, "back", 2), [1]),
        ((1, 2, 3, "back", 1), [2, 1]),
        ((1, "pinned 3", 2), [3, 1]),
        ((1, "3", 2), [1]),
        (("3", 2), []),
        (("pinned 3", 2), [3]),
        (("pinned 2", 2), []),
        ((1, "nonsense", 2), [1]),
        ((1, "", 2), [1]),
        ((1, 2, "3"), [2, 1]),
        ((1, 2, "pinned 3"), [2, 1]),
        ((1, 2, ""), [2, 1]),
        ((1, 2, "1"), [2, 1]),
        ((1, "pinned 2", 3, "back", "back", 2), [1]),
        ((1, 2, "pinned 1", 2), [1, 2, 1]),
        ((1, 2, "2", 2), []),
    ],
    ids=str,
)
def test_rollback_goes_backwards_and_never_to_what_was_left(
    here: Here, steps: tuple[int | str, ...], back_to: list[int]
) -> None:
    """Numbers are promoted; texts are written into the file, with the digest where they say `pinned`."""
    for step in steps:
        if isinstance(step, int):
            assert here.promote(step)[0] == 0
        elif step == "back":
            assert here.rollback()[0] == 0
        else:
            kind, _, number = step.partition(" ")
            here.by_hand(here.references[int(number) - 1].version_text if number else kind)
    went = []
    while (result := here.rollback())[0] == 0:
        went.append(here.version)
        assert len(went) < 9
    assert went == back_to
    assert "promote a version of alcohol by its digest instead" in result[2] and result[2].count("\n") == 1


def test_rollback_says_what_it_restores_and_what_was_set_by_hand(here: Here) -> None:
    for version in (1, 2):
        here.promote(version)
    second, first = here.chain.links
    here.rollback("--reason", "too many 1s")
    back = here.chain.links[0].record
    assert (back.action, back.restores, back.before, back.was) == (
        "rollback",
        first.name,
        second.name,
        second.record.to,
    )
    assert (back.to, back.reason) == (first.record.to, "too many 1s")
    here.by_hand("3")
    code, _, err = here.rollback()
    assert code == 0 and f"was set by hand to alcohol:3; its record says {first.record.to}\n" in err


def test_rollback_may_skip_the_load_and_records_it(here: Here) -> None:
    for version in (1, 2):
        here.promote(version)
    broken: dict[str, Any] = {"open_check": lambda: nullcontext(lambda *_: "its pickle needs x")}
    code, _, err = here.rollback(**broken)
    assert code == 1 and "could not be served: its pickle needs x" in err
    assert here.rollback("--force", "--reason", "it served before", **broken)[0] == 0
    assert here.version == 1 and here.chain.links[0].record.forced == ("load",)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_log_shows_a_gap_where_a_record_is_missing_or_altered(here: Here, number: int) -> None:
    for version in (1, 2, 3):
        here.promote(version)
    links = here.chain.links
    path = f"{folder('alcohol')}/{links[number].name}.json"
    overwrite(here.store, path, bytes(here.store.read(path, 9999)).replace(b'"at": "20', b'"at": "19'))
    for damage in ("was altered", "is missing"):
        code, out, err = here.run("log", "alcohol", *ENV_FILE)
        assert (code, err) == (0, "")
        assert f"What was before this is not known: record {links[number].name} {damage}" in out
        log = json.loads(here.run("log", "alcohol", *ENV_FILE, "--json")[1])
        assert [each["record"] for each in log["records"]] == [link.name for link in reversed(links[:number])]
        assert log["gap"].startswith(f"record {links[number].name} {damage}")
        if damage == "was altered":
            here.store.backend.delete(path)
    code, _, err = here.rollback()
    assert (code, here.version) == ((1, 3) if number == 0 else (0, 2)), err
    assert here.promote(1)[0] == 0


def test_log_of_nothing_and_of_what_was_set_by_hand(here: Here) -> None:
    name = here.environment.name
    assert here.run("log", "alcohol", *ENV_FILE)[:2] == (0, f"{name} is set to nothing\n")
    here.by_hand("1")
    assert (
        f"{name} was set by hand to alcohol:1; no record of that can be read"
        in here.run("log", "alcohol", *ENV_FILE)[1]
    )
    here.promote(1)
    here.by_hand("2")
    here.promote(3)
    here.by_hand("1")
    out = here.run("log", "alcohol", *ENV_FILE)[1]
    assert "it was set by hand to alcohol:2\n" in out
    assert f"{name} was set by hand to alcohol:1; its record says {here.references[2]}\n" in out
    assert json.loads(here.run("log", "alcohol", *ENV_FILE, "--json")[1])["set_by_hand"] is True


def test_log_tells_apart_what_is_not_on_the_chain_by_names_alone(here: Here) -> None:
    here.promote(1)
    other = write(here.store, record(here.store, here.references[1], by="<script>"))
    here.store.create(f"{folder('alcohol')}/readme.json", b"x")
    code, out, _ = here.run("log", "alcohol", *ENV_FILE)
    assert code == 0 and "Not on this chain, and never acted on, are 1 records in the bucket" in out
    assert f"  {other}\n" in out and "<script>" not in out and "readme" not in out
    log = json.loads(here.run("log", "alcohol", *ENV_FILE, "--json")[1])
    assert (log["off_chain"], log["more_off_chain"]) == ([other], False)


def test_log_shows_the_last_fifty_and_what_comes_before(store: Store) -> None:
    held = chain_of(store, 60, WINES)
    records = Records(store, "wine", WHERE)
    chain = records.chain(held)
    assert [Reference.parse(link.record.to).version for link in chain.links] == list(range(60, 10, -1))
    assert chain.older and records.read(chain.older).to.startswith("wine:10@")
    assert records.off_chain(chain) == ([], False)  # the ten older ones are not taken for strangers
    stranger = write(store, record(store, WINES[0], WHERE))
    assert records.off_chain(chain) == ([stranger], False)


class Counting(Store):
    """A store that notes what is asked of it about promotions."""

    def __init__(self, store: Store) -> None:
        super().__init__(store.backend, store.url)
        self.asked: list[str] = []

    def create(self, path: str, data: Buffer) -> None:
        self.asked.append("create")
        super().create(path, data)

    def fetch(self, path: str, limit: int) -> tuple[Buffer, str]:
        self.asked += ["read"] if path.startswith("_promotions/") else []
        return super().fetch(path, limit)

    def some(self, prefix: str, most: int, after: str | None = None) -> list[str]:
        self.asked.append("list")
        return super().some(prefix, most, after)

    def files(self, prefix: str) -> dict[str, int]:
        raise AssertionError("a whole listing grows with what is stored")


@pytest.mark.slow
@pytest.mark.parametrize("count", [10, pytest.param(10_000, id="ten thousand")])
def test_many_records_are_as_many_requests_as_few(here: Here, count: int) -> None:
    references = [*here.references[:2], here.references[0]]
    held = chain_of(here.store, count, here.references[1:3], here.environment.name)
    Path(".env").write_text(f"MODEL_VERSION={(held.pin or '').partition(':')[2]}\nMODEL_RECORD={held.record}\n")
    store = Counting(here.store)

    def asked(command: str, *arguments: str) -> list[str]:
        store.asked.clear()
        parsed = make_parser().parse_args([command, *arguments, *ENV_FILE])
        checked = {} if command == "log" else {"open_check": lambda: nullcontext(lambda *_: None)}
        import_module(f"brinery.commands.{command}").run(store, parsed, **checked)
        return store.asked.copy()

    assert asked("log", "alcohol") == ["read"] * min(count, 50) + ["list"]
    assert asked("promote", str(references[2])) == ["read", "create"]
    assert asked("rollback", "alcohol") == ["read", "read", "create"]
    assert asked("rollback", "alcohol") == ["read", "read", "read", "create"]
    assert here.version == 2


def test_rollback_of_a_rollback_reads_three_records(folder_store: Store) -> None:
    held = chain_of(folder_store, 5, WINES)
    store = Counting(folder_store)
    records = Records(store, "wine", WHERE)
    for version in (4, 3, 2, 1):
        store.asked.clear()
        target, _ = records.back(held)
        reference = target.state.reference
        assert reference.version == version and len(store.asked) == (2 if version == 4 else 3)
        back = record(folder_store, reference, WHERE, action="rollback", restores=target.restores)
        back = back.model_copy(update={"was": held.pin, "before": held.record})
        held = Held(str(reference), write(folder_store, back))


def test_live_is_what_the_file_holds_and_since_when(here: Here) -> None:
    name = here.environment.name
    assert here.run("live", "alcohol", *ENV_FILE)[1] == f"{name} serves nothing\n"
    here.promote(1)
    at = json.loads(here.run("log", "alcohol", *ENV_FILE, "--json")[1])["records"][0]["at"]
    assert here.run("live", "alcohol", *ENV_FILE)[1] == f"{name} serves {here.references[0]} since {at}\n"
    here.by_hand("3")
    found = json.loads(here.run("live", "alcohol", *ENV_FILE, "--json")[1])
    assert (found["reference"], found["since"]) == ("alcohol:3", None) and "was set by hand" in found["note"]


def test_live_then_is_what_the_chain_says(here: Here) -> None:
    here.promote(1)
    moment = datetime.fromisoformat(json.loads(here.run("live", "alcohol", *ENV_FILE, "--json")[1])["since"])
    elsewhere = moment.astimezone(timezone(timedelta(hours=5, minutes=30))).isoformat()
    for at in (moment.isoformat(), elsewhere):
        code, out, _ = here.run("live", "alcohol", *ENV_FILE, "--at", at)
        assert code == 0 and f"served {here.references[0]} at " in out
    code, out, _ = here.run("live", "alcohol", *ENV_FILE, "--at", (moment - timedelta(seconds=1)).isoformat())
    assert code == 0 and "no record says that" in out
    here.by_hand("3")
    assert "set by hand to alcohol:3 at some time since" in here.run("live", "alcohol", *ENV_FILE, "--at", elsewhere)[1]


def test_live_before_what_can_be_read_is_said(folder_store: Store, here: Here) -> None:
    for version in (1, 2):
        here.promote(version)
    first = here.chain.links[1]
    here.store.backend.delete(f"{folder('alcohol')}/{first.name}.json")
    code, _, err = here.run("live", "alcohol", *ENV_FILE, "--at", "2026-01-01")
    assert code == 1 and f"do not go back to 2026-01-01T00:00:00Z: record {first.name} is missing" in err
