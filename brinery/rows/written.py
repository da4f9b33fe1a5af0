"""Writing: how a CSV writes its values, so that what was trained from it and what is asked of it are read alike."""

import re
from datetime import UTC, datetime
from functools import cached_property
from typing import Literal

from pydantic import BaseModel, ConfigDict

Decimal = Literal[".", ","]
Thousands = Literal[",", ".", " ", "'"]
# What pandas takes as missing too.
MISSING = (
    *("", "NA", "N/A", "n/a", "<NA>", "#N/A", "#N/A N/A", "#NA", "NaN", "nan", "-NaN", "-nan"),
    *("NULL", "null", "None", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
)
TRUTHS = {
    **dict.fromkeys(("true", "yes", "t", "y", "1", "1.0"), True),
    **dict.fromkeys(("false", "no", "f", "n", "0", "0.0"), False),
}
MARKS = str.maketrans("\u00a0\u202f\u2009\u2019", "   '")  # blanks and apostrophes that are written alike
GROUPS = {" ": "[ \u00a0\u202f\u2009]", "'": "['\u2019]", ".": "[.]", ",": ","}


class Written(BaseModel):
    """How a CSV writes the values of one column; blanks around a value do not count but where `verbatim`.

    `decimal` and `thousands` are the marks of its numbers; `dates` is how its dates are written that are not ISO 8601,
    as of `datetime.strptime`; `missing` are further texts of no value. `verbatim` says that texts were kept as they
    are, and that no other words than these and an empty one mean missing. `zero_fraction` says that its categories are
    whole numbers which were written as 3.0.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    decimal: Decimal = "."
    thousands: Thousands | None = None
    dates: str | None = None
    missing: tuple[str, ...] = ()
    verbatim: bool = False
    zero_fraction: bool = False

    @cached_property
    def words_of_missing(self) -> frozenset[str]:
        """The texts that mean no value, without the blanks around them."""
        return frozenset(("", *self.missing) if self.verbatim else (*MISSING, *self.missing))

    @cached_property
    def number_pattern(self) -> str:
        """What its numbers are, as a regular expression of a whole text."""
        mark = re.escape(self.decimal)
        body = rf"[0-9]+({mark}[0-9]*)?|{mark}[0-9]+"
        if self.thousands:
            group = GROUPS[self.thousands]
            whole = rf"[0-9]{{1,3}}({group}[0-9]{{3}})+"
            if self.thousands == ",":
                whole = f"({whole}|[0-9]{{1,2}}(,[0-9]{{2}})+,[0-9]{{3}})"  # the latter as in India
            body = rf"{whole}({mark}[0-9]*)?|{body}"
        return rf"^[+-]?({body})([eE][+-]?[0-9]{{1,3}})?$"

    def plain(self, text: str) -> str:
        """A number of `number_pattern` as Python spells it."""
        bare = text.strip().translate(MARKS)
        return bare.replace(self.thousands or "", "").replace(self.decimal, ".")

    def moment(self, text: str) -> datetime | None:
        """The date of a text by `dates`, without a zone and in UTC; None where it is none."""
        bare = text.strip()
        if self.dates is None or (self._width and len(bare) != self._width):
            return None
        return parsed(bare, self.dates)

    @cached_property
    def _width(self) -> int:
        """How long dates of digits alone are, so that no shorter number is taken for one; else 0."""
        sample = sample_of(self.dates) if self.dates else ""
        return len(sample) if sample.isdigit() else 0


def parsed(text: str, form: str) -> datetime | None:
    """The date of a text by a format of `strptime`, without a zone and in UTC."""
    try:
        moment = datetime.strptime(text, form)
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        return None


def sample_of(form: str) -> str:
    """A date as a format writes it."""
    return datetime(2001, 12, 13, 14, 15, 16).strftime(form)
