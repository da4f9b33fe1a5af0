"""History: the promotions that the records of a model tell of."""

from collections.abc import Iterable
from typing import NamedTuple

from brinery.errors import ChainBroken
from brinery.promotion.chain import Chain
from brinery.promotion.records import names, read
from brinery.site.facts import Promotion
from brinery.versions.catalog import each
from brinery.versions.store import Store

MOST_READ = 500


class History(NamedTuple):
    """Promotions, the newest first; how many records are left out, and why the first that cannot be read is."""

    promotions: tuple[Promotion, ...] = ()
    left_out: int = 0
    why: str = ""


def recorded(store: Store, model: str, known: Iterable[Promotion], at_once: int) -> History:
    """What the records in the bucket say, whoever wrote them: the newest `MOST_READ`.

    Args:
        known: those that were read before; a record is named by its own digest, and cannot change.

    Raises:
        StoreError: the store refused or could not be reached.
    """
    try:
        listed = names(store, model)
    except ChainBroken as exc:
        return History(why=str(exc)[:500])
    before = {promotion.name: promotion for promotion in known}

    def one(name: str) -> Promotion | ChainBroken:
        try:
            return before.get(name) or Promotion.of(name, read(store, model, name))
        except ChainBroken as exc:
            return exc

    found = each(one, listed[:MOST_READ], at_once)
    broken = [what for what in found if isinstance(what, ChainBroken)]
    promotions = tuple(what for what in found if isinstance(what, Promotion))
    return History(promotions, len(listed) - len(promotions), str(broken[0])[:500] if broken else "")


def chained(chain: Chain) -> History:
    """What the records say that an environment leads to."""
    promotions = tuple(Promotion.of(name, record) for name, record in chain.links)
    if chain.gap:
        return History(promotions, 0, f"What was before is not known: {chain.gap}"[:500])
    older = f"The last {len(promotions)} are read; before them comes {chain.older}" if chain.older else ""
    return History(promotions, 0, older)
