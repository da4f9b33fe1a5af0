"""Claims: which of many schedulers trains a model at a time that its cron line names, and how that ended.

    _schedule/<name>/<UTC minute due>/<attempt>.json   create-only: who, and until when
    _schedule/<name>/<UTC minute due>/done.json        create-only: how it ended

The next attempt may be claimed once the last one's deadline has passed and nothing says how it ended. A claim is not
renewed. Whoever can write to the bucket can keep a model from being trained, and can have nothing trained by this.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from pydantic import AwareDatetime, ValidationError

from brinery.errors import ArtifactSize, ObjectExists, ObjectMissing
from brinery.promotion.caller import user_and_host
from brinery.versions.manifest import Part
from brinery.versions.reference import check_name
from brinery.versions.store import Store

MOST_ATTEMPTS = 3
CLOCKS_APART = timedelta(seconds=60)
MOST_BYTES = 4096
LONGEST = timedelta(days=8)  # of a claim: more than a time_limit and its grace may be

Outcome = Literal["published", "gate not passed", "failed"]


class Claim(Part):
    """Who trains, told apart from all others, and until when."""

    by: str
    until: AwareDatetime


class Done(Part):
    """How the training of a time ended, by whom, and what it published, if anything."""

    outcome: Outcome
    reference: str | None
    by: str
    at: AwareDatetime


class Mine(NamedTuple):
    """The caller trains, and must have ended by `until`."""

    attempt: int
    until: datetime


class Others(NamedTuple):
    """Somebody else trains, or may still do so; before `until` there is nothing to claim."""

    until: datetime


class Settled(NamedTuple):
    """There is nothing to do: it is done, or as many attempts as are made have ended without a word."""

    done: bool


NEVER = datetime(1970, 1, 1, tzinfo=UTC)
UNREADABLE = Claim(by="", until=NEVER)


def standing(claims: tuple[Claim, ...], now: datetime) -> int | Others | Settled:
    """What may be done at a time that is not done: the attempt that may be claimed, after those that were."""
    if claims and now <= claims[-1].until + CLOCKS_APART:
        return Others(claims[-1].until + CLOCKS_APART)
    return len(claims) + 1 if len(claims) < MOST_ATTEMPTS else Settled(done=False)


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

    def take(self, name: str, due: datetime, seconds: float) -> Mine | Others | Settled:
        """Claim the training of a model that came due, for so many seconds from now.

        Raises:
            StoreError: the store refused or could not be reached; the claim may or may not be there.
        """
        if self._is_done(name, due):
            return Settled(done=True)
        may = standing(self._claims(name, due), self.clock())
        if not isinstance(may, int):
            return may
        until = self.clock() + timedelta(seconds=seconds)
        claim = Claim(by=f"{self.by} {self.nonce()}", until=until)
        try:
            self.store.create(f"{_folder(name, due)}/{may}.json", claim.model_dump_json().encode())
        except ObjectExists:
            return Others(self.clock())
        # The one before may have said so meanwhile, and the store may have taken its time.
        if self._is_done(name, due):
            return Settled(done=True)
        return Mine(may, until) if self.clock() < until else Others(until + CLOCKS_APART)

    def settle(self, name: str, due: datetime, outcome: Outcome, reference: str | None) -> None:
        """Say how it ended; what was said first stays.

        Raises:
            StoreError: the store refused or could not be reached.
        """
        done = Done(outcome=outcome, reference=reference, by=self.by, at=self.clock())
        try:
            self.store.create(f"{_folder(name, due)}/done.json", done.model_dump_json().encode())
        except ObjectExists:
            pass

    def _is_done(self, name: str, due: datetime) -> bool:
        return self.store.holds(f"{_folder(name, due)}/done.json")

    def _claims(self, name: str, due: datetime) -> tuple[Claim, ...]:
        """Those that were made; one that cannot be read, or for longer than any may be, holds nobody up."""
        latest = self.clock() + LONGEST + CLOCKS_APART
        found: list[Claim] = []
        for attempt in range(1, MOST_ATTEMPTS + 1):
            try:
                data = self.store.read(f"{_folder(name, due)}/{attempt}.json", MOST_BYTES)
                found.append(Claim.model_validate_json(bytes(data), strict=True))
            except ObjectMissing:
                break
            except (ArtifactSize, ValidationError):
                found.append(UNREADABLE)
        return tuple(each if each.until <= latest else UNREADABLE for each in found)


def _folder(name: str, due: datetime) -> str:
    return f"_schedule/{check_name(name)}/{due.astimezone(UTC):%Y%m%dT%H%MZ}"
