"""Spellings: how a CSV writes its values, and what its columns are declared to be."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from brinery.rows.feature import OF_TEXTS, Kind
from brinery.rows.written import Decimal, Thousands, Written


@dataclass(frozen=True)
class Spelling:
    """What is declared of a table; but for `kinds` and `target`, only CSV, whose values are texts, asks for it.

    `missing` are further texts of no value; `decimal` and `thousands` the marks of numbers; `dates` how dates are
    written that are not ISO 8601, as of `datetime.strptime`, and `formats` the same of single columns. A column of
    kind "category" is kept as it is written. `target` is the column whose values are answers: labels, or numbers of a
    regressor where `numeric_target` says so.
    """

    missing: tuple[str, ...] = ()
    decimal: Decimal = "."
    thousands: Thousands | None = None
    dates: str | None = None
    formats: Mapping[str, str] = field(default_factory=dict)
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    target: str | None = None
    numeric_target: bool = False

    def kind_of(self, column: str) -> Kind | None:
        """The kind that a column is declared to be; a regressor's target is numbers."""
        numeric = self.numeric_target and column == self.target
        return self.kinds.get(column, "number" if numeric else None)

    def format_of(self, column: str) -> str | None:
        """How the dates of a column are written; None is ISO 8601."""
        return self.formats.get(column, self.dates)

    def written(self, column: str) -> Written:
        """How a CSV writes the values of a column."""
        return Written(
            decimal=self.decimal,
            thousands=self.thousands,
            dates=self.format_of(column),
            missing=self.missing,
            verbatim=self.kinds.get(column) in OF_TEXTS,
        )


PLAIN = Spelling()
