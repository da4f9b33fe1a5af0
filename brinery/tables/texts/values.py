"""Values: the typed columns that texts become, and why some cannot."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from brinery.rows.written import MISSING, Written
from brinery.tables.spelling import Spelling
from brinery.tables.texts.cells import Cell, Cells
from brinery.tables.texts.dates import is_iso
from brinery.tables.texts.distinct import Texts

INT64 = 2**63


@dataclass(frozen=True)
class Interpreted:
    """A column with the type that it has, or why it cannot be used, and what is to be told of it.

    Both texts follow the column's name. `written` is how it is written, where the texts say more than the spelling.
    """

    array: pa.Array
    problem: str | None = None
    notes: tuple[str, ...] = field(default=())
    written: Written | None = None


class Unclear(Exception):
    """Its text follows the column's name."""


def values_of(bare: Sequence[str], cells: Cells) -> list[int | float]:
    return [int(text) if cells.whole.fullmatch(text) else float(text) for text in bare]


def typed(texts: Texts, places: Sequence[int], values: Sequence[int | float]) -> pa.Array:
    whole = all(isinstance(value, int) and -INT64 <= value < INT64 for value in values)
    by_place = dict(zip(places, values if whole else map(float, values), strict=True))
    kind = pa.int64() if whole else pa.float64()
    return texts.replaced([by_place.get(place) for place in range(len(texts.values))], kind)


def as_dates(texts: Texts, cells: Cells, kinds: Sequence[Cell], spelling: Spelling) -> Interpreted:
    """Dates by the column's format; ISO 8601 texts stay as they are."""
    every = pairs(texts, kinds)
    if spelling.format_of(texts.name) is None or all(is_iso(text.strip()) for text, kind in every if kind is Cell.DATE):
        stripped = [text.strip() if kind is Cell.DATE else None for text, kind in every]
        return Interpreted(texts.replaced(stripped, pa.string()))
    places = [place for place, kind in enumerate(kinds) if kind is Cell.DATE]
    zone = "UTC" if "%z" in (spelling.format_of(texts.name) or "") else None  # each of them says its own
    return Interpreted(_moments(texts, cells, places, pa.timestamp("us", zone)))


def _moments(texts: Texts, cells: Cells, places: Sequence[int], kind: pa.DataType) -> pa.Array:
    moments: list[object] = [None] * len(texts.values)
    odd = []
    for place in places:
        moments[place] = cells.written.moment(texts.values[place])
        if moments[place] is None:
            odd.append(place)
    if odd:
        raise Unclear(f"holds {texts.told(odd)}, not spelled as its other dates are; spell all dates alike")
    return texts.replaced(moments, kind)


def as_written(texts: Texts, kinds: Sequence[Cell]) -> Interpreted:
    values = [None if kind is Cell.MISSING else text for text, kind in pairs(texts, kinds)]
    return Interpreted(texts.replaced(values, pa.string()), None, words_of_missing(texts, kinds))


def words_of_missing(texts: Texts, kinds: Sequence[Cell]) -> tuple[str, ...]:
    """Words of a column of texts that are taken as no value."""
    words = {*MISSING} - {""}  # those that the spec names are known to who wrote it
    found = [place for place, kind in enumerate(kinds) if kind is Cell.MISSING and texts.values[place].strip() in words]
    if not found:
        return ()
    return (
        f"has {texts.rows(found)} cells such as {texts.told(found[:1])}, taken as missing; named in kinds as "
        '"category", it keeps them as a value',
    )


def pairs(texts: Texts, kinds: Sequence[Cell]) -> list[tuple[str, Cell]]:
    return list(zip(texts.values, kinds, strict=True))
