"""Columns that are declared in kinds: the values that are asked for, or the first cells that are none."""

from collections.abc import Callable, Sequence

import pyarrow as pa

from brinery.rows.feature import Kind
from brinery.rows.written import MISSING, TRUTHS
from brinery.tables.spelling import Spelling
from brinery.tables.texts.cells import Cell, Cells
from brinery.tables.texts.codes import first_lost
from brinery.tables.texts.dates import formats_of_digits, is_iso
from brinery.tables.texts.distinct import Texts, shown
from brinery.tables.texts.hints import hint_in
from brinery.tables.texts.values import Interpreted, Unclear, as_dates, as_written, pairs, typed, values_of

WANTED: dict[str, str] = {
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false, yes or no, or 1 or 0",
    "date": "an ISO 8601 date or date-time",
}


def _category(texts: Texts, cells: Cells, spelling: Spelling) -> Interpreted:
    """Texts as they are written; only blanks and the words declared as such are missing."""
    values = _present(texts, spelling)
    if texts.name == spelling.target or None not in values or not _have_zero_fractions(values):
        return Interpreted(texts.replaced(values, pa.string()), None, _kept(texts, values, spelling))
    wholes = [None if value is None else value.removesuffix(".0") for value in values]
    written = cells.written.model_copy(update={"zero_fraction": True})
    return Interpreted(texts.replaced(wholes, pa.string()), written=written)


def _prose(texts: Texts, cells: Cells, spelling: Spelling) -> Interpreted:
    """Texts as they are written; only blanks and the words declared as such are missing."""
    return Interpreted(texts.replaced(_present(texts, spelling), pa.string()))


def _present(texts: Texts, spelling: Spelling) -> list[str | None]:
    missing = {"", *spelling.written(texts.name).missing}
    return [None if text.strip() in missing else text for text in texts.values]


def _kept(texts: Texts, values: list[str | None], spelling: Spelling) -> tuple[str, ...]:
    """What else is told from other texts since it was not made alike, of a feature."""
    if texts.name == spelling.target:
        return ()
    present = [(place, value) for place, value in enumerate(values) if value is not None]
    padded = [place for place, value in present if value != value.strip()]
    words = [place for place, value in present if value.strip() in MISSING]
    found = [(padded, "keeps the blanks around its texts"), (words, "keeps as values what else means missing")]
    return tuple(f"{what}, as in {texts.told(places[:1])}" for places, what in found if places)


def _have_zero_fractions(values: list[str | None]) -> bool:
    """Whether all are whole numbers written as 3.0, as where values were missing beside them."""
    present = [value for value in values if value is not None]
    return all(value.endswith(".0") and value.removesuffix(".0").lstrip("-").isdigit() for value in present)


def _number(texts: Texts, cells: Cells, spelling: Spelling) -> Interpreted:
    kinds = [cells.of(text) for text in texts.values]
    _refuse_others(texts, kinds, {Cell.NUMBER}, spelling)
    places = [place for place, kind in enumerate(kinds) if kind is Cell.NUMBER]
    bare = [cells.written.plain(texts.values[place]) for place in places]
    values = values_of(bare, cells)
    large = {text: float(value) for text, value in zip(bare, values, strict=True) if isinstance(value, int)}
    lost = first_lost(large) if texts.name != spelling.target else None
    if lost is not None:
        place = places[bare.index(lost)]
        raise Unclear(
            f"holds {shown(texts.values[place])} ({texts.at(place)}), which is one number with another of its "
            'whole numbers beyond 2^53; name it in kinds as "category", or put it into exclude'
        )
    return Interpreted(typed(texts, places, values))


def _boolean(texts: Texts, cells: Cells, spelling: Spelling) -> Interpreted:
    truths: list[bool | None] = []
    odd = []
    for place, text in enumerate(texts.values):
        truths.append(None if cells.is_missing(text) else TRUTHS.get(text.strip().lower()))
        if truths[-1] is None and not cells.is_missing(text):
            odd.append(place)
    if odd:
        _refuse(texts, odd, spelling, "mend it")
    return Interpreted(texts.replaced(truths, pa.bool_()))


def _date(texts: Texts, cells: Cells, spelling: Spelling) -> Interpreted:
    kinds = [cells.of(text) for text in texts.values]
    form = spelling.format_of(texts.name)
    iso = form is None or all(is_iso(text.strip()) for text, kind in pairs(texts, kinds) if kind is not Cell.MISSING)
    wanted = WANTED["date"] if form is None else f'a date spelled as "{form}"'
    odd = [
        place
        for place, (text, kind) in enumerate(pairs(texts, kinds))
        if kind is not Cell.MISSING and (kind is not Cell.DATE or (not iso and cells.written.moment(text) is None))
    ]
    if odd:
        digits = formats_of_digits([texts.values[place] for place in odd])
        do = f'say how dates are spelled: "dates": "{digits}"' if digits else _do(texts, odd, kinds, spelling)
        _refuse(texts, odd, spelling, do, wanted)
    if texts.name == spelling.target:
        return as_written(texts, kinds)
    return as_dates(texts, cells, kinds, spelling)


def _refuse_others(texts: Texts, kinds: Sequence[Cell], good: set[Cell], spelling: Spelling) -> None:
    odd = [place for place, kind in enumerate(kinds) if kind not in good and kind is not Cell.MISSING]
    if odd:
        _refuse(texts, odd, spelling, _do(texts, odd, kinds, spelling))


def _do(texts: Texts, odd: Sequence[int], kinds: Sequence[Cell], spelling: Spelling) -> str:
    """What a person can do about the odd values; where all are words, the kind is what is wrong."""
    if {kind for kind in kinds if kind is not Cell.MISSING} - {Cell.TEXT, Cell.BOOLEAN}:
        return hint_in(texts, [(place, kinds[place]) for place in odd], spelling.written(texts.name))
    if texts.name == spelling.target and spelling.numeric_target:
        return "a classifier answers with texts"
    truths = all(texts.values[place].strip().lower() in TRUTHS for place in odd)
    return f'name it in kinds as {'"boolean", or as ' if truths else ""}"category" to keep its texts'


def _refuse(texts: Texts, odd: Sequence[int], spelling: Spelling, do: str, wanted: str = "") -> None:
    kind = spelling.kinds.get(texts.name)
    asks = f'kinds "{kind}" asks for {wanted or WANTED[kind]}' if kind else "a regressor predicts numbers"
    raise Unclear(f"holds {texts.told(odd)}, where {asks}; {do}")


DECLARED: dict[Kind, Callable[[Texts, Cells, Spelling], Interpreted]] = {
    "category": _category,
    "text": _prose,
    "number": _number,
    "integer": _number,
    "boolean": _boolean,
    "date": _date,
}
