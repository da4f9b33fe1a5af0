"""`registry live`: what an environment serves, now or at a time."""

from argparse import Namespace
from datetime import datetime
from typing import Any

from brinery.commands.environment import Connect, environment_of
from brinery.errors import ChainBroken
from brinery.promotion.chain import Chain, Records
from brinery.promotion.environment import Held
from brinery.versions.manifest import utc_text
from brinery.versions.reference import check_name
from brinery.versions.store import Store


def run(store: Store, arguments: Namespace, connect: Connect = environment_of) -> tuple[Any, str]:
    """What the environment holds, or what it was set to at `--at` by its chain of records."""
    name, environment = check_name(arguments.model), connect(store, arguments)
    held, records = environment.held(name), Records(store, name, environment.name)
    if arguments.at:
        return _then(environment.name, held, records.chain(held), arguments.at)
    record, odd = records.live(held)
    since = utc_text(record.at) if record and not odd else None
    odd = odd or held.unsettled
    result = {
        "environment": environment.name,
        "reference": held.pin,
        "challenger": held.challenger,
        "share": held.share,
        "since": since,
        "note": odd,
    }
    served = held.text if odd or record is None else record.state
    text = f"{environment.name} serves {served}" + (f" since {since}" if since else "")
    return result, text + (f"\n{odd}" if odd else "")


def _then(environment: str, held: Held, chain: Chain, at: datetime) -> tuple[Any, str]:
    """By the last record that is not later.

    Raises:
        ChainBroken: the records that were read do not go back so far.
    """
    replaced, until = held.pin, None
    for name, record in chain.links:
        if record.at.replace(microsecond=0) <= at:  # as it is shown
            odd = None
            if replaced != record.to:
                odd = f"it was set by hand to {replaced or 'nothing'} at some time" + (
                    f" before {utc_text(until)}" if until else " since"
                )
            result = {
                "environment": environment,
                "reference": record.to,
                "challenger": record.challenger,
                "share": record.share,
                "since": utc_text(record.at),
                "note": odd,
            }
            text = f"{environment} served {record.state} at {utc_text(at)}, by record {name}"
            return result, text + (f"\n{odd}" if odd else "")
        replaced, until = record.was, record.at
    if chain.gap or chain.older:
        raise ChainBroken(
            f"the records that can be followed from {environment} do not go back to {utc_text(at)}: "
            + (chain.gap or f"the last {len(chain.links)} are read, and before them comes {chain.older}")
        )
    note = f"it was set by hand to {replaced} at some time before {utc_text(until)}" if replaced and until else None
    unknown = dict.fromkeys(("reference", "challenger", "share", "since"))
    result = {"environment": environment, **unknown, "note": note}
    return result, f"no record says that {environment} served anything at {utc_text(at)}" + (
        f"\n{note}" if note else ""
    )
