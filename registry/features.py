"""Features: what training saw in each column, and so what serving accepts."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, StringConstraints, model_validator

Kind = Literal["number", "integer", "boolean", "category"]
FeatureName = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Feature(BaseModel):
    """One column as the whole training frame showed it.

    `minimum` and `maximum` are in the column's own unit and present for numbers and integers;
    `categories` are the strings seen, sorted, present for categories. `nullable` says that
    training saw missing values, so that `null` is an answerable value.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: FeatureName
    kind: Kind
    nullable: bool = False
    minimum: FiniteFloat | None = None
    maximum: FiniteFloat | None = None
    categories: Annotated[tuple[str, ...], Field(min_length=1)] | None = None

    @property
    def range_text(self) -> str:
        """What training saw, for people."""
        if self.categories is not None:
            return ", ".join(self.categories)
        return f"{self.minimum:g} to {self.maximum:g}" if self.minimum is not None else "true or false"

    @model_validator(mode="after")
    def _matches_kind(self) -> Self:
        ranged = self.minimum is not None and self.maximum is not None
        if (self.kind in ("number", "integer")) != ranged:
            raise ValueError(f"feature {self.name}: kind {self.kind} and minimum/maximum do not fit together")
        if (self.kind == "category") != (self.categories is not None):
            raise ValueError(f"feature {self.name}: kind {self.kind} and categories do not fit together")
        return self
