"""Cells: what one text of a CSV is, by how the file spells its values."""

import re
from enum import Enum

from brinery.rows.written import MARKS
from brinery.tables.spelling import Spelling
from brinery.tables.texts.dates import is_date_to_people, is_iso

ANY_BODY = (
    r"[+-]?(\d{1,3}([.,'’ ]\d{3})+([.,]\d+)?|\d{1,2}(,\d\d)+,\d{3}([.]\d+)?|\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d{1,3})?"
)
SIGNS = "$¢£¤¥\u20a0-\u20cf"
MONEY = (
    rf"([A-Z]{{0,3}}[{SIGNS}]|USD|EUR|GBP|CHF|JPY|CNY|RMB|INR|CAD|AUD|NZD|HKD|SGD|SEK|NOK|DKK|PLN|CZK|HUF|RON|BRL|MXN|ZAR|"
    r"ILS|KRW|TRY|RUB|THB|Rs\.?|[Kk]r\.?|zł|Kč|руб\.?)"
)
MARKED = re.compile(ANY_BODY)
PERCENT = re.compile(rf"{ANY_BODY}\s*[%‰]")
CURRENCY = re.compile(rf"[+-]?{MONEY}\s*{ANY_BODY}|{ANY_BODY}\s*{MONEY}")
BRACKETS = re.compile(rf"\(\s*{MONEY}?\s*{ANY_BODY}\s*\)|{MONEY}?{ANY_BODY}-|[−–]\s*{MONEY}?\s*{ANY_BODY}")
ABOUT = re.compile(rf"[~≈]\s*{ANY_BODY}")
FRACTION = re.compile(r"[+-]?(\d+[ -]?)?[¼-¾⅐-⅞]|[+-]?\d+ \d{1,2}/\d{1,3}")
NOTED = re.compile(rf"{ANY_BODY}\s*(\[\w{{1,3}}\]|[†‡])")
UNDERSCORED = re.compile(r"[+-]?\d{1,3}(_\d{3})+([.]\d+)?")
UNIT = re.compile(rf"(?P<number>{ANY_BODY})\s*(?P<unit>[A-Za-zµμ°Ω²³/]{{1,8}})")
LIMIT = re.compile(rf"[<>≤≥~≈]=?\s*{ANY_BODY}")
INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
NUMBERS_TO_PEOPLE = (MARKED, PERCENT, CURRENCY, BRACKETS, ABOUT, FRACTION, NOTED, UNDERSCORED)


class Cell(Enum):
    MISSING = 0
    NUMBER = 1
    BOOLEAN = 2
    DATE = 3
    NEAR_NUMBER = 4  # a number to people, spelled otherwise
    UNIT = 5  # … with a word behind it, which may be a unit
    NEAR_DATE = 6
    TEXT = 7


NEAR = {
    **dict.fromkeys((Cell.NUMBER, Cell.NEAR_NUMBER, Cell.UNIT), Cell.NEAR_NUMBER),
    **dict.fromkeys((Cell.DATE, Cell.NEAR_DATE), Cell.NEAR_DATE),
}


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
        if is_iso(bare):
            return Cell.DATE
        visible = INVISIBLE.sub("", bare)
        if visible != bare:
            return NEAR.get(self.of(visible), Cell.TEXT)
        return _near(bare)

    def is_missing(self, text: str) -> bool:
        return text.strip() in self.written.words_of_missing


def _near(bare: str) -> Cell:
    if is_date_to_people(bare):
        return Cell.NEAR_DATE
    usual = bare.translate(MARKS)
    if any(pattern.fullmatch(usual) for pattern in NUMBERS_TO_PEOPLE):
        return Cell.NEAR_NUMBER
    return Cell.UNIT if UNIT.fullmatch(usual) else Cell.TEXT
