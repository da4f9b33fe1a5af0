"""The rules of a gate, as models.json has them: what a version must reach on the held-out rows."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, create_model, model_validator

from brinery.assessment.metrics.table import NAMES

if TYPE_CHECKING:
    MetricName = str
else:
    MetricName = Literal[NAMES]


class Strict(BaseModel):
    """Part of what a person writes: it knows its keys, and takes no value for another."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Rule(Strict):
    """Limits of one metric on the held-out rows; both are inclusive."""

    min: float | None = Field(None, ge=0, le=1, description="a number from 0 to 1")
    max: float | None = Field(None, ge=0, description="a number, 0 or more")

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError('needs "min" or "max"')
        return self


Allowance = Annotated[float, Field(ge=0, description="a number, 0 or more: how much worse is still accepted")]
_limits = {name: (Rule | None, None) for name in NAMES}


class GateSpec(create_model("Limits", __base__=Strict, **_limits)):  # type: ignore[misc]
    """What a version must reach; all rules are judged on the held-out rows."""

    no_worse_than_promoted: Mapping[MetricName, Allowance] = Field(
        {}, description=f"an object of metrics ({', '.join(NAMES)}), each with how much worse is still accepted"
    )

    @property
    def rules(self) -> dict[str, Rule]:
        """The limits that are set, by metric."""
        found = {name: getattr(self, name) for name in NAMES}
        return {name: rule for name, rule in found.items() if rule is not None}
