"""Hints: what to do about cells of a CSV that keep a column from being what most of it is."""

import re
from collections.abc import Callable, Sequence

from brinery.rows.written import SPACES
from brinery.tables.spelling import Spelling
from brinery.tables.texts.cells import BRACKETS, CURRENCY, LIMIT, PERCENT, Cell, formats_of
from brinery.tables.texts.distinct import Texts

LOOKED_AT = 1000
WORDS = 6
GROUPS = r"[+-]?\d{1,3}"
MEND = "mend the column, so that it holds one kind of values"
FIXED: tuple[tuple[re.Pattern[str], str], ...] = (
    (PERCENT, "write the numbers without the percent sign"),
    (CURRENCY, "write the numbers without the currency"),
    (BRACKETS, "write negative numbers with a minus sign in front"),
)


def hint_in(texts: Texts, odd: Sequence[tuple[int, Cell]], spelling: Spelling) -> str:
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
    return "; ".join([*hints, *hints_of(rest, spelling)])


def hints_of(cells: Sequence[tuple[str, Cell]], spelling: Spelling) -> list[str]:
    """One hint for each sort of cells, in their order."""
    sorts: dict[str, list[str]] = {}
    for text, cell in cells:
        sorts.setdefault(_sort(text.strip(), cell), []).append(text.strip())
    return [BY_SORT[sort](texts, spelling) if sort in BY_SORT else sort for sort, texts in sorts.items()]


def _sort(text: str, cell: Cell) -> str:
    """A key of `BY_SORT`, or the hint itself."""
    if cell is Cell.NEAR_DATE:
        return "dates"
    if cell in (Cell.DATE, Cell.NUMBER, Cell.BOOLEAN):
        return MEND
    if LIMIT.fullmatch(text):
        return "limits"
    for pattern, do in FIXED:
        if pattern.fullmatch(text.translate(SPACES)):
            return do
    if cell is Cell.NEAR_NUMBER:
        return "marks"
    return "write the numbers without the unit" if cell is Cell.UNIT else "words"


def _of_limits(texts: Sequence[str], spelling: Spelling) -> str:
    return f'write numbers for such as "{texts[0]}", or say that they mean missing: "missing": [{_listed(texts)}]'


def _of_words(texts: Sequence[str], spelling: Spelling) -> str:
    return f'say "missing": [{_listed(texts)}] where that means missing, else mend it'


def _listed(texts: Sequence[str]) -> str:
    return ", ".join(f'"{text}"' for text in list(dict.fromkeys(texts))[:WORDS])


def _of_dates(texts: Sequence[str], spelling: Spelling) -> str:
    forms = formats_of(list(texts[:200]))[:2]
    if not forms:
        return 'spell all dates alike and say how, such as "dates": "%d/%m/%Y"'
    either = " or ".join(f'"{form}"' for form in forms)
    return f'say how dates are spelled: "dates": {either}'


def _of_marks(texts: Sequence[str], spelling: Spelling) -> str:
    """Which key says what commas, points, blanks and apostrophes are."""
    texts = [text.translate(SPACES) for text in texts]
    if any(re.fullmatch(rf"{GROUPS}(,\d{{3}})+[.]\d*|{GROUPS}(,\d{{3}}){{2,}}", text) for text in texts):
        return 'say that the comma parts thousands: "thousands": ","'
    if any(re.fullmatch(rf"{GROUPS}([.]\d{{3}})+,\d*|{GROUPS}([.]\d{{3}}){{2,}}", text) for text in texts):
        return 'say what the marks are: "decimal": ",", "thousands": "."'
    for mark, name in ((" ", "blank"), ("'", "apostrophe")):
        if any(mark in text for text in texts):
            return f'say that the {name} parts thousands: "thousands": "{mark}"'
    if spelling.decimal == ",":
        return 'say "thousands": "." where the point parts thousands, else mend it'
    if all(re.fullmatch(rf"{GROUPS},\d{{3}}", text) for text in texts):
        return (
            'say what the comma is: "thousands": "," where it parts thousands, "decimal": "," where it is the decimal'
        )
    return 'say that the comma is the decimal mark: "decimal": ","'


BY_SORT: dict[str, Callable[[Sequence[str], Spelling], str]] = {
    "dates": _of_dates,
    "limits": _of_limits,
    "words": _of_words,
    "marks": _of_marks,
}
