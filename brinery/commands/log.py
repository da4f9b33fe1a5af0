"""`registry log`: every promotion of a model."""

from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any

from brinery.commands.environment import Connect, environment_of
from brinery.errors import ChainBroken, SettingInvalid
from brinery.output.table import table
from brinery.promotion.environment import Environment
from brinery.promotion.records import Entry, Outcome, Promotion, history, live, outcomes
from brinery.versions.catalog import find_version
from brinery.versions.manifest import utc_text
from brinery.versions.reference import Reference, check_name
from brinery.versions.store import Store

MOST_SHOWN = 80
HEAD = ["RECORD", "WHEN", "ACTION", "FROM", "TO", "WHERE", "BY", "OUTCOME", "WHY"]


def run(store: Store, arguments: Namespace, connect: Connect = environment_of) -> tuple[Any, str]:
    """The promotions, the oldest first; with `--verify`, held against the registry and an environment."""
    entries = history(store, check_name(arguments.model))
    known = outcomes(entries)
    found = [entry_as_json(entry, known) for entry in entries if isinstance(entry.record.entry, Promotion)]
    where = arguments.env_file or arguments.stack
    if arguments.verify:
        for each in found:
            find_version(store, Reference.parse(each["to"]))
        if where:
            _check_last(entries, connect(store, arguments), arguments.model)
    elif where:
        raise SettingInvalid("--env-file and --stack go with --verify")
    if not found:
        return [], f"{arguments.model} was never promoted"
    lines = [table(HEAD, [_row(each) for each in found])]
    if arguments.verify:
        count = f"{len(entries)} records, of promotions and of their outcomes,"
        lines += ["", f"{count} follow each other unaltered; the last one is sha256:{entries[-1].digest}"]
        if where:
            lines.append(f"{where} is set to what they say")
    return found, "\n".join(lines)


def _check_last(entries: Sequence[Entry], environment: Environment, model: str) -> None:
    """Hold what an environment is set to against the records: the chain alone cannot tell that its end is missing."""
    pinned, recorded = environment.current(model), live(entries, environment.name)
    if pinned != recorded:
        raise ChainBroken(
            f"{environment.name} is set to {pinned or 'nothing'}, and by the records to {recorded or 'nothing'}: "
            "the last records are missing, or it was set without `registry promote`"
        )


def entry_as_json(entry: Entry, known: Mapping[int, Outcome]) -> dict[str, Any]:
    """A promotion with its outcome, of those in `known`, as one JSON object."""
    record, promotion = entry.record, entry.record.entry
    assert isinstance(promotion, Promotion)  # noqa: S101
    outcome = known.get(record.number)
    return {
        "number": record.number,
        "at": utc_text(record.at),
        "action": promotion.action,
        "forced": promotion.forced,
        "from": promotion.was,
        "to": promotion.to,
        "environment": promotion.environment,
        "by": promotion.by,
        "reason": promotion.reason,
        "outcome": "not recorded" if outcome is None else "succeeded" if outcome.succeeded else "failed",
        "detail": outcome.detail if outcome else "",
        "sha256": entry.digest,
    }


def _row(each: Mapping[str, Any]) -> list[str]:
    return [
        str(each["number"]),
        each["at"],
        each["action"] + (" (forced)" if each["forced"] else ""),
        _short(each["from"]),
        _short(each["to"]),
        each["environment"],
        each["by"],
        _cell(each["outcome"] + (f": {each['detail']}" if each["detail"] else "")),
        _cell(each["reason"] or "-"),
    ]


def _short(reference: str | None) -> str:
    if reference is None:
        return "-"
    version, _, digest = reference.partition("@sha256:")
    return version + (f"@{digest[:8]}…" if digest else "")


def _cell(text: str) -> str:
    """A cell of a table; the whole text is in --json."""
    return text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 1] + "…"
