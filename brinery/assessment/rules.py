"""The rules of a gate, as models.json has them: what a version must reach on the held-out rows."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, create_model, model_validator

from brinery.assessment.metrics.metric import Metric
from brinery.assessment.metrics.table import METRICS, NAMES

if TYPE_CHECKING:
    MetricName = str
else:
    MetricName = Literal[NAMES]


class Strict(BaseModel):
    """Part of what a person writes: it knows its keys, and takes no value for another."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Rule(Strict):
    """Limits of one metric on the held-out rows; both are inclusive."""

    min: float | None = Field(None, description="a number")
    max: float | None = Field(None, description="a number")

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError('needs "min" or "max"')
        return self


class SizeRule(Rule):
    """Limits of a metric that is never below 0."""

    min: float | None = Field(None, ge=0, description="a number, 0 or more")
    max: float | None = Field(None, ge=0, description="a number, 0 or more")


class ShareRule(SizeRule):
    """Limits of a metric from 0 to 1."""

    min: float | None = Field(None, ge=0, le=1, description="a number from 0 to 1")


class BelowOneRule(Rule):
    """Limits of a metric that is never above 1."""

    min: float | None = Field(None, le=1, description="a number, 1 or less")


def rule_of(metric: Metric) -> type[Rule]:
    """What limits a metric may have."""
    if metric.least != 0:
        return BelowOneRule
    return ShareRule if metric.is_share else SizeRule


RULES = {name: rule_of(metric) for name, metric in METRICS.items()}
Allowance = Annotated[float, Field(ge=0, description="a number, 0 or more: how much worse is still accepted")]
_limits = {name: (rule | None, None) for name, rule in RULES.items()}


class GateSpec(create_model("Limits", __base__=Strict, **_limits)):  # type: ignore[misc]
    """What a version must reach; all rules are judged on the held-out rows."""

    no_worse_than_promoted: Mapping[MetricName, Allowance] = Field(
        {}, description=f"an object of metrics ({', '.join(NAMES)}), each with how much worse is still accepted"
    )

    @property
    def metrics(self) -> list[str]:
        """The metrics that it asks for."""
        return [*self.rules, *self.no_worse_than_promoted]

    @property
    def rules(self) -> dict[str, Rule]:
        """The limits that are set, by metric."""
        found = {name: getattr(self, name) for name in NAMES}
        return {name: rule for name, rule in found.items() if rule is not None}
