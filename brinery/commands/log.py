"""The commands that read the book of promotions."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from brinery.errors import ChainBroken, SettingInvalid
from brinery.output.table import table
from brinery.promotion.environment import add_environment, environment_of
from brinery.promotion.records import Entry, Promotion, history, live, outcomes
from brinery.versions.catalog import find_manifest
from brinery.versions.manifest import utc_text
from brinery.versions.reference import Reference, check_name
from brinery.versions.store import Store

MOST_SHOWN = 80
AddCommand = Callable[[str, Callable[..., Any], str, str], argparse.ArgumentParser]


def add_log_commands(command: AddCommand) -> None:
    """Add log and live to the `registry` command."""
    log = command("log", _log, "list every promotion of a model", "registry log wine --verify")
    log.add_argument("model", metavar="MODEL", help="a model's name")
    log.add_argument("--verify", action="store_true", help="check also that what was promoted is in the registry")
    add_environment(log, required=False, help="with --verify: check also that it is set to what the records say, ")
    at = command(
        "live", _live, "tell what was served, by the records alone", "registry live wine --at 2026-11-01T12:00Z"
    )
    at.add_argument("model", metavar="MODEL", help="a model's name")
    at.add_argument("--at", type=_moment, metavar="TIME", help="ISO 8601; without an offset, UTC; default: now")


def _log(store: Store, arguments: argparse.Namespace) -> tuple[Any, str]:
    entries = history(store, check_name(arguments.model))
    known = outcomes(entries)
    promotions = [entry for entry in entries if isinstance(entry.record.entry, Promotion)]
    found = [entry_as_json(entry, known) for entry in promotions]
    if arguments.verify:
        for each in found:
            find_manifest(store, Reference.parse(each["to"]))
        if arguments.env_file or arguments.stack:
            _check_last(store, entries, arguments)
    elif arguments.env_file or arguments.stack:
        raise SettingInvalid("--env-file and --stack go with --verify")
    if not found:
        return [], f"{arguments.model} was never promoted"
    head = ["RECORD", "WHEN", "ACTION", "FROM", "TO", "WHERE", "BY", "OUTCOME", "WHY"]
    rows = [
        [
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
        for each in found
    ]
    lines = [table(head, rows)]
    if arguments.verify:
        count = f"{len(entries)} records, of promotions and of their outcomes,"
        lines += ["", f"{count} follow each other unaltered; the last one is sha256:{entries[-1].digest}"]
        if arguments.env_file or arguments.stack:
            lines.append(f"{arguments.env_file or arguments.stack} is set to what they say")
    return found, "\n".join(lines)


def _check_last(store: Store, entries: Sequence[Entry], arguments: argparse.Namespace) -> None:
    """Hold what an environment is set to against the records: the chain alone cannot tell that its end is missing."""
    environment = environment_of(store, arguments)
    pinned, recorded = environment.current(arguments.model), live(entries, environment.name)
    if pinned != recorded:
        raise ChainBroken(
            f"{environment.name} is set to {pinned or 'nothing'}, and by the records to {recorded or 'nothing'}: "
            "the last records are missing, or it was set without `registry promote`"
        )


def _live(store: Store, arguments: argparse.Namespace) -> tuple[Any, str]:
    entries = history(store, check_name(arguments.model))
    at: datetime | None = arguments.at
    last = {
        record.entry.environment: record.number
        for record, _ in entries
        if isinstance(record.entry, Promotion) and (at is None or record.at <= at)
    }
    found = {name: live(entries, name, at) for name in last}
    served = {name: str(reference) for name, reference in found.items() if reference is not None}
    when = f"at {utc_text(at)}" if at else "now"
    if not served:
        return {}, f"no record says that {arguments.model} was served anywhere {when}"
    known = outcomes(entries)
    rows = [[name, ref + ("" if last[name] in known else "  (outcome not recorded)")] for name, ref in served.items()]
    return served, table(["WHERE", f"SERVED {when.upper()}"], rows)


def entry_as_json(entry: Entry, known: Mapping[int, Any]) -> dict[str, Any]:
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


def _short(reference: str | None) -> str:
    if reference is None:
        return "-"
    version, _, digest = reference.partition("@sha256:")
    return version + (f"@{digest[:8]}…" if digest else "")


def _cell(text: str) -> str:
    """A cell of a table; the whole text is in --json."""
    return text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 1] + "…"


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as exc:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time, such as 2026-11-01T12:00Z") from exc
