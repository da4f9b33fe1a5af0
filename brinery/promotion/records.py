"""Records of promotions: create-only objects, each named by its time and the sha256 of its bytes.

An environment holds the name of the record that set it, and each record the name of the one before. Whoever can write
to the bucket can add records; nothing follows from one that no environment leads to.
"""

import hashlib
from datetime import UTC
from typing import Literal

from pydantic import AwareDatetime, ValidationError

from brinery.errors import ArtifactSize, BrineryError, ChainBroken, ObjectMissing
from brinery.promotion.environment import State
from brinery.versions.manifest import MAX_BYTES, Part
from brinery.versions.reference import RECORD, RECORD_RULE, Reference, check_name
from brinery.versions.store import Store

Action = Literal["promote", "rollback"]
# What was overruled: a failed gate, a failed load as serving would, the wish for a digest from outside the bucket.
Overruled = Literal["gate", "load", "digest"]


class Record(Part):
    """A decision: from now on `environment` is to serve `to`, with `challenger` beside it.

    `was` is what it held, as found, and `before` the record that it held; `restores` is, of a rollback, the record
    that had set what is served again.
    """

    schema_version: Literal[1] = 1
    registry: str
    name: str
    environment: str
    action: Action
    to: str
    challenger: str | None = None
    share: float | None = None
    was: str | None
    before: str | None
    restores: str | None = None
    image: str | None = None
    by: str
    reason: str = ""
    forced: tuple[Overruled, ...] = ()
    at: AwareDatetime

    @property
    def state(self) -> State:
        """What the environment is to be set to."""
        return State(
            Reference.parse(self.to), Reference.parse(self.challenger) if self.challenger else None, self.share
        )


def folder(name: str) -> str:
    """Where the records of a model are."""
    return f"_promotions/{check_name(name)}"


def write(store: Store, record: Record) -> str:
    """Store a record; its name.

    Raises:
        StoreError: the store refused or could not be reached; a record that no environment holds may be there.
    """
    data = record.model_dump_json(indent=2).encode() + b"\n"
    name = f"{record.at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{hashlib.sha256(data).hexdigest()}"
    store.create(f"{folder(record.name)}/{name}.json", data)
    return name


def read(store: Store, model: str, name: str) -> Record:
    """The record of that name, which its bytes are held against, of that registry and model.

    Raises:
        ChainBroken: there is none, or it is another one.
        StoreError: the store refused or could not be reached.
    """
    if not RECORD.fullmatch(name):
        raise ChainBroken(f"{ascii(name[:90])} is no record of a promotion; it must be {RECORD_RULE}")
    try:
        data, digest = store.fetch(f"{folder(model)}/{name}.json", MAX_BYTES)
    except ObjectMissing as exc:
        raise ChainBroken(f"record {name} is missing from {store.url}") from exc
    except ArtifactSize as exc:
        raise ChainBroken(f"record {name} was altered: {exc}") from exc
    if digest != name[-64:]:
        raise ChainBroken(f"record {name} was altered: its bytes have sha256 {digest}")
    try:
        record = Record.model_validate_json(bytes(data), strict=True)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        raise ChainBroken(f"record {name} cannot be read: {'.'.join(map(str, first['loc']))}: {first['msg']}") from exc
    if (record.registry, record.name) != (store.url, model):
        raise ChainBroken(f"record {name} is of {record.name} in {record.registry}, not of {model} in {store.url}")
    return record


PAGES, PAGE, NEWEST_TRIES = 20, 1000, 10


def names(store: Store, model: str) -> list[str]:
    """Names of the records of a model in the bucket, the newest first: by whom each was written, nobody knows.

    Raises:
        ChainBroken: there are so many objects that they are no records.
        StoreError: the store refused or could not be reached.
    """
    paths: list[str] = []
    for _ in range(PAGES):
        page = store.some(folder(model), PAGE, paths[-1] if paths else None)
        paths += page
        if len(page) < PAGE:
            break
    else:
        raise ChainBroken(f"{store.url}/{folder(model)} holds more than {len(paths) - 1} objects")
    found = [path.rpartition("/")[2].removesuffix(".json") for path in paths if path.endswith(".json")]
    return sorted(filter(RECORD.fullmatch, found), reverse=True)


def newest(store: Store, model: str) -> Reference | None:
    """What the newest record in the bucket says is served, wherever.

    Raises:
        ChainBroken: there are records, and the newest of them are none; or so many objects that they are no records.
        StoreError: the store refused or could not be reached.
    """
    found = names(store, model)
    for name in found[:NEWEST_TRIES]:
        try:
            return Reference.parse(read(store, model, name).to)
        except BrineryError:
            continue
    if found:
        raise ChainBroken(
            f"the newest records below {store.url}/{folder(model)} are none of this registry, as where it was copied "
            "or is reached by another URL; a baseline given from outside needs none"
        )
    return None
