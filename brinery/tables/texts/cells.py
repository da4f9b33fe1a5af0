"""Cells: what one text of a CSV is, by how the file spells its values."""

import re
from enum import Enum

from brinery.rows.dates import days_of_text
from brinery.rows.written import SPACES, parsed, sample_of
from brinery.tables.spelling import Spelling

ANY_BODY = r"[+-]?(\d{1,3}([.,'’ ]\d{3})+([.,]\d+)?|\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d{1,3})?"
SIGNS = "$€£¥₹"
MARKED = re.compile(ANY_BODY)
PERCENT = re.compile(rf"{ANY_BODY}\s*[%‰]")
CURRENCY = re.compile(
    rf"[+-]?([{SIGNS}]|USD|EUR|GBP|CHF|JPY)\s*{ANY_BODY}|{ANY_BODY}\s*([{SIGNS}]|USD|EUR|GBP|CHF|JPY)"
)
BRACKETS = re.compile(rf"\(\s*[{SIGNS}]?\s*{ANY_BODY}\s*\)|[{SIGNS}]?{ANY_BODY}-|[−–]\s*[{SIGNS}]?\s*{ANY_BODY}")
ABOUT = re.compile(rf"[~≈]\s*{ANY_BODY}")
UNIT = re.compile(rf"(?P<number>{ANY_BODY})\s*(?P<unit>[A-Za-zµμ°Ω²³/]{{1,8}})")
LIMIT = re.compile(rf"[<>≤≥~≈]=?\s*{ANY_BODY}")
ISO_START = re.compile(r"\d{4}-\d\d-\d\d")
DATE_LIKE = re.compile(
    r"(\d{1,4}([/.-])\d{1,2}\2\d{1,4}|\d{1,2}[ /.-][A-Za-z]{3,9}[ /.,-]+\d{2,4}|[A-Za-z]{3,9} \d{1,2},? \d{4})"
    r"([ T].{4,15})?"
)
TIMES = ("", " %H:%M", " %H:%M:%S", "T%H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
DAYS = (
    *(f"{order[0]}{sep}{order[1]}{sep}{order[2]}" for sep in "/.-" for order in ("dmY", "mdY", "Ymd", "dmy", "mdy")),
    *(f"d{sep}{month}{sep}{year}" for sep in " -/." for month in "bB" for year in "Yy"),
    *("b d, Y", "B d, Y", "b d Y", "B d Y"),
)
FORMATS = tuple(re.sub(r"([A-Za-z])", r"%\1", days) + time for time in TIMES for days in DAYS)


class Cell(Enum):
    MISSING = 0
    NUMBER = 1
    BOOLEAN = 2
    DATE = 3
    NEAR_NUMBER = 4  # a number to people, spelled otherwise
    UNIT = 5  # … with a word behind it, which may be a unit
    NEAR_DATE = 6
    TEXT = 7


class Cells:
    """Tells what the texts of one column are."""

    def __init__(self, spelling: Spelling, column: str) -> None:
        self.written = spelling.written(column)
        self._number = re.compile(self.written.number_pattern)
        self.whole = re.compile(r"[+-]?\d+")

    def of(self, text: str) -> Cell:
        """What a text is."""
        bare = text.strip()
        if self.is_missing(bare):
            return Cell.MISSING
        if self.written.moment(bare) is not None:
            return Cell.DATE
        if self._number.fullmatch(bare):
            return Cell.NUMBER
        if bare.lower() in ("true", "false"):
            return Cell.BOOLEAN
        return Cell.DATE if is_iso(bare) else _near(bare)

    def is_missing(self, text: str) -> bool:
        return text.strip() in self.written.words_of_missing


def is_iso(text: str) -> bool:
    """Whether it is an ISO 8601 date or date-time."""
    if not ISO_START.match(text):
        return False
    try:
        days_of_text(text)
    except ValueError:
        return False
    return True


def looks_like_numbers(form: str) -> bool:
    """Whether dates of a format could be read as numbers, as those of 20240328 or 2024.03."""
    return re.fullmatch(r"[\d.,]+", sample_of(form)) is not None


def formats_of(texts: list[str]) -> list[str]:
    """The formats by which all of the texts are dates."""
    return [form for form in FORMATS if all(parsed(text.strip(), form) for text in texts)]


def formats_of_digits(texts: list[str]) -> str | None:
    """The format by which all of the texts are days of eight digits, or None."""
    for form in ("%Y%m%d", "%d%m%Y", "%m%d%Y"):
        if all(len(text.strip()) == 8 and parsed(text.strip(), form) for text in texts):
            return form
    return None


def _near(bare: str) -> Cell:
    if DATE_LIKE.fullmatch(bare) and any(parsed(bare, form) for form in FORMATS):
        return Cell.NEAR_DATE
    usual = bare.translate(SPACES)
    if any(pattern.fullmatch(usual) for pattern in (MARKED, PERCENT, CURRENCY, BRACKETS, ABOUT)):
        return Cell.NEAR_NUMBER
    return Cell.UNIT if UNIT.fullmatch(usual) else Cell.TEXT
