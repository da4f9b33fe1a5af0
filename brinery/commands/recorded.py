"""`registry log` where no environment is named: what the records in the bucket say, whoever wrote them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from brinery.errors import ChainBroken
from brinery.output.table import table
from brinery.promotion.chain import Link
from brinery.promotion.records import names, read
from brinery.versions.catalog import AT_ONCE, each
from brinery.versions.manifest import utc_text
from brinery.versions.reference import is_name
from brinery.versions.store import Store

MOST_READ = 50
HEAD = ["MODEL", "PROMOTIONS", "LAST", "ACTION", "TO", "BY"]
SAID = (
    "Counted are the records in the bucket, of all environments and rollbacks among them; who may write there may have "
    "written them. `registry log MODEL --env-file FILE` or `--stack NAME` shows those that an environment leads to."
)


def every_model(store: Store) -> tuple[Any, str]:
    """Each model that has records, with how many and the newest one."""
    models = [folder for folder in store.folders("_promotions") if is_name(folder)]
    found = each(lambda model: _counted(store, model), models, AT_ONCE)
    rows = [[str(cell) if cell is not None else "-" for cell in counted.values()] for counted in found]
    return found, "\n".join([table(HEAD, rows), SAID]) if found else f"no promotions are recorded in {store.url} yet"


def of_model(store: Store, model: str) -> tuple[Sequence[Link], int]:
    """The newest `MOST_READ` records that can be read, the oldest of them first, and how many there are beside them.

    Raises:
        ChainBroken: there are so many objects that they are no records.
        StoreError: the store refused or could not be reached.
    """
    found = names(store, model)
    links = [link for link in each(lambda name: _link(store, model, name), found[:MOST_READ], AT_ONCE) if link]
    return links[::-1], len(found) - len(links)


def _counted(store: Store, model: str) -> dict[str, Any]:
    try:
        found = names(store, model)
    except ChainBroken as exc:
        return {"model": model, "promotions": None, "last": None, "action": str(exc), "to": None, "by": None}
    link = _link(store, model, found[0]) if found else None
    last = datetime.strptime(found[0][:16], "%Y%m%dT%H%M%S%z") if found else None
    return {
        "model": model,
        "promotions": len(found),
        "last": utc_text(last) if last else None,
        "action": link.record.action if link else None,
        "to": link.record.to if link else None,
        "by": link.record.by if link else None,
    }


def _link(store: Store, model: str, name: str) -> Link | None:
    try:
        return Link(name, read(store, model, name))
    except ChainBroken:
        return None
