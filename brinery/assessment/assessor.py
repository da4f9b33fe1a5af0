"""Assessors: what assessing a model asks of its task. A new task is a class beside that of classification, and a row.

The functions that every task shares (metrics, intervals, gate, export, card) call these and name no task.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd

from brinery.assessment.classification import ClassificationAssessor
from brinery.assessment.note import Note
from brinery.assessment.predictions import Predictions
from brinery.assessment.regression import RegressionAssessor
from brinery.errors import DataInvalid
from brinery.rows.feature import Feature
from brinery.tasks.task import AnyAnswers, AnyDetails, AnyTask


class Resampler(Protocol):
    """Draws of weighted rows; a metric's `resample` takes one."""

    @property
    def width(self) -> int: ...

    def draw(self, weights: np.ndarray) -> Any: ...


class BinnedResampler(Protocol):
    """Draws of as many rows as there are."""

    def draw(self, random: np.random.Generator) -> Any: ...


class Assessor(Protocol):
    """One task's part; `estimators` is what its estimators are called."""

    @property
    def kind(self) -> str: ...

    @property
    def estimators(self) -> str: ...

    def assesses(self, estimator: Any) -> bool:
        """Whether an estimator, fitted or not, has this task."""
        ...

    def target(self, target: pd.Series, source: str) -> np.ndarray:
        """A column as the truth that a model is fitted on, shape (rows,); DataInvalid where it cannot be."""
        ...

    def truth(self, target: pd.Series, source: str, classes: Sequence[Any] | None) -> np.ndarray:
        """A column as the truth of rows that a model answers, of these classes if it is a classifier.

        Raises:
            DataInvalid: it cannot be.
        """
        ...

    def notes(self, target: pd.Series, array: np.ndarray, features: Sequence[Feature], truth: np.ndarray) -> list[Note]:
        """Sentences that a person should read about the rows: of the target as it came, and beside the features."""
        ...

    def check(self, fitted: Any) -> None:
        """Look at what only a fitted estimator of this task has; DataInvalid where its answers cannot be sent."""
        ...

    def task(self, fitted: Any, truth: np.ndarray) -> AnyTask:
        """The task of an estimator that was fitted on rows of this truth, shape (rows,)."""
        ...

    def answers(self, fitted: Any, array: np.ndarray) -> AnyAnswers:
        """A fitted estimator's answers to rows, shape (rows, features)."""
        ...

    def ties(self, fitted: Any, array: np.ndarray, answers: Any) -> tuple[np.ndarray, np.ndarray]:
        """Rows, shape (rows,), that hang on rounding in the fitted model itself: in the label alone, and in all."""
        ...

    def golden_rows(self, answers: Any, count: int) -> list[int]:
        """At most so many rows whose answers stand for all."""
        ...

    def score(self, answers: Any, truth: np.ndarray) -> float:
        """One number, the higher the better, that importance is measured by."""
        ...

    def averaged(self, answers: Any, truth: np.ndarray) -> Mapping[str, np.ndarray]:
        """What means are taken of to show how answers depend on a feature, each of shape (rows,), by its name.

        Args:
            truth: of the rows that the model was fitted on.
        """
        ...

    def baselines(self, predictions: Predictions, train_y: np.ndarray) -> Sequence[Predictions]:
        """What models predict that look at no feature, from the truth of the training rows, shape (rows,)."""
        ...

    def scores(self, predictions: Predictions) -> np.ndarray | None:
        """How unlike the truth each answer is, shape (rows,), for intervals; None where the answers do not tell."""
        ...

    def beside(self, ours: Predictions, theirs: Any) -> tuple[Predictions, Predictions]:
        """Both versions' predictions, to be measured alike, from the answers of another one; or ValueError."""
        ...

    def resampler(self, predictions: Predictions) -> Resampler: ...

    def binned(self, predictions: Predictions) -> BinnedResampler:
        """The same of many rows, whose figures are each drawn by themselves."""
        ...

    def details(self, predictions: Predictions, draws: Sequence[Any]) -> AnyDetails:
        """What stands beside the metrics, with intervals from the draws."""
        ...


ASSESSORS: dict[str, Assessor] = {"classification": ClassificationAssessor(), "regression": RegressionAssessor()}


def assessor_of(estimator: Any) -> Assessor:
    """The assessor of an estimator's task.

    Raises:
        DataInvalid: it has none that is known.
    """
    for assessor in ASSESSORS.values():
        if assessor.assesses(estimator):
            return assessor
    known = " nor ".join(assessor.estimators for assessor in ASSESSORS.values())
    raise DataInvalid(f"{type(estimator).__name__} is no {known}")
