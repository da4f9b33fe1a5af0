"""The kinds of columns as models.json has them: what a column is, and how a CSV writes it."""

from datetime import UTC, datetime
from typing import Annotated, Self, get_args

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from brinery.assessment.rules import Strict
from brinery.rows.feature import Kind, Unknown
from brinery.rows.written import Decimal, Thousands, parsed
from brinery.tables.spelling import Own

UNKNOWN_RULE = '"refuse" or "accept": what becomes of a category that the data do not have'
DATE_RULE = 'how dates of a CSV are written that are not ISO 8601, as of Python\'s strptime, such as "%d/%m/%Y"'
MISSING_RULE = 'a list of texts of a CSV that mean missing, such as ["?", "-"]'
DECIMAL_RULE = 'the decimal mark of a CSV\'s numbers, "." or ","'
THOUSANDS_RULE = 'the mark that parts the thousands of a CSV\'s numbers, ",", ".", " " or "\'"'


def _is_date_format(form: str) -> str:
    """A format that tells at least the year of a date."""
    moment = datetime(2021, 11, 23, tzinfo=UTC)
    try:
        of_year = "%Y" in form or "%y" in form
        told = of_year and datetime.strptime(moment.strftime(form), form).year == moment.year
    except ValueError:
        told = False
    if not told:
        raise PydanticCustomError("format", "it names no year")
    if parsed("2001-02-03", form) not in (None, datetime(2001, 2, 3)):
        raise PydanticCustomError("format", "it reads dates of ISO 8601 as other days")
    return form


DateFormat = Annotated[str, AfterValidator(_is_date_format)]
MissingTexts = Annotated[tuple[str, ...], Field(strict=False)]
OF_NUMBERS: tuple[Kind, ...] = ("number", "integer")
OF_KIND: dict[str, tuple[Kind | None, ...]] = {  # of which kinds a column has a key
    "format": ("date",),
    "decimal": OF_NUMBERS,
    "thousands": OF_NUMBERS,
    "unknown_categories": ("category", None),
}


class KindSpec(Strict):
    """The kind of a column; how it is written where the file is written otherwise; what becomes of other categories."""

    kind: Kind | None = Field(None, description=f"one of {', '.join(get_args(Kind))}")
    format: DateFormat | None = Field(None, description=DATE_RULE)
    decimal: Decimal | None = Field(None, description=DECIMAL_RULE)
    thousands: Thousands | None = Field(None, description=THOUSANDS_RULE)
    missing: MissingTexts | None = Field(None, description=MISSING_RULE)
    unknown_categories: Unknown | None = Field(None, description=UNKNOWN_RULE)

    @model_validator(mode="after")
    def _fits_kind(self) -> Self:
        for key, kinds in OF_KIND.items():
            if getattr(self, key) is not None and self.kind not in kinds:
                named = " or ".join(f'"{kind}"' for kind in kinds if kind)
                own = f'the kind "{self.kind}"' if self.kind else "no kind"
                raise ValueError(f"has {key} and {own}; only the kind {named} has {key}")
        if (self.kind, self.missing, self.unknown_categories) == (None, None, None):
            raise ValueError("says nothing; it must have a kind, missing or unknown_categories")
        return self

    @property
    def own(self) -> Own:
        """How the column is written."""
        return Own(missing=self.missing, decimal=self.decimal, thousands=self.thousands, dates=self.format)
