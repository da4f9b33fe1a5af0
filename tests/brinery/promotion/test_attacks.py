"""Somebody who may create any object in the bucket, and change or delete none, against the real commands.

Of promotions they can forge, replay, reorder and copy records, and write any number of other objects. Nothing of that
is acted on, and nothing is held up by it.
"""

import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from brinery.promotion.chain import MOST_LISTED
from brinery.promotion.records import Record, folder, write
from brinery.versions.reference import Reference
from brinery.versions.store import open_store
from tests.brinery.promotion.conftest import ENV_FILE, Here, Run, record
from tests.conftest import BUCKET, overwrite
from tests.examples import publish_example
from tests.faults.proxy import proxy

FUTURE = datetime(2099, 1, 1, tzinfo=UTC)
WHERE = folder("alcohol")


def promoted(here: Here) -> list[str]:
    """Two promotions, of versions 1 and 2; the names of their records, the newest first."""
    for version in (1, 2):
        assert here.promote(version)[0] == 0
    return [link.name for link in here.chain.links]


def theirs(here: Here) -> Reference:
    """The attacker's own version, well made and published as any other."""
    return publish_example(here.store, "alcohol")


def forged(here: Here, to: Reference, **fields: Any) -> Record:
    """A well-made record of this very environment."""
    link = here.chain.links[0]
    return record(here.store, to, here.environment.name, was=link.record.to, before=link.name, at=FUTURE, **fields)


def put_in_front(here: Here, to: Reference) -> None:
    write(here.store, forged(here, to))


def put_between(here: Here, to: Reference) -> None:
    """As if it had been served between the two promotions."""
    second, first = here.chain.links
    between = write(here.store, forged(here, to).model_copy(update={"before": first.name, "at": first.record.at}))
    write(here.store, second.record.model_copy(update={"before": between, "was": str(to)}))


def say_a_rollback(here: Here, to: Reference) -> None:
    name = write(here.store, forged(here, to))
    write(here.store, forged(here, to, action="rollback", restores=name))


def replay(here: Here, to: Reference) -> None:
    """The first promotion's own bytes under later names, and the order turned round."""
    for link in here.chain.links:
        data = bytes(here.store.read(f"{WHERE}/{link.name}.json", 99999))
        for day in range(1, 4):
            later = f"{FUTURE + timedelta(days=day):%Y%m%dT%H%M%SZ}{link.name[-65:]}"
            here.store.create(f"{WHERE}/{later}.json", data)
            here.store.create(f"{WHERE}/20200101T000000Z{link.name[-65:-1]}{day}.json", data)


def copy_from_another_environment(here: Here, to: Reference) -> None:
    for environment in ("env-file /srv/.env", "stack prod"):
        write(here.store, forged(here, to).model_copy(update={"environment": environment}))


def write_the_old_book(here: Here, to: Reference) -> None:
    """Numbered records, as they were before there were chains."""
    for number in range(1, 4):
        data = json.dumps({"name": "alcohol", "number": number, "to": str(to)}).encode()
        here.store.create(f"alcohol/promotions/{number:06d}.json", data)


def write_nonsense(here: Here, to: Reference) -> None:
    for name in ("x", "000001.json", f"20260101T000000Z-{'0' * 64}.json", "sub/y.json", f"{'9' * 200}.json"):
        here.store.create(f"{WHERE}/{name}", b"\x00")
    here.store.create(f"_promotions/{'a' * 63}/x.json", b"{}")
    here.store.create("alcohol/versions/999999/claim.json", b"{}")


ATTACKS: list[Callable[[Here, Reference], None]] = [
    put_in_front,
    put_between,
    say_a_rollback,
    replay,
    copy_from_another_environment,
    write_the_old_book,
    write_nonsense,
]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_records_that_no_environment_leads_to_are_never_acted_on(
    here: Here, attack: Callable[[Here, Reference], None]
) -> None:
    names = promoted(here)
    attack(here, theirs(here))
    log = json.loads(here.run("log", "alcohol", *ENV_FILE, "--json")[1])
    assert [each["record"] for each in log["records"]] == names[::-1] and not (log["gap"] or log["set_by_hand"])
    assert here.run("live", "alcohol", *ENV_FILE)[1].startswith(f"{here.environment.name} serves {here.references[1]} ")
    assert here.rollback()[0] == 0 and here.pin == str(here.references[0])
    assert here.rollback()[0] == 1 and here.pin == str(here.references[0])
    assert here.promote(3)[0] == 0 and here.pin == str(here.references[2])
    assert [link.name for link in here.chain.links][2:] == names


def test_forged_records_do_not_make_rollback_pin_an_attackers_version(here: Here) -> None:
    """The attack that worked upon the numbered book, in every place that a record could be forged in."""
    promoted(here)
    evil = theirs(here)
    for attack in (put_in_front, put_between, say_a_rollback):
        attack(here, evil)
    for _ in range(3):
        here.rollback()
        assert here.pin == str(here.references[0])
    assert str(evil) not in Path(".env").read_text()


def test_first_promotion_is_not_told_what_was_before_it(here: Here) -> None:
    evil = theirs(here)
    write(here.store, record(here.store, evil, here.environment.name, at=FUTURE))
    assert here.rollback()[0] == 1 and here.pin is None
    assert here.promote(1)[0] == 0
    assert here.chain.links[0].record.before is None
    assert here.rollback()[0] == 1 and here.pin == str(here.references[0])


def test_new_version_under_a_number_is_not_promoted_by_that_number(here: Here) -> None:
    evil = theirs(here)
    code, _, err = here.run("promote", f"alcohol:{evil.version}", *ENV_FILE)
    assert code == 2 and "nothing outside the bucket vouches for" in err
    other = Reference("alcohol", evil.version, "0" * 64)
    code, _, err = here.run("promote", str(other), *ENV_FILE, "--trust-bucket")
    assert code == 1 and "it is not the pinned one" in err and here.pin is None


def test_environment_that_was_copied_is_not_led_by_anothers_records(here: Here) -> None:
    """Who copies a file copies the record's name with it; what the other served was never served here."""
    names = promoted(here)
    Path("prod.env").write_text(Path(".env").read_text())
    code, _, err = here.run("rollback", "alcohol", "--env-file", "prod.env")
    assert code == 1 and f"record {names[0]} is of {here.environment.name}, not of env-file" in err
    code, out, _ = here.run("log", "alcohol", "--env-file", "prod.env")
    assert code == 0 and "What was before this is not known" in out
    assert here.run("promote", str(here.references[2]), "--env-file", "prod.env")[0] == 0
    assert here.pin == str(here.references[1])


def test_removed_records_stop_no_promotion(here: Here) -> None:
    """More than create-only rights: a policy that forbids deletes is not there on every bucket."""
    for name in promoted(here):
        here.store.backend.delete(f"{WHERE}/{name}.json")
    assert here.rollback()[0] == 1 and here.version == 2
    assert here.promote(3)[0] == 0 and here.version == 3
    assert here.rollback()[0] == 0 and here.version == 2  # by the new record, which tells what it replaced
    overwrite(here.store, f"{WHERE}/{here.chain.links[0].name}.json", b"{}")
    assert here.rollback()[0] == 1 and here.version == 2


@pytest.mark.slow
def test_ten_thousand_strangers_hold_up_nothing_and_are_counted(here: Here) -> None:
    names = promoted(here)
    stranger = here.store.backend
    for number in range(10_000):
        moment = datetime(2020 + number % 80, 1, 1, tzinfo=UTC)
        stranger.put(f"{WHERE}/{moment:%Y%m%dT%H%M%SZ}-{number:064x}.json", b"{}")
    code, out, _ = here.run("log", "alcohol", *ENV_FILE)
    assert code == 0 and re.search(r"are \d+ or more records in the bucket", out)
    log = json.loads(here.run("log", "alcohol", *ENV_FILE, "--json")[1])
    assert [each["record"] for each in log["records"]] == names[::-1] and log["more_off_chain"]
    assert MOST_LISTED - 2 <= len(log["off_chain"]) <= MOST_LISTED
    assert here.rollback()[0] == 0 and here.version == 1
    assert here.promote(3)[0] == 0 and here.version == 3


@pytest.mark.slow
def test_strangers_over_http_are_not_asked_for(
    here: Here, s3_endpoint: str, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    """On S3, with each request counted between the command and the service."""
    url = f"s3://{BUCKET}/{time.time_ns()}"
    monkeypatch.setenv("MODEL_REGISTRY", url)
    with proxy(s3_endpoint) as between:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", between.endpoint)
        store = open_store(url)
        here = Here(store, [publish_example(store, "alcohol") for _ in range(4)], run)

        def requests(*command: str) -> list[str]:
            between.requests.clear()
            assert run(*command, *ENV_FILE)[0] == 0
            kinds = ("_promotions%2F", "_promotions/")
            return sorted(f"{each.split()[0]}" for each in between.requests if any(kind in each for kind in kinds))

        def of_each() -> list[list[str]]:
            return [
                requests("promote", str(here.references[2])),
                requests("rollback", "alcohol"),
                requests("live", "alcohol"),
            ]

        promoted(here)
        few = of_each()
        assert few == [["GET", "PUT"], ["GET", "GET", "PUT"], ["GET"]]
        for number in range(300):
            store.create(f"{WHERE}/20990101T000000Z-{number:064x}.json", b"{}")
        assert of_each() == few
        assert requests("log", "alcohol").count("GET") == len(here.chain.links) + 1
