"""Features: what training saw in each column, and so what serving accepts."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, StringConstraints, model_validator

from brinery.rows.dates import FIRST_DAY, LAST_DAY, text_of_days

Kind = Literal["number", "integer", "boolean", "category", "date"]
MAX_NAME_LENGTH = 200
EXACT = 2**53  # beyond it, floats skip whole numbers
FeatureName = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME_LENGTH)]


class Feature(BaseModel):
    """One column as the whole training frame showed it.

    `minimum` and `maximum` are in the column's own unit and present for numbers and integers, and for
    dates, as days since 1970-01-01 in UTC with the time of day as a fraction; `categories` are the
    strings seen, sorted, present for categories. `nullable` says that training saw missing values, so
    that `null` is an answerable value. `zoned` says that every date of training carried its offset from
    UTC, so that a text without one would be taken for another moment.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: FeatureName
    kind: Kind
    nullable: bool = False
    minimum: FiniteFloat | None = None
    maximum: FiniteFloat | None = None
    categories: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    zoned: bool = False

    @property
    def range_text(self) -> str:
        """What training saw, for people; either end is a value inside."""
        if self.categories is not None:
            return ", ".join(self.categories)
        if self.minimum is None or self.maximum is None:
            return "true or false"
        if self.kind == "date":
            first, last = (text_of_days(days, self.zoned) for days in (self.minimum, self.maximum))
            return f"{first} to {last} (days since 1970-01-01: {_shown(self.minimum)} to {_shown(self.maximum)})"
        return f"{_shown(self.minimum)} to {_shown(self.maximum)}"

    @model_validator(mode="after")
    def _matches_kind(self) -> Self:
        ranged = self.minimum is not None and self.maximum is not None
        if (self.kind in ("number", "integer", "date")) != ranged:
            raise ValueError(f"feature {self.name}: kind {self.kind} and minimum/maximum do not fit together")
        if self.kind == "date":
            for days in (self.minimum, self.maximum):
                if days is not None and not FIRST_DAY <= days < LAST_DAY:
                    raise ValueError(f"feature {self.name}: {days:g} days are no date of the years 1 to 9999")
        if (self.kind == "category") != (self.categories is not None):
            raise ValueError(f"feature {self.name}: kind {self.kind} and categories do not fit together")
        if self.zoned and self.kind != "date":
            raise ValueError(f"feature {self.name}: kind {self.kind} and zoned do not fit together")
        return self


def _shown(value: float) -> str:
    """The shortest text that is read as this very value."""
    return repr(value).removesuffix(".0")
