"""Predictions: a model's answers to rows that it was not fitted on, beside the truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from brinery.tasks.task import AnyAnswers
from brinery.versions.manifest import Interval


@dataclass(frozen=True)
class Predictions:
    """`truth` has the labels of the rows, shape (rows,), in the type of the answers' own."""

    truth: np.ndarray
    answers: AnyAnswers

    @property
    def labels(self) -> np.ndarray:
        return self.answers.labels

    @property
    def probabilities(self) -> np.ndarray | None:
        return self.answers.probabilities

    @property
    def classes(self) -> np.ndarray:
        return self.answers.classes

    @cached_property
    def truth_indices(self) -> NDArray[np.intp]:
        """Positions of the truth in `classes`, shape (rows,)."""
        return np.searchsorted(self.classes, self.truth)


def percentiles(resampled: Sequence[float]) -> Interval:
    """The 95 % percentile bootstrap interval of a resampled figure; NaN where it could never be taken."""
    if np.isnan(resampled).all():
        return float("nan"), float("nan")
    low, high = np.nanpercentile(resampled, (2.5, 97.5))
    return float(low), float(high)
