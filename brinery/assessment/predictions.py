"""Predictions: a model's answers to rows that it was not fitted on, beside the truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brinery.versions.manifest import Interval


@dataclass(frozen=True)
class Predictions:
    """`truth` has what the rows really are, shape (rows,), in the type of the answers' own: labels, or numbers.

    `answers` are those of the task; a classifier's have the properties below, a regressor's are `predicted` alone.
    """

    truth: np.ndarray
    answers: Any

    @property
    def predicted(self) -> np.ndarray:
        return np.asarray(self.answers.predicted)

    @property
    def labels(self) -> np.ndarray:
        return np.asarray(self.answers.labels)

    @property
    def probabilities(self) -> np.ndarray | None:
        found: np.ndarray | None = self.answers.probabilities
        return found

    @property
    def classes(self) -> np.ndarray:
        return np.asarray(self.answers.classes)

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
