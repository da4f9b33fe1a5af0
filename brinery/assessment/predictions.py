"""Predictions: a model's answers to rows that it was not fitted on, beside the truth."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from brinery.tasks.task import AnyAnswers


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
