"""Intervals: how wide an answer must be to hold the truth of so many rows, by split conformal prediction.

Source: Lei et al., Distribution-Free Predictive Inference for Regression, 2018; of classes, Sadinle et al., Least
Ambiguous Set-Valued Classifiers, 2019.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

Share = Annotated[FiniteFloat, Field(ge=0, le=1)]


class Interval(BaseModel):
    """What widens answers so that they hold the truth in `level` of all rows like the held-out ones.

    `quantile` is of the held-out rows' scores: the size of the error, or of classes what the true one's probability
    lacks to 1. `rows` counts them. `coverage` is the share of them that hold their truth, in folds of which each was
    measured with the quantile of the others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    level: Annotated[FiniteFloat, Field(gt=0, lt=1)]
    quantile: Annotated[FiniteFloat, Field(ge=0)]
    rows: int
    coverage: Share

    @property
    def text(self) -> str:
        """The level, for people."""
        return f"{100 * self.level:g} %"
