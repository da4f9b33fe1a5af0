"""Promotion: checked, recorded, and only then done; what it came to is recorded too."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from registry.errors import EnvironmentFailed, ObjectExists, PromotionRefused
from registry.manifest import Manifest, utc_text
from registry.promotions import Entry, Outcome, Promotion, append, effective, history, live, outcomes
from registry.reference import Reference
from registry.store import Store

Check = Callable[[Store, Manifest, Reference], str | None]


class Environment(Protocol):
    """Where a version is served; `name` says which, the same at every promotion."""

    name: str

    def current(self, model: str) -> Reference | None:
        """What it is set to now."""
        ...

    def apply(self, reference: Reference) -> bool:
        """Set it, or begin to; whether that is all there is to do."""
        ...


@dataclass(frozen=True)
class Decision:
    """Who promotes, why, and whether a failed gate is overruled."""

    by: str
    action: str = "promote"
    reason: str = ""
    forced: bool = False


def promote(
    store: Store, manifest: Manifest, reference: Reference, environment: Environment, decision: Decision, check: Check
) -> Entry | None:
    """Check the version, write the record, then set the environment; None where it serves that version already.

    Args:
        reference: with its digest, which the environment is pinned to.
        check: loads the version as serving would; gives the error as a sentence, or None.

    Raises:
        PromotionRefused: the gate, the check, or somebody else's promotion stands against it.
        EnvironmentFailed: the environment could not be changed; the record says that it failed.
    """
    _check_gate(manifest, reference, decision)
    error = check(store, manifest, reference)
    if error is not None and not (decision.action == "rollback" and decision.forced):
        raise PromotionRefused(f"{reference} could not be served: {error}")
    was = environment.current(reference.name)
    entries = settle(store, reference.name, environment.name, was)
    if was == reference and live(entries, environment.name) == reference:
        return None
    promotion = Promotion(
        action="rollback" if decision.action == "rollback" else "promote",
        environment=environment.name,
        was=str(was) if was else None,
        to=str(reference),
        by=decision.by,
        reason=decision.reason,
        forced=decision.forced,
    )
    try:
        entry = append(store, reference.name, entries, promotion, datetime.now(UTC))
    except ObjectExists as exc:
        raise PromotionRefused(_who_was_first(store, reference.name, len(entries))) from exc
    if len(history(store, reference.name)) > entry.record.number:  # somebody took it for one that was left behind
        raise PromotionRefused(_who_was_first(store, reference.name, entry.record.number))
    try:
        done = environment.apply(reference)
    except EnvironmentFailed as exc:
        conclude(store, entry, succeeded=False, detail=str(exc))
        raise
    if done:
        conclude(store, entry, succeeded=True)
    return entry


def rollback_target(entries: Sequence[Entry], environment: str, model: str) -> Reference:
    """What was live in the environment before what is live now.

    Raises:
        PromotionRefused: the records know of nothing before.
    """
    found = [promotion.to for promotion in effective(entries, environment)]
    for earlier in reversed(found):
        if earlier != found[-1]:
            return Reference.parse(earlier)
    before = next((promotion.was for promotion in effective(entries, environment) if promotion.was), None)
    if before is None or "@" not in before or before == found[-1]:
        raise PromotionRefused(f"the records of {model} know of nothing that {environment} served before")
    return Reference.parse(before)


def conclude(store: Store, entry: Entry, *, succeeded: bool, detail: str = "") -> None:
    """Record how a promotion ended; where others wrote records in between, it comes after theirs."""
    name, number = entry.record.name, entry.record.number
    while True:
        entries = history(store, name)
        if number in outcomes(entries):
            return
        try:
            append(store, name, entries, Outcome(of=number, succeeded=succeeded, detail=detail), datetime.now(UTC))
            return
        except ObjectExists:
            continue


def settle(store: Store, name: str, environment: str, current: Reference | None) -> list[Entry]:
    """The book, in which an earlier promotion that never got an outcome has one: by what the environment is set to."""
    entries = history(store, name)
    known = outcomes(entries)
    for entry in reversed(entries):
        promotion = entry.record.entry
        if not isinstance(promotion, Promotion) or promotion.environment != environment:
            continue
        if entry.record.number not in known:
            there = current is not None and str(current) == promotion.to
            detail = "found " + ("in place" if there else f"set to {current}") + " by the promotion after it"
            conclude(store, entry, succeeded=there, detail=detail)
            return history(store, name)
        break
    return entries


def _check_gate(manifest: Manifest, reference: Reference, decision: Decision) -> None:
    if manifest.gate.passed or decision.action == "rollback":
        return
    failed = "; ".join(check.text for check in manifest.gate.checks if not check.passed)
    if not decision.forced:
        raise PromotionRefused(
            f"{reference.name}:{reference.version} did not pass its gate: {failed}; "
            "to promote it all the same, give --force and --reason"
        )
    if not decision.reason:
        raise PromotionRefused(f"{reference.name}:{reference.version} did not pass its gate; --force needs a --reason")


def _who_was_first(store: Store, name: str, known: int) -> str:
    for record, _ in history(store, name)[known:]:
        if isinstance(record.entry, Promotion):
            entry = record.entry
            return (
                f"{entry.by} was first: {entry.action} of {entry.environment} to {entry.to} "
                f"at {utc_text(record.at)}; look at `registry log {name}`, then promote again"
            )
    return f"another record of {name} was written at the same time; promote again"
