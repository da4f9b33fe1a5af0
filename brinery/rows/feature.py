"""Features: what training saw in each column, and so what serving accepts."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    StrictBool,
    StrictStr,
    StringConstraints,
    model_validator,
)

from brinery.rows.dates import FIRST_DAY, LAST_DAY, text_of_days
from brinery.rows.written import Written

Kind = Literal["number", "integer", "boolean", "category", "date", "text"]
MAX_NAME_LENGTH = 200
OF_TEXTS: tuple[Kind, ...] = ("category", "text")  # whose values are texts to the model, and are kept as written
LONGEST_PROSE = 10_000  # letters of a value of the kind "text"
EXACT = 2**53  # beyond it, floats skip whole numbers
RANGED = ("number", "integer", "date")
Unknown = Literal["refuse", "accept"]
FeatureName = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME_LENGTH)]


class Feature(BaseModel):
    """One column, as the data showed it.

    `minimum` and `maximum` are of the rows that the model was fitted on, in the column's own unit, and present for
    numbers and integers, and for dates, as days since 1970-01-01 in UTC with the time of day as a fraction;
    `categories` are the strings seen, sorted, present for categories, and `unknown_categories` says what becomes of
    others. `nullable` says that a value was missing, so that `null` is an answerable value. `unfitted` are the
    categories, booleans and null that held-out rows alone had, which are answered with a warning. `zoned` says that
    every date carried its offset from UTC, so that a text without one would be taken for another moment. `written` is
    how the CSV wrote the values, where they came from one, as requests may too. A missing value
    of the kind "text" is an empty text to the model.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: FeatureName
    kind: Kind
    nullable: bool = False
    minimum: FiniteFloat | None = None
    maximum: FiniteFloat | None = None
    categories: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    unknown_categories: Unknown = "refuse"
    unfitted: tuple[StrictBool | StrictStr | None, ...] = ()
    zoned: bool = False
    written: Written | None = None

    @property
    def of_texts(self) -> bool:
        """Whether its values are texts to the model, and not numbers."""
        return self.kind in OF_TEXTS

    @property
    def range_text(self) -> str:
        """What training saw, for people; either end is a value inside."""
        if self.kind == "text":
            return f"any text of at most {LONGEST_PROSE} letters"
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
        fitting = {
            "minimum/maximum": (self.kind in RANGED) == (self.minimum is not None and self.maximum is not None),
            "categories": (self.kind == "category") == (self.categories is not None),
            "unknown_categories": self.kind == "category" or self.unknown_categories == "refuse",
            "zoned": self.kind == "date" or not self.zoned,
            "unfitted": {*self.unfitted} <= {*self.countable},
        }
        for what, fits in fitting.items():
            if not fits:
                raise ValueError(f"feature {self.name}: kind {self.kind} and {what} do not fit together")
        if self.kind == "date":
            for days in (self.minimum, self.maximum):
                if days is not None and not FIRST_DAY <= days < LAST_DAY:
                    raise ValueError(f"feature {self.name}: {days:g} days are no date of the years 1 to 9999")
        return self

    @property
    def countable(self) -> tuple[bool | str | None, ...]:
        """The values that can be counted up: categories, false and true, and null."""
        truths = (False, True) if self.kind == "boolean" else ()
        return (*(self.categories or ()), *truths, *((None,) if self.nullable else ()))


def read_alike(ours: Sequence[Feature], theirs: Sequence[Feature]) -> bool:
    """Whether every row is read the same, but for warnings, by the features of two versions."""
    warned = {"minimum", "maximum", "unfitted"}
    return len(ours) == len(theirs) and all(
        one.model_dump(exclude=warned) == other.model_dump(exclude=warned)
        for one, other in zip(ours, theirs, strict=True)
    )


def _shown(value: float) -> str:
    """The shortest text that is read as this very value."""
    return repr(value).removesuffix(".0")
