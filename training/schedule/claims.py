"""Claims: which of many schedulers trains a model at a time that its cron line names, and how that ended.

    _schedule/<name>/<UTC minute due>/<number>.json   create-only: who, and until when
    _schedule/<name>/<UTC minute due>/done.json       create-only: how it ended

A claim is a lease of a few minutes. Until it ends its holder alone creates the next number, and so holds the time for
longer; once it has ended, and nothing says how training did, whoever creates the next number holds it. Whoever can
write to the bucket can keep a model from being trained, and can have nothing trained by this.
"""

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Literal, NamedTuple

from pydantic import AwareDatetime, ValidationError

from brinery.errors import ArtifactSize, ObjectExists, ObjectMissing
from brinery.promotion.caller import user_and_host
from brinery.versions.manifest import Part
from brinery.versions.reference import check_name
from brinery.versions.store import Store

LEASE = timedelta(minutes=10)
EXTENDED_AFTER = timedelta(minutes=4)
CLOCKS_APART = timedelta(seconds=60)
LONGEST = 2 * LEASE  # more than any claim has left, also by clocks that are further apart than they should be
MOST_ATTEMPTS = 3
MOST_NUMBERS = MOST_ATTEMPTS * (timedelta(days=8) // EXTENDED_AFTER)  # more than the longest time_limit comes to
MOST_BYTES = 4096

Outcome = Literal["published", "gate not passed", "failed"]


class Claim(Part):
    """Who trains, told apart from all others, and until when."""

    by: str
    until: AwareDatetime
    stopped: bool = False  # the holder was told to stop: that is no attempt, and holds nobody up


class Done(Part):
    """How the training of a time ended, by whom, and what it published, if anything."""

    outcome: Outcome
    reference: str | None
    by: str
    at: AwareDatetime


class Free(NamedTuple):
    """The number that may be claimed now, and which attempt that is."""

    number: int
    attempt: int


class Mine(NamedTuple):
    """The caller trains, and must have ended by `until`, or have extended this by then."""

    attempt: int
    number: int
    by: str
    until: datetime


class Others(NamedTuple):
    """Somebody else trains, or may still do so; before `until` there is nothing to claim."""

    until: datetime


class Settled(NamedTuple):
    """There is nothing to do: it is done, or as many attempts as are made have ended without a word."""

    done: bool


NEVER = datetime(1970, 1, 1, tzinfo=UTC)
UNREADABLE = Claim(by="", until=NEVER)


def standing(claims: tuple[Claim, ...], now: datetime) -> Free | Others | Settled:
    """What may be done at a time that is not done, after the claims that were made; each holder makes one attempt."""
    if claims and not claims[-1].stopped and now <= claims[-1].until + CLOCKS_APART:
        return Others(claims[-1].until + CLOCKS_APART)
    stopped = {claim.by for claim in claims if claim.stopped}
    attempts = len({claim.by for claim in claims} - stopped - {UNREADABLE.by})
    if attempts >= MOST_ATTEMPTS or len(claims) >= MOST_NUMBERS:
        return Settled(done=False)
    return Free(len(claims) + 1, attempts + 1)


@dataclass(frozen=True)
class Claims:
    """The claims of one scheduler."""

    store: Store
    by: str
    clock: Callable[[], datetime]
    nonce: Callable[[], str] = lambda: secrets.token_hex(16)

    @classmethod
    def here(cls, store: Store, clock: Callable[[], datetime]) -> "Claims":
        return cls(store, user_and_host(), clock)

    def take(self, name: str, due: datetime) -> Mine | Others | Settled:
        """Claim the training of a model that came due, for a lease from now.

        Raises:
            StoreError: the store refused or could not be reached; the claim may or may not be there.
        """
        if self._is_done(name, due):
            return Settled(done=True)
        may = standing(self._claims(name, due), self.clock())
        if not isinstance(may, Free):
            return may
        claim = Claim(by=f"{self.by} {self.nonce()}", until=self.clock() + LEASE)
        try:
            self._create(name, due, may.number, claim)
        except ObjectExists:
            return Others(self.clock())
        # The one before may have said so meanwhile, and the store may have taken its time.
        if self._is_done(name, due):
            return Settled(done=True)
        if self.clock() >= claim.until:
            return Others(claim.until + CLOCKS_APART)
        return Mine(may.attempt, may.number, claim.by, claim.until)

    def extend(self, name: str, due: datetime, mine: Mine) -> Mine | None:
        """Hold it for a lease from now; None where somebody else has claimed the next number.

        Raises:
            StoreError: the store refused or could not be reached; it may be tried again.
        """
        number, claim = mine.number + 1, Claim(by=mine.by, until=self.clock() + LEASE)
        try:
            self._create(name, due, number, claim)
        except ObjectExists:
            claim = self._claim(_path(name, due, number))  # of an earlier try, whose answer was lost
            if claim.by != mine.by:
                return None
        return mine._replace(number=number, until=claim.until)

    def stop(self, name: str, due: datetime, mine: Mine) -> None:
        """Say that the holder was told to stop, and trains no more: anybody may claim the time at once.

        Raises:
            StoreError: the store refused or could not be reached; the claim then lasts for its lease.
        """
        claim = Claim(by=mine.by, until=self.clock(), stopped=True)
        with suppress(ObjectExists):
            self._create(name, due, mine.number + 1, claim)

    def settle(self, name: str, due: datetime, outcome: Outcome, reference: str | None) -> None:
        """Say how it ended; what was said first stays.

        Raises:
            StoreError: the store refused or could not be reached.
        """
        done = Done(outcome=outcome, reference=reference, by=self.by, at=self.clock())
        with suppress(ObjectExists):
            self.store.create(_path(name, due, "done"), done.model_dump_json().encode())

    def _create(self, name: str, due: datetime, number: int, claim: Claim) -> None:
        self.store.create(_path(name, due, number), claim.model_dump_json(exclude_defaults=True).encode())

    def _is_done(self, name: str, due: datetime) -> bool:
        return self.store.holds(_path(name, due, "done"))

    def _claims(self, name: str, due: datetime) -> tuple[Claim, ...]:
        """Those that were made; one that cannot be read, or for longer than any may be, holds nobody up."""
        found: list[Claim] = []
        for number in range(1, MOST_NUMBERS + 1):
            try:
                found.append(self._claim(_path(name, due, number)))
            except ObjectMissing:
                break
        latest = self.clock() + LONGEST  # now that they were read, which may have taken its time
        return tuple(each if each.until <= latest else each.model_copy(update={"until": NEVER}) for each in found)

    @cached_property
    def _claim(self) -> Callable[[str], Claim]:
        """Reads the claim at a path, once, as it never changes."""
        return lru_cache(MOST_NUMBERS)(self._read)

    def _read(self, path: str) -> Claim:
        try:
            return Claim.model_validate_json(bytes(self.store.read(path, MOST_BYTES)), strict=True)
        except (ArtifactSize, ValidationError):
            return UNREADABLE


def _path(name: str, due: datetime, what: int | Literal["done"]) -> str:
    return f"_schedule/{check_name(name)}/{due.astimezone(UTC):%Y%m%dT%H%MZ}/{what}.json"
