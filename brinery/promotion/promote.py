"""Promotion: checked, recorded, and only then done."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from brinery.errors import PromotionRefused
from brinery.promotion.chain import Link
from brinery.promotion.environment import Environment, Held, State
from brinery.promotion.records import Action, Overruled, Record, write
from brinery.versions.manifest import Gate
from brinery.versions.read import Published
from brinery.versions.store import Store

Check = Callable[[Store, Published], str | None]


@dataclass(frozen=True)
class Decision:
    """Who promotes, in place of what the environment was found to hold, why, and what may be overruled.

    `state` is what it is to be set to; `restores` is of a rollback, as in `Record`; `trust_bucket` says that the bucket
    alone gave the digest. `measured` is the gate as it was held against rows of one's own, in place of the manifest's.
    """

    held: Held
    state: State
    by: str
    action: Action = "promote"
    restores: str | None = None
    reason: str = ""
    force: bool = False
    trust_bucket: bool = False
    measured: Gate | None = None


def promote(
    store: Store,
    published: Published,
    environment: Environment,
    decision: Decision,
    check: Check,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Link:
    """Check the version, write the record, then set the environment; the record with its name.

    Where this ends between record and change, a record is left that nothing leads to, and nothing else.

    Args:
        published: what was read of the version that is new to the environment, or of a rollback, of the one that it
            goes back to; it is of the state.
        check: loads the version as serving would; gives the error as a sentence, or None.

    Raises:
        PromotionRefused: the gate, the check, or somebody else's change of the environment stands against it.
        EnvironmentFailed: the environment could not be changed.
        EnvironmentSilent: it is not known whether it was changed.
    """
    state, held = decision.state, decision.held
    overruled = vetted(store, published, decision, check)
    with environment.exclusive():
        change = environment.prepare(state)
        now = environment.held(state.reference.name)
        if now != held:
            raise PromotionRefused(
                f"{environment.name} was changed meanwhile, to {now.text}; "
                f"look at `registry log {state.reference.name}`, then decide again"
            )
        record = Record(
            registry=store.url,
            name=state.reference.name,
            environment=environment.name,
            action=decision.action,
            to=str(state.reference),
            challenger=None if state.challenger is None else str(state.challenger),
            share=state.share,
            was=held.pin,
            before=held.record,
            restores=decision.restores,
            image=held.image,
            by=decision.by,
            reason=decision.reason,
            forced=tuple(overruled),
            at=clock(),
        )
        name = write(store, record)
        change(name)
    return Link(name, record)


def vetted(store: Store, published: Published, decision: Decision, check: Check) -> list[Overruled]:
    """What of a version's gate and check, and of its digest, the decision overrules; nothing where all is well.

    Raises:
        PromotionRefused: the gate or the check stands against it.
    """
    overruled = [*_gate(published, decision), *_load(check(store, published), published, decision)]
    return [*overruled, "digest"] if decision.trust_bucket else overruled


def _gate(published: Published, decision: Decision) -> list[Overruled]:
    gate, name = (
        decision.measured or published.manifest.gate,
        f"{published.reference.name}:{published.reference.version}",
    )
    if gate.passed or decision.action == "rollback":
        return []
    failed = "; ".join(check.text for check in gate.checks if not check.passed)
    if not decision.force:
        raise PromotionRefused(
            f"{name} did not pass its gate: {failed}; to promote it all the same, give --force and --reason"
        )
    return ["gate"]


def _load(error: str | None, published: Published, decision: Decision) -> list[Overruled]:
    if error is None:
        return []
    if not (decision.action == "rollback" and decision.force):
        raise PromotionRefused(f"{published.reference} could not be served: {error}")
    return ["load"]
