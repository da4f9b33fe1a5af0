"""Promotions: the book of what each environment was told to serve, one create-only record after the other.

Every record names the digest of the one before it, so that a record that is missing or altered shows.
"""

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from brinery.errors import ChainBroken, ReferenceInvalid
from brinery.versions.manifest import MAX_BYTES, Sha256
from brinery.versions.reference import Reference, check_name
from brinery.versions.store import Store

RECORD = re.compile(r"\d{6}\.json")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


Action = Literal["promote", "rollback"]


class Promotion(_Part):
    """A decision: from now on `environment` is to serve `to`."""

    event: Literal["promotion"] = "promotion"
    action: Action
    environment: str
    was: str | None
    to: str
    by: str
    reason: str = ""
    forced: bool = False


class Outcome(_Part):
    """How the promotion with number `of` ended."""

    event: Literal["outcome"] = "outcome"
    of: int
    succeeded: bool
    detail: str = ""


class Record(_Part):
    """One entry of a model's book.

    `previous` is the digest of the stored bytes of the record before it, `seal` that of this record without its seal.
    """

    schema_version: Literal[1] = 1
    name: str
    number: int
    previous: Sha256 | None
    at: AwareDatetime
    entry: Annotated[Promotion | Outcome, Field(discriminator="event")]
    seal: str = ""

    def sealed(self) -> str:
        """What the seal must be."""
        return hashlib.sha256(self.model_dump_json(exclude={"seal"}).encode()).hexdigest()


class Entry(NamedTuple):
    """A record as read, with the digest of its stored bytes."""

    record: Record
    digest: str


def history(store: Store, name: str, known: Sequence[Entry] = ()) -> list[Entry]:
    """All records of a model, the oldest first, each checked against the one before it.

    Args:
        known: the first of them, where they were read before; only those after them are read.

    Raises:
        ChainBroken: a record is missing, altered or out of order.
    """
    folder = f"{check_name(name)}/promotions"
    files = sorted(file for path in store.files(folder) if (file := path.rpartition("/")[2]).endswith(".json"))
    if len(files) < len(known):
        raise ChainBroken(f"{folder}/{len(files) + 1:06d}.json is missing; it was there a moment ago")
    entries = list(known)
    for number, file in enumerate(files, start=1):
        if not RECORD.fullmatch(file):
            raise ChainBroken(f"{folder}/{file} is none of the records, which are named as 000001.json is")
        if file != f"{number:06d}.json":
            raise ChainBroken(f"{folder}/{number:06d}.json is missing; the next one there is {file}")
        if number <= len(known):
            continue
        data = bytes(store.read(f"{folder}/{file}", MAX_BYTES))
        entries.append(_parse(data, name, number, entries))
    return entries


def append(store: Store, name: str, entries: Sequence[Entry], entry: Promotion | Outcome, at: datetime) -> Entry:
    """Write the record that follows `entries`, which is all that `history` gave.

    Raises:
        ObjectExists: another record was written in between.
    """
    number, previous = len(entries) + 1, entries[-1].digest if entries else None
    at = at.replace(microsecond=0)  # as it is shown, so that what is shown can be asked for
    if entries and at < entries[-1].record.at:
        at = entries[-1].record.at  # clocks differ; the book's order is what counts
    record = Record(name=name, number=number, previous=previous, at=at, entry=entry)
    record = record.model_copy(update={"seal": record.sealed()})
    data = record.model_dump_json(indent=2).encode() + b"\n"
    store.create(f"{name}/promotions/{number:06d}.json", data)
    return Entry(record, hashlib.sha256(data).hexdigest())


def live(entries: Sequence[Entry], environment: str | None = None, at: datetime | None = None) -> Reference | None:
    """What is served according to the records: the last promotion that is not known to have failed.

    Args:
        environment: which one is asked for; None for whichever was promoted last.
        at: the moment that is asked for; None for now.
    """
    found = effective(entries, environment, at)
    return Reference.parse(found[-1].to) if found else None


def effective(entries: Sequence[Entry], environment: str | None = None, at: datetime | None = None) -> list[Promotion]:
    """The promotions that are not known to have failed, the oldest first."""
    failed = {number for number, outcome in outcomes(entries).items() if not outcome.succeeded}
    return [
        record.entry
        for record, _ in entries
        if isinstance(record.entry, Promotion)
        and record.number not in failed
        and environment in (None, record.entry.environment)
        and (at is None or record.at <= at)
    ]


def outcomes(entries: Sequence[Entry]) -> dict[int, Outcome]:
    """How promotions ended, by their numbers, where it is known."""
    return {record.entry.of: record.entry for record, _ in entries if isinstance(record.entry, Outcome)}


def _parse(data: bytes, name: str, number: int, entries: Sequence[Entry]) -> Entry:
    before = entries[-1] if entries else None
    path = f"{name}/promotions/{number:06d}.json"
    try:
        record = Record.model_validate_json(data, strict=True)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        raise ChainBroken(f"{path} is not a record: {'.'.join(map(str, first['loc']))}: {first['msg']}") from exc
    if (record.name, record.number) != (name, number):
        raise ChainBroken(f"{path} holds record {record.number} of {record.name}")
    if record.seal != record.sealed():
        raise ChainBroken(f"{path} was altered: it is not what its seal says")
    if record.previous != (before.digest if before else None) or (before and record.at < before.record.at):
        raise ChainBroken(f"{path} does not follow the record before it: one of them was replaced")
    entry = record.entry
    try:
        if isinstance(entry, Promotion) and {Reference.parse(text).name for text in (entry.was, entry.to) if text} != {
            name
        }:
            raise ChainBroken(f"{path} is of another model: {ascii(entry.to)}")
    except ReferenceInvalid as exc:
        raise ChainBroken(f"{path} names no version: {exc}") from exc
    if isinstance(entry, Outcome) and not any(
        each.record.number == entry.of and isinstance(each.record.entry, Promotion) for each in entries
    ):
        raise ChainBroken(f"{path} is the outcome of record {entry.of}, which is no promotion before it")
    return Entry(record, hashlib.sha256(data).hexdigest())
