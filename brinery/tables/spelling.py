"""Spellings: how a CSV writes its values, and what its columns are declared to be."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from brinery.rows.feature import OF_TEXTS, Kind
from brinery.rows.written import Decimal, Thousands, Written


@dataclass(frozen=True)
class Own:
    """How single columns are written; what is None is as in the whole file."""

    missing: tuple[str, ...] | None = None
    decimal: Decimal | None = None
    thousands: Thousands | None = None
    dates: str | None = None

    @property
    def reads_texts(self) -> bool:
        """Whether values of such a column are told otherwise than those of the file."""
        return (self.missing, self.decimal, self.thousands) != (None, None, None)


AS_THE_FILE = Own()


@dataclass(frozen=True)
class Spelling:
    """What is declared of a table; but for `kinds` and `target`, only CSV, whose values are texts, asks for it.

    `missing` are further texts of no value; `decimal` and `thousands` the marks of numbers; `dates` how dates are
    written that are not ISO 8601, as of `datetime.strptime`; `own` overrules these, by column. A column of kind
    "category" is kept as it is written. `target` is the column whose values are answers: labels, or numbers of a
    regressor where `numeric_target` says so.
    """

    missing: tuple[str, ...] = ()
    decimal: Decimal = "."
    thousands: Thousands | None = None
    dates: str | None = None
    own: Mapping[str, Own] = field(default_factory=dict)
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    target: str | None = None
    numeric_target: bool = False

    def kind_of(self, column: str) -> Kind | None:
        """The kind that a column is declared to be; a regressor's target is numbers."""
        numeric = self.numeric_target and column == self.target
        return self.kinds.get(column, "number" if numeric else None)

    def format_of(self, column: str) -> str | None:
        """How the dates of a column are written; None is ISO 8601."""
        return self.own_of(column).dates or self.dates

    def own_of(self, column: str) -> Own:
        """How a column is written otherwise than the file."""
        return self.own.get(column, AS_THE_FILE)

    def written(self, column: str) -> Written:
        """How a CSV writes the values of a column; the file's thousands are none where their mark is its decimal."""
        own = self.own_of(column)
        decimal, thousands = own.decimal or self.decimal, own.thousands or self.thousands
        return Written(
            decimal=decimal,
            thousands=None if thousands == decimal else thousands,
            dates=self.format_of(column),
            missing=self.missing if own.missing is None else own.missing,
            verbatim=self.kinds.get(column) in OF_TEXTS,
        )


PLAIN = Spelling()
