"""The book of promotions on every kind of store."""

import json
from collections.abc import Buffer
from datetime import UTC, datetime
from typing import Any

import pytest

from brinery.errors import ChainBroken, ObjectExists
from brinery.promotion.records import Entry, Outcome, Promotion, Record, append, history, live
from brinery.versions.reference import Reference
from brinery.versions.store import Store
from tests.conftest import overwrite

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
DIGEST = "a" * 64


def promotion(version: int, environment: str = "env-file .env", **fields: Any) -> Promotion:
    to = f"wine:{version}@sha256:{DIGEST}"
    return Promotion(action="promote", environment=environment, was=None, to=to, by="me", **fields)


def write(store: Store, *parts: Promotion | Outcome) -> list[Entry]:
    entries = history(store, "wine")
    for part in parts:
        entries.append(append(store, "wine", entries, part, NOW))
    return entries


def test_records_are_read_as_they_were_written(store: Store) -> None:
    written = write(store, promotion(1), Outcome(of=1, succeeded=True), promotion(2, reason="better"))
    assert history(store, "wine") == written
    assert [record.number for record, _ in written] == [1, 2, 3]
    assert written[2].record.previous == written[1].digest


def test_records_that_were_read_are_not_read_again(folder_store: Store) -> None:
    class Noting(Store):
        read_paths: list[str] = []

        def fetch(self, path: str, limit: int) -> tuple[Buffer, str]:
            self.read_paths.append(path)
            return super().fetch(path, limit)

    written = write(folder_store, promotion(1), Outcome(of=1, succeeded=True), promotion(2))
    store = Noting(folder_store.backend, folder_store.url)
    assert history(store, "wine", written[:2]) == written
    assert store.read_paths == ["wine/promotions/000003.json"]
    folder_store.backend.delete("wine/promotions/000003.json")
    with pytest.raises(ChainBroken, match="000003.json is missing; it was there a moment ago"):
        history(folder_store, "wine", written)


def test_two_writers_of_one_record_get_one_winner(store: Store) -> None:
    seen = history(store, "wine")
    append(store, "wine", seen, promotion(1), NOW)
    with pytest.raises(ObjectExists):
        append(store, "wine", seen, promotion(2), NOW)


@pytest.mark.parametrize(
    ("parts", "environment", "version"),
    [
        ([], None, None),
        ([promotion(1)], None, 1),
        ([promotion(1), promotion(2)], None, 2),
        ([promotion(1), promotion(2), Outcome(of=2, succeeded=False)], None, 1),
        ([promotion(1), promotion(2), Outcome(of=2, succeeded=True)], None, 2),
        ([promotion(1), Outcome(of=1, succeeded=False)], None, None),
        ([promotion(1, "stack a"), promotion(2, "stack b")], "stack a", 1),
        ([promotion(1, "stack a"), promotion(2, "stack b")], None, 2),
        ([promotion(1, "stack a")], "stack b", None),
    ],
    ids=str,
)
def test_live_is_the_last_promotion_that_did_not_fail(
    folder_store: Store, parts: list[Promotion | Outcome], environment: str | None, version: int | None
) -> None:
    found = live(write(folder_store, *parts), environment)
    assert found == (None if version is None else Reference("wine", version, DIGEST))


def test_a_record_that_is_altered_missing_or_foreign_is_found(store: Store) -> None:
    write(store, promotion(1), promotion(2), promotion(3))
    first, second = (bytes(store.read(f"wine/promotions/00000{n}.json", 9999)) for n in (1, 2))

    forged = first.replace(b'"by": "me"', b'"by": "you"')
    overwrite(store, "wine/promotions/000001.json", forged)
    with pytest.raises(ChainBroken, match="000001.json was altered: it is not what its seal says"):
        history(store, "wine")
    record = Record.model_validate_json(forged)
    overwrite(store, "wine/promotions/000001.json", forged.replace(record.seal.encode(), record.sealed().encode()))
    with pytest.raises(ChainBroken, match=r"wine/promotions/000002.json does not follow the record before it"):
        history(store, "wine")
    overwrite(store, "wine/promotions/000001.json", first)

    overwrite(store, "wine/promotions/000002.json", second.replace(b'"number": 2', b'"number": 1'))
    with pytest.raises(ChainBroken, match="000002.json holds record 1 of wine"):
        history(store, "wine")
    overwrite(store, "wine/promotions/000002.json", json.dumps({"name": "wine"}).encode())
    with pytest.raises(ChainBroken, match="000002.json is not a record: number: Field required"):
        history(store, "wine")
    overwrite(store, "wine/promotions/000002.json", second)

    for name in ("0000035.json", "00003.json"):
        overwrite(store, f"wine/promotions/{name}", first)
        with pytest.raises(ChainBroken, match=f"{name} is none of the records"):
            history(store, "wine")
        store.backend.delete(f"wine/promotions/{name}")

    store.backend.delete("wine/promotions/000002.json")
    with pytest.raises(ChainBroken, match="000002.json is missing; the next one there is 000003.json"):
        history(store, "wine")


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (Outcome(of=2, succeeded=False), "is the outcome of record 2, which is no promotion before it"),
        (Outcome(of=9, succeeded=False), "is the outcome of record 9, which is no promotion before it"),
        (promotion(1).model_copy(update={"to": "wine:latest"}), "names no version: version 'latest' of wine"),
        (promotion(1).model_copy(update={"to": f"beer:1@sha256:{DIGEST}"}), "is of another model: 'beer:1@sha256"),
    ],
    ids=str,
)
def test_a_well_made_record_that_says_nothing_true_is_found(
    folder_store: Store, part: Promotion | Outcome, message: str
) -> None:
    write(folder_store, promotion(1), Outcome(of=1, succeeded=True), part)
    with pytest.raises(ChainBroken, match=f"wine/promotions/000003.json {message}"):
        history(folder_store, "wine")
