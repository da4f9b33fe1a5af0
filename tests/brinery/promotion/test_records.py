"""Records of promotions on every kind of store."""

import hashlib
from datetime import UTC, datetime, timedelta, timezone

import pytest

from brinery.errors import ChainBroken
from brinery.promotion.records import Record, newest, read, write
from brinery.versions.reference import RECORD, Reference
from brinery.versions.store import Store
from tests.brinery.promotion.conftest import record
from tests.conftest import overwrite

WINE = Reference("wine", 1, "a" * 64)
AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
KEYS = """
schema_version registry name environment action to challenger share was before restores image by reason forced at
"""


def test_record_is_read_as_it_was_written_and_named_by_time_and_digest(store: Store) -> None:
    written = record(store, WINE, reason="better", forced=("gate",), before="x", was="wine:nonsense")
    name = write(store, written)
    assert name.startswith("20261101T120000Z-") and RECORD.fullmatch(name)
    assert read(store, "wine", name) == written
    assert write(store, written) == name  # as after a lost answer
    assert list(store.files("_promotions/wine")) == [f"_promotions/wine/{name}.json"]


def test_record_has_the_keys_of_the_contract() -> None:
    assert list(Record.model_fields) == KEYS.split()


def test_name_is_in_utc_wherever_it_was_written(folder_store: Store) -> None:
    there = datetime(2026, 11, 1, 17, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert write(folder_store, record(folder_store, WINE, at=there)).startswith("20261101T120000Z-")


def test_record_that_is_not_what_its_name_says_is_refused(store: Store) -> None:
    name = write(store, record(store, WINE))
    path = f"_promotions/wine/{name}.json"
    data = bytes(store.read(path, 9999))
    for other, message in (
        (data.replace(b'"me"', b'"yo"'), "was altered: its bytes have sha256"),
        (data * 9999, "was altered: .* bytes; at most"),
    ):
        overwrite(store, path, other)
        with pytest.raises(ChainBroken, match=f"record {name} {message}"):
            read(store, "wine", name)
    store.backend.delete(path)
    with pytest.raises(ChainBroken, match=f"record {name} is missing from {store.url}"):
        read(store, "wine", name)


@pytest.mark.parametrize("name", ["", "../wine/versions/000001/manifest", "20261101T120000Z-" + "A" * 64, "x" * 999])
def test_name_that_is_none_is_refused(folder_store: Store, name: str) -> None:
    with pytest.raises(ChainBroken, match="is no record of a promotion; it must be a time and a digest"):
        read(folder_store, "wine", name)


def test_record_of_another_model_or_registry_is_refused(folder_store: Store) -> None:
    for other in (record(folder_store, WINE, name="beer"), record(folder_store, WINE, registry="s3://other")):
        name = write(folder_store, other)
        data = bytes(folder_store.read(f"_promotions/{other.name}/{name}.json", 9999))
        folder_store.create(f"_promotions/wine/{name}.json", data)
        with pytest.raises(ChainBroken, match=f"is of {other.name} in {other.registry}, not of wine in file:"):
            read(folder_store, "wine", name)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [('"schema_version": 1', '"schema_version": 2', "schema_version: "), ('"by"', '"who"', "by: Field required")],
)
def test_record_that_is_none_or_of_a_newer_schema_is_refused(
    folder_store: Store, old: str, new: str, message: str
) -> None:
    data = record(folder_store, WINE).model_dump_json(indent=2).replace(old, new).encode()
    name = f"20261101T120000Z-{hashlib.sha256(data).hexdigest()}"
    folder_store.create(f"_promotions/wine/{name}.json", data)
    with pytest.raises(ChainBroken, match=f"record {name} cannot be read: {message}"):
        read(folder_store, "wine", name)


def test_newest_record_is_that_of_the_latest_time_which_can_be_read(store: Store) -> None:
    assert newest(store, "wine") is None
    for version in (2, 3, 1):
        write(store, record(store, Reference("wine", version, "a" * 64), at=AT + timedelta(days=version)))
    store.create(f"_promotions/wine/20991101T120000Z-{'0' * 64}.json", b"{}")
    store.create("_promotions/wine/x.json", b"{}")
    assert newest(store, "wine") == Reference("wine", 3, "a" * 64)
