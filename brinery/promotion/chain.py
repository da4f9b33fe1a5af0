"""The chain of records that an environment leads to: from the one that it holds backwards, each naming the one before.

All that is on it was named from outside the bucket; what is not on it is never acted on.
"""

from dataclasses import dataclass
from typing import NamedTuple

from brinery.errors import BrineryError, ChainBroken, PromotionRefused, ReferenceInvalid
from brinery.promotion.environment import Held, State
from brinery.promotion.records import Record, folder, read
from brinery.versions.reference import RECORD, Reference
from brinery.versions.store import Store

MOST_READ = 50
MOST_LISTED = 1000


class Link(NamedTuple):
    """A record with its name."""

    name: str
    record: Record


@dataclass(frozen=True)
class Chain:
    """The records that were read, the newest first, and why there are no more: `older` is left, or a `gap` follows."""

    links: tuple[Link, ...]
    older: str | None = None
    gap: str | None = None


class Target(NamedTuple):
    """What a rollback goes to, and the record that had set it, where there is one."""

    state: State
    restores: str | None


@dataclass(frozen=True)
class Records:
    """The records of one model in one environment."""

    store: Store
    model: str
    environment: str

    def read(self, name: str) -> Record:
        """The record of that name.

        Raises:
            ChainBroken: it is missing, altered, or of another registry, model or environment.
            StoreError: the store refused or could not be reached.
        """
        record = read(self.store, self.model, name)
        if record.environment != self.environment:
            raise ChainBroken(f"record {name} is of {record.environment}, not of {self.environment}")
        return record

    def chain(self, held: Held, most: int = MOST_READ) -> Chain:
        """At most so many records, from the one that the environment holds backwards."""
        links: list[Link] = []
        name = held.record
        while name is not None and len(links) < most:
            try:
                links.append(Link(name, self.read(name)))
            except ChainBroken as exc:
                return Chain(tuple(links), gap=str(exc))
            name = links[-1].record.before
        return Chain(tuple(links), older=name)

    def off_chain(self, chain: Chain) -> tuple[list[str], bool]:
        """Names of records that the chain does not lead to, from one listing; whether there may be more.

        Where the chain goes on beyond what was read, those that are older than that are left out.
        """
        where = folder(self.model)
        after = f"{where}/{chain.links[-1].name}.json" if chain.older else None
        paths = self.store.some(where, MOST_LISTED, after)
        names = {path.removeprefix(f"{where}/").removesuffix(".json") for path in paths if path.endswith(".json")}
        on_it = {link.name for link in chain.links}
        return sorted(name for name in names - on_it if RECORD.fullmatch(name)), len(paths) == MOST_LISTED

    def live(self, held: Held) -> tuple[Record | None, str | None]:
        """The record that set what the environment holds, and what there is to say where that is not so."""
        if held.record is None:
            return None, f"{self.environment} was set by hand: it names no record" if held.pin else None
        try:
            record = self.read(held.record)
        except BrineryError as exc:
            return None, f"the record that {self.environment} names cannot be read: {exc}"
        if not held.is_set_to(record.state):
            return record, f"{self.environment} was set by hand to {held.text}; its record says {record.state}"
        return record, None

    def back(self, held: Held) -> tuple[Target, str | None]:
        """What was served before, by at most three records, and what there is to say as of `live`.

        A version that was set by hand counts where it had its digest; what challenged it then is not known. A rollback
        does not return to what was left.

        Raises:
            PromotionRefused: the records lead to nothing before.
            ChainBroken, StoreError: one of them is missing or altered, or cannot be read.
        """
        record, odd = self.live(held)
        if record is None or held.record is None:
            raise self._nothing(odd)
        if not held.is_set_to(record.state):
            return Target(record.state, _set_by(held.record, record)), odd
        if record.action == "promote":
            return self._replaced_by(record), None
        if record.restores is None:
            raise self._nothing()
        restored = self.read(record.restores)
        if restored.state == record.state:
            return self._replaced_by(restored), None
        # It had gone back to what was set by hand upon that one.
        return Target(restored.state, record.restores), None

    def _replaced_by(self, promotion: Record) -> Target:
        was = pinned(promotion.was)
        by_hand = None if was is None or State(was) == promotion.state else State(was)
        if promotion.before is None:
            if by_hand is None:
                raise self._nothing()
            return Target(by_hand, None)
        try:
            before = self.read(promotion.before)
        except ChainBroken:
            if by_hand is None:
                raise
            return Target(by_hand, promotion.before)
        # What was set by hand to the same, or without a digest, is passed over.
        state = before.state if by_hand is None or promotion.was == before.to else by_hand
        if state == promotion.state:
            raise self._nothing()
        return Target(state, _set_by(promotion.before, before))

    def _nothing(self, odd: str | None = None) -> PromotionRefused:
        return PromotionRefused(
            f"{odd or f'no record tells what {self.environment} served before, with its digest'}; "
            f"promote a version of {self.model} by its digest instead"
        )


def _set_by(name: str, record: Record) -> str | None:
    """The promotion that first set what a record set: a rollback's own is the one that it went back to."""
    return record.restores if record.action == "rollback" else name


def pinned(text: str | None) -> Reference | None:
    """The reference that a text is, where it has its digest."""
    try:
        reference = Reference.parse(text or "")
    except ReferenceInvalid:
        return None
    return reference if reference.pinned else None
