"""`registry live`: what was served at a time, by the records alone."""

from argparse import Namespace
from datetime import datetime
from typing import Any

from brinery.output.table import table
from brinery.promotion.records import Promotion, history, live, outcomes
from brinery.versions.manifest import utc_text
from brinery.versions.reference import check_name
from brinery.versions.store import Store


def run(store: Store, arguments: Namespace) -> tuple[Any, str]:
    """What each environment served, now or at `--at`."""
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
