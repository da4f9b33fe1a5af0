"""Spellings: how a CSV writes its values, and what its columns are declared to be."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from brinery.rows.feature import Kind

# What pandas takes as missing too.
MISSING = (
    *("", "NA", "N/A", "n/a", "<NA>", "#N/A", "#N/A N/A", "#NA", "NaN", "nan", "-NaN", "-nan"),
    *("NULL", "null", "None", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
)


@dataclass(frozen=True)
class Spelling:
    """What is declared of a table; but for `kinds` and `target`, only CSV, whose values are texts, asks for it.

    `missing` are further texts of no value; `decimal` and `thousands` the marks of numbers; `dates` how dates are
    written that are not ISO 8601, as of `datetime.strptime`, and `formats` the same of single columns. A column of
    kind "category" is kept as it is written. `target` is the column whose values are answers.
    """

    missing: tuple[str, ...] = ()
    decimal: str = "."
    thousands: str | None = None
    dates: str | None = None
    formats: Mapping[str, str] = field(default_factory=dict)
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    target: str | None = None

    def format_of(self, column: str) -> str | None:
        """How the dates of a column are written; None is ISO 8601."""
        return self.formats.get(column, self.dates)


PLAIN = Spelling()
