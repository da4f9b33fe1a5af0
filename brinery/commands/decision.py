"""What promote and rollback share: a decision is taken, carried out, followed and told."""

import contextlib
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from brinery.commands.environment import Connect
from brinery.commands.log import entry_as_json
from brinery.errors import EnvironmentSilent, PromotionRefused, SettingInvalid
from brinery.output.progress import waiting
from brinery.promotion.caller import caller, user_and_host
from brinery.promotion.environment import Environment
from brinery.promotion.promote import Check, Decision, conclude, promote
from brinery.promotion.records import Action, Entry, Outcome, Promotion, history, outcomes
from brinery.versions.read import Published
from brinery.versions.reference import Reference
from brinery.versions.store import Store

OpenCheck = Callable[[], AbstractContextManager[Check]]


def decided_environment(store: Store, arguments: Namespace, connect: Connect) -> Environment:
    """The environment that is to be set.

    Raises:
        SettingInvalid: something is to be overruled, and no reason is given.
    """
    if arguments.force and not arguments.reason:
        raise SettingInvalid("--force needs a --reason, which is recorded")
    return connect(store, arguments)


def decide(
    store: Store,
    published: Published,
    environment: Environment,
    arguments: Namespace,
    action: Action,
    check: Check,
    known: Sequence[Entry],
) -> tuple[Any, str]:
    """Promote a version, and tell what came of it; arguments and errors as of `promote`."""
    reads = environment.registry
    if reads not in (None, store.url):
        print(
            f"registry: warning: {environment.name} reads {reads}, and this version is in {store.url}", file=sys.stderr
        )

    def check_shown(store: Store, published: Published) -> str | None:
        with waiting("loading it as serving would"):
            return check(store, published)

    reference = published.reference
    entry = promote(store, published, environment, _decision(store, arguments, action), check_shown, known)
    if entry is None:
        result = {"reference": str(reference), "environment": environment.name, "changed": False}
        return result, f"{environment.name} serves {reference} already"
    entries = history(store, reference.name, known)
    if arguments.wait:
        entries = _followed(store, reference, environment, entry, entries)
    ends = outcomes(entries)
    was = entry.record.entry.was if isinstance(entry.record.entry, Promotion) else None
    lines = [
        f"{environment.name}: {was or 'nothing'} -> {reference}, record {entry.record.number}",
        environment.next_step(store.url, _ended(ends.get(entry.record.number))),
    ]
    return entry_as_json(entry, ends) | {"changed": True}, "\n".join(lines)


def _decision(store: Store, arguments: Namespace, action: Action) -> Decision:
    remote = bool(arguments.stack) or store.url.startswith("s3:")
    by = (caller(os.environ) if remote else None) or user_and_host()
    return Decision(by=by, action=action, reason=arguments.reason, forced=arguments.force)


def _followed(
    store: Store, reference: Reference, environment: Environment, entry: Entry, entries: list[Entry]
) -> list[Entry]:
    """The records, with how the promotion ended where there was something to wait for."""
    try:
        end = environment.follow(reference, _tell)
    except KeyboardInterrupt:
        raise EnvironmentSilent(
            f"interrupted; the update of {environment.name} goes on, and the next promotion records its outcome"
        ) from None
    if end is None:
        return entries
    succeeded, detail = end
    entries = conclude(store, entry, entries, succeeded=succeeded, detail=detail)
    if not succeeded:
        raise PromotionRefused(f"{environment.name} does not serve {reference}: {detail}")
    return entries


def _tell(line: str) -> None:
    with contextlib.suppress(OSError):  # whoever reads may go away; the outcome is recorded all the same
        print(line, file=sys.stderr, flush=True)


def _ended(outcome: Outcome | None) -> str | None:
    if outcome is None:
        return None
    ended = "succeeded" if outcome.succeeded else "failed"
    return f"{ended}: {outcome.detail}" if outcome.detail else ended
