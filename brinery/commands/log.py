"""`registry log`: the promotions that led to what an environment holds."""

from argparse import Namespace
from contextlib import suppress
from itertools import pairwise
from typing import Any

from brinery.commands.environment import Connect, environment_of
from brinery.commands.recorded import SAID, every_model, of_model
from brinery.errors import PromotionRefused, SettingInvalid
from brinery.output.table import table
from brinery.promotion.chain import Chain, Link, Records
from brinery.promotion.environment import Environment, Held
from brinery.promotion.records import Record
from brinery.versions.manifest import utc_text
from brinery.versions.reference import check_name, is_name
from brinery.versions.store import Store

MOST_SHOWN = 80
MOST_NAMES = 10
HEAD = ["WHEN", "ACTION", "FROM", "TO", "BY", "RECORD", "WHY"]


def run(store: Store, arguments: Namespace, connect: Connect = environment_of) -> tuple[Any, str]:
    """The chain of records, the oldest first, and what to say of it; without an environment, all of them."""
    if not (arguments.env_file or arguments.stack):
        return _recorded(store, check_name(arguments.model)) if arguments.model else every_model(store)
    environment = connect(store, arguments)
    name = check_name(arguments.model) if arguments.model else _model_of(store, environment)
    held = environment.held(name)
    records = Records(store, name, environment.name)
    chain = records.chain(held)
    others, more = records.off_chain(chain)
    links = list(reversed(chain.links))
    result = {
        "environment": environment.name,
        "holds": held.pin,
        "challenger": held.challenger,
        "share": held.share,
        "record": held.record,
        "set_by_hand": held.pin is not None and not (links and held.is_set_to(links[-1].record.state)),
        "unsettled": held.unsettled,
        "records": [as_json(link) for link in links],
        "gap": chain.gap,
        "older": chain.older,
        "off_chain": others,
        "more_off_chain": more,
    }
    lines = [_older(chain)] if chain.gap or chain.older else []
    lines += [table(HEAD, [_row(link) for link in links])] if links else []
    lines += [*_by_hand(links), _now(environment.name, held, links)]
    lines += [held.unsettled] if held.unsettled else []
    lines += _others(others, more)
    return result, "\n".join(lines)


def _recorded(store: Store, model: str) -> tuple[Any, str]:
    links, others = of_model(store, model)
    result = {"model": model, "records": [as_json(link) for link in links], "others": others}
    if not links:
        return result, f"no promotion of {model} that can be read is recorded in {store.url}"
    left = [f"{others} more are older, or are none of this registry"] if others else []
    return result, "\n".join([table(HEAD, [_row(link) for link in links]), *left, SAID])


def _model_of(store: Store, environment: Environment) -> str:
    """The model that an environment serves.

    Raises:
        SettingInvalid: it serves none of this registry.
    """
    for name in filter(is_name, store.folders()):
        with suppress(PromotionRefused):  # it serves another model
            if environment.held(name).pin:
                return name
    raise SettingInvalid(f"{environment.name} serves no model of {store.url}; name one")


def as_json(link: Link) -> dict[str, Any]:
    """A record with its name, as one JSON object."""
    return {"record": link.name, **link.record.model_dump(mode="json"), "at": utc_text(link.record.at)}


def _older(chain: Chain) -> str:
    if chain.gap:
        return f"What was before this is not known: {chain.gap}"
    return f"The last {len(chain.links)} records; before them comes {chain.older}"


def _by_hand(links: list[Link]) -> list[str]:
    return [
        f"Before {utc_text(later.record.at)} it was set by hand to {later.record.was or 'nothing'}"
        for earlier, later in pairwise(links)
        if later.record.was != earlier.record.to
    ]


def _now(environment: str, held: Held, links: list[Link]) -> str:
    if links and held.is_set_to(links[-1].record.state):
        return f"{environment} is set to what the last of them says"
    says = f"; its record says {links[-1].record.state}" if links else "; no record of that can be read"
    return f"{environment} was set by hand to {held.text}{says}" if held.pin else f"{environment} is set to nothing"


def _others(names: list[str], more: bool) -> list[str]:
    if not names:
        return []
    count = f"{len(names)} or more" if more else str(len(names))
    shown = [f"  {name}" for name in names[-MOST_NAMES:]]
    left = [f"  … and older ones, which --json names{' as far as they were read' if more else ''}"]
    return [
        "",
        f"Not on this chain, and never acted on, are {count} records in the bucket: of other environments, left by a "
        "promotion that died, or written by somebody else",
        *(left if len(names) > MOST_NAMES or more else []),
        *shown,
    ]


def _row(link: Link) -> list[str]:
    record = link.record
    forced = f" (in spite of {', '.join(record.forced)})" if record.forced else ""
    return [
        utc_text(record.at),
        record.action + forced,
        _short(record.was),
        _short(record.to) + _challenger(record),
        record.by,
        f"{link.name.partition('-')[2][:8]}…",
        _cell(record.reason or "-"),
    ]


def _challenger(record: Record) -> str:
    if record.challenger is None:
        return ""
    return f" + {_short(record.challenger)} " + (f"{100 * record.share:.6g} %" if record.share else "in shadow")


def _short(reference: str | None) -> str:
    if reference is None:
        return "-"
    version, _, digest = reference.partition("@sha256:")
    return _cell(version) + (f"@{digest[:8]}…" if digest else "")


def _cell(text: str) -> str:
    """A cell of a table; the whole text is in --json."""
    return text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 1] + "…"
