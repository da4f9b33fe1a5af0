"""Hints: what to do about cells of a CSV that keep a column from being what most of it is."""

import re
from collections.abc import Callable, Sequence

from brinery.rows.written import MARKS, Written
from brinery.tables.texts.cells import (
    BRACKETS,
    CURRENCY,
    FRACTION,
    INVISIBLE,
    LIMIT,
    NOTED,
    PERCENT,
    UNDERSCORED,
    Cell,
)
from brinery.tables.texts.dates import TIME_OF_DAY, formats_of
from brinery.tables.texts.distinct import Texts

LOOKED_AT = 1000
WORDS = 6
GROUPS = r"[+-]?\d{1,3}"
MEND = "mend the column, so that it holds one kind of values"
FIXED: tuple[tuple[re.Pattern[str], str], ...] = (
    (PERCENT, "write the numbers without the percent sign"),
    (CURRENCY, "write the numbers without the currency"),
    (BRACKETS, "write negative numbers with a minus sign in front"),
    (FRACTION, "write the fractions as decimals, such as 1.5"),
    (NOTED, "write the numbers without the marks of footnotes"),
    (UNDERSCORED, "write the numbers without underscores"),
)


def hint_in(texts: Texts, odd: Sequence[tuple[int, Cell]], written: Written) -> str:
    """What a person can do about some values of a column, where one or more hints fit.

    Args:
        odd: places of the values, each with what it is; one or more, the first in the file first.
    """
    hints, rest = [], []
    for place, cell in odd[:LOOKED_AT]:
        if texts.values[place].strip() == texts.name.strip():
            hints.append(f"{texts.at(place)} seems to be the header again, so take it out")
        elif cell is Cell.TEXT and texts.rows([place]) == 1 and texts.row(place) == 0:
            hints.append(f"where {texts.at(place)} is a second header, such as one of units, take it out")
        else:
            rest.append((texts.values[place], cell))
    return "; ".join([*hints, *hints_of(rest, written)])


def hints_of(cells: Sequence[tuple[str, Cell]], written: Written) -> list[str]:
    """One hint for each sort of cells, in their order."""
    sorts: dict[str, list[str]] = {}
    for text, cell in cells:
        sorts.setdefault(_sort(text.strip(), cell), []).append(text.strip())
    return [BY_SORT[sort](texts, written) if sort in BY_SORT else sort for sort, texts in sorts.items()]


def _sort(text: str, cell: Cell) -> str:
    """A key of `BY_SORT`, or the hint itself."""
    invisible = INVISIBLE.search(text)
    if invisible:
        return f"take out the character U+{ord(invisible[0]):04X}, which is not seen"
    if cell is Cell.NEAR_DATE:
        return "times" if TIME_OF_DAY.fullmatch(text) else "dates"
    if cell in (Cell.NEAR_NUMBER, Cell.UNIT) and any(each.isdecimal() and not each.isascii() for each in text):
        return "write the numbers with the digits 0 to 9"
    if cell in (Cell.DATE, Cell.NUMBER, Cell.BOOLEAN):
        return MEND
    if LIMIT.fullmatch(text):
        return "limits"
    for pattern, do in FIXED:
        if pattern.fullmatch(text.translate(MARKS)):
            return do
    if cell is Cell.NEAR_NUMBER:
        return "marks"
    return "write the numbers without the unit" if cell is Cell.UNIT else "words"


def _of_limits(texts: Sequence[str], written: Written) -> str:
    return f'write numbers for such as "{texts[0]}", or say that they mean missing: "missing": [{_listed(texts)}]'


def _of_words(texts: Sequence[str], written: Written) -> str:
    return f'say "missing": [{_listed(texts)}] where that means missing, else mend it'


def _listed(texts: Sequence[str]) -> str:
    return ", ".join(f'"{text}"' for text in list(dict.fromkeys(texts))[:WORDS])


def _of_dates(texts: Sequence[str], written: Written) -> str:
    forms = formats_of(texts)[:2]
    if not forms and not any(map(formats_of, ([text] for text in texts[:WORDS]))):
        return "write them as days of ISO 8601, such as 2024-01-05"
    if not forms:
        return 'spell all dates alike and say how, such as "dates": "%d/%m/%Y"'
    either = " or ".join(f'"{form}"' for form in forms)
    if written.dates is not None:
        return f'say of the column in kinds how its dates are spelled: {{"kind": "date", "format": {either}}}'
    return f'say how dates are spelled: "dates": {either}'


def _of_times(texts: Sequence[str], written: Written) -> str:
    return "write times of day as numbers, such as 13.5 for 13:30, or with their day, such as 2024-01-05 13:30"


def _of_marks(texts: Sequence[str], written: Written) -> str:
    """Which key says what commas, points, blanks and apostrophes are."""
    texts = [text.translate(MARKS) for text in texts]
    if any(re.fullmatch(rf"{GROUPS}(,\d{{3}})+[.]\d*|{GROUPS}(,\d{{2,3}})+,\d{{3}}", text) for text in texts):
        return 'say that the comma parts thousands: "thousands": ","'
    if any(re.fullmatch(rf"{GROUPS}([.]\d{{3}})+,\d*|{GROUPS}([.]\d{{3}}){{2,}}", text) for text in texts):
        return 'say what the marks are: "decimal": ",", "thousands": "."'
    for mark, name in ((" ", "blank"), ("'", "apostrophe")):
        if any(mark in text for text in texts):
            return f'say that the {name} parts thousands: "thousands": "{mark}"'
    if written.decimal == ",":
        return (
            'say "thousands": "." where the point parts thousands, or of the column in kinds '
            '{"kind": "number", "decimal": "."} where it is the decimal mark'
        )
    if all(re.fullmatch(rf"{GROUPS},\d{{3}}", text) for text in texts):
        return (
            'say what the comma is: "thousands": "," where it parts thousands, "decimal": "," where it is the decimal'
        )
    return 'say that the comma is the decimal mark: "decimal": ","'


BY_SORT: dict[str, Callable[[Sequence[str], Written], str]] = {
    "dates": _of_dates,
    "times": _of_times,
    "limits": _of_limits,
    "words": _of_words,
    "marks": _of_marks,
}
