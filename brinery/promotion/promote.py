"""Promotion: checked, recorded, and only then done; what it came to is recorded too."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from brinery.errors import (
    EnvironmentBusy,
    EnvironmentFailed,
    EnvironmentSilent,
    ObjectExists,
    PromotionRefused,
)
from brinery.promotion.environment import Change, Environment
from brinery.promotion.records import Action, Entry, Outcome, Promotion, append, effective, history, live, outcomes
from brinery.versions.manifest import utc_text
from brinery.versions.read import Published
from brinery.versions.reference import Reference
from brinery.versions.store import Store

Check = Callable[[Store, Published], str | None]


@dataclass(frozen=True)
class Decision:
    """Who promotes, why, and whether a failed gate is overruled."""

    by: str
    action: Action = "promote"
    reason: str = ""
    forced: bool = False


def promote(
    store: Store,
    published: Published,
    environment: Environment,
    decision: Decision,
    check: Check,
    known: Sequence[Entry],
) -> Entry | None:
    """Check the version, write the record, then set the environment; None where that is what it serves already.

    Args:
        published: what was read of it; the environment is pinned to its digest.
        check: loads the version as serving would; gives the error as a sentence, or None.
        known: the records when the decision was taken; a promotion of this environment since then was first.

    Raises:
        PromotionRefused: the gate, the check, or somebody else's promotion stands against it.
        EnvironmentFailed: the environment could not be changed; the record says that it failed.
        EnvironmentSilent: it is not known whether it was changed; the record has no outcome.
    """
    reference = published.reference
    _check_gate(published, decision)
    error = check(store, published)
    if error is not None and not (decision.action == "rollback" and decision.forced):
        raise PromotionRefused(f"{reference} could not be served: {error}")
    with environment.exclusive():
        change = environment.prepare(reference)
        book = _record(store, reference, environment, decision, known)
        if not book:
            return None
        _apply(store, environment, book, change)
        return book[-1]


def _record(
    store: Store, reference: Reference, environment: Environment, decision: Decision, known: Sequence[Entry]
) -> list[Entry]:
    """The book with the record, which comes after those that others wrote of other environments; empty for no need."""
    while True:
        was = current(store, reference.name, environment)
        entries = history(store, reference.name, known)
        _refuse_second(entries[len(known) :], environment.name)  # who comes second writes nothing of the first
        entries = settle(store, entries, environment.name, was)
        if was == reference and live(entries, environment.name) == reference:
            return []
        promotion = Promotion(
            action=decision.action,
            environment=environment.name,
            was=str(was) if was else None,
            to=str(reference),
            by=decision.by,
            reason=decision.reason,
            forced=decision.forced,
        )
        try:
            return [*entries, append(store, reference.name, entries, promotion, datetime.now(UTC))]
        except ObjectExists:
            continue


def _apply(store: Store, environment: Environment, book: Sequence[Entry], change: Change) -> None:
    """Set the environment, unless somebody took the book's last record for one that was left behind."""
    entry = book[-1]
    entries = history(store, entry.record.name, book)
    if entry.record.number in outcomes(entries):
        _refuse_second(entries[len(book) :], environment.name)
        raise PromotionRefused(f"another promotion of {environment.name} was begun at the same time; promote again")
    try:
        done = change(entry.digest)
    except EnvironmentSilent:
        raise
    except EnvironmentFailed as exc:
        conclude(store, entry, book, succeeded=False, detail=str(exc))
        raise
    if done:
        conclude(store, entry, book, succeeded=True)
    elif entry.record.number in outcomes(history(store, entry.record.name, book)):
        conclude(store, entry, book, succeeded=True, detail="its update began after all")


def rollback_target(
    entries: Sequence[Entry],
    environment: str,
    model: str,
    current: Reference | None,
    is_there: Callable[[Reference], bool],
) -> Reference:
    """What was live in the environment before what it is set to now, by whomever.

    Args:
        is_there: whether the registry holds a version; what was set by hand may be another model's or registry's.

    Raises:
        PromotionRefused: the records know of nothing before.
    """
    live = [(text, text == each.to) for each in effective(entries, environment) for text in (each.was, each.to) if text]
    for text, promoted in reversed(live):
        earlier = Reference.parse(text)
        if (current is None or not _same(earlier, current)) and (promoted or is_there(earlier)):
            return earlier
    raise PromotionRefused(f"the records of {model} know of nothing that {environment} served before")


def _same(one: Reference, other: Reference) -> bool:
    """Whether both name one version; a digest counts where both have one."""
    return one.version == other.version and (one.digest == other.digest or not (one.pinned and other.pinned))


def current(store: Store, name: str, environment: Environment) -> Reference | None:
    """What the environment is set to now; where it is being changed, the error tells by whom."""
    try:
        return environment.current(name)
    except EnvironmentBusy as exc:
        unfinished = _unfinished(history(store, name), environment.name)
        if unfinished is None:
            raise
        raise PromotionRefused(f"{_decision_text(unfinished)}, and {exc}") from exc


def conclude(
    store: Store, entry: Entry, known: Sequence[Entry] = (), *, succeeded: bool, detail: str = ""
) -> list[Entry]:
    """Record how a promotion ended; where others wrote records after the `known` ones, it comes after theirs."""
    name, number = entry.record.name, entry.record.number
    while True:
        entries = history(store, name, known)
        ended = outcomes(entries).get(number)
        if ended is not None and ended.succeeded == succeeded:  # else whoever took it for left behind was wrong
            return entries
        outcome = Outcome(of=number, succeeded=succeeded, detail=detail)
        try:
            return [*entries, append(store, name, entries, outcome, datetime.now(UTC))]
        except ObjectExists:
            continue


def settle(store: Store, entries: list[Entry], environment: str, current: Reference | None) -> list[Entry]:
    """The book, in which an earlier promotion that never got an outcome has one: by what the environment is set to."""
    last = _unfinished(entries, environment)
    if last is None:
        return entries
    there = current is not None and isinstance(last.record.entry, Promotion) and str(current) == last.record.entry.to
    detail = "found " + ("in place" if there else f"set to {current}") + " by the promotion after it"
    return conclude(store, last, entries, succeeded=there, detail=detail)


def _unfinished(entries: Sequence[Entry], environment: str) -> Entry | None:
    """The last promotion of the environment, where it has no outcome."""
    last = next((entry for entry in reversed(entries) if _is_of(entry, environment)), None)
    return None if last is None or last.record.number in outcomes(entries) else last


def _is_of(entry: Entry, environment: str) -> bool:
    return isinstance(entry.record.entry, Promotion) and entry.record.entry.environment == environment


def _check_gate(published: Published, decision: Decision) -> None:
    gate, name = published.manifest.gate, f"{published.reference.name}:{published.reference.version}"
    if gate.passed or decision.action == "rollback":
        return
    failed = "; ".join(check.text for check in gate.checks if not check.passed)
    if not decision.forced:
        raise PromotionRefused(
            f"{name} did not pass its gate: {failed}; to promote it all the same, give --force and --reason"
        )
    if not decision.reason:
        raise PromotionRefused(f"{name} did not pass its gate; --force needs a --reason")


def _refuse_second(written: Sequence[Entry], environment: str) -> None:
    first = next((entry for entry in written if _is_of(entry, environment)), None)
    if first is not None:
        name = first.record.name
        raise PromotionRefused(f"{_decision_text(first)}; look at `registry log {name}`, then promote again")


def _decision_text(entry: Entry) -> str:
    promotion = entry.record.entry
    assert isinstance(promotion, Promotion)  # noqa: S101
    what = f"{promotion.action} of {promotion.environment} to {promotion.to}"
    return f"{promotion.by} was first: {what} at {utc_text(entry.record.at)}"
