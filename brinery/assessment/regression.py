"""What assessing a regressor asks of its predictions, beyond what every task is asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import is_regressor

from brinery.assessment.binned import BinnedMean, draw_median
from brinery.assessment.columns.leaks import suspicions_of_numbers
from brinery.assessment.columns.target import as_numbers, encode_numbers
from brinery.assessment.faithful.ties import open_ties
from brinery.assessment.note import Note
from brinery.assessment.predictions import Predictions, percentiles
from brinery.rows.feature import Feature
from brinery.tasks.regression import QUANTILES, Estimates, Regression, RegressionDetails


class RegressionAssessor:
    """See `brinery.assessment.assessor.Assessor`."""

    kind = "regression"
    estimators = "regressor"

    def assesses(self, estimator: Any) -> bool:
        return bool(is_regressor(estimator))

    def target(self, target: pd.Series, source: str) -> np.ndarray:
        return encode_numbers(target, source)

    def truth(self, target: pd.Series, source: str, classes: Sequence[Any] | None) -> np.ndarray:
        return as_numbers(target, source)

    def notes(self, target: pd.Series, array: np.ndarray, features: Sequence[Feature], truth: np.ndarray) -> list[Note]:
        values = np.unique(truth)
        few = (
            [Note(f'the target "{target.name}" has two values alone; a classifier may be meant')]
            if len(values) == 2
            else []
        )
        return [*few, *suspicions_of_numbers(array, features, truth)]

    def check(self, fitted: Any) -> None:
        """Nothing: every number can be sent."""

    def task(self, fitted: Any, truth: np.ndarray) -> Regression:
        return Regression(mean=float(truth.mean()), deviation=float(truth.std()) or 1.0)

    def answers(self, fitted: Any, array: np.ndarray) -> Estimates:
        return Estimates(np.asarray(fitted.predict(array), dtype=np.float64).reshape(len(array)))

    def ties(self, fitted: Any, array: np.ndarray, answers: Estimates) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(len(array), dtype=bool), open_ties(fitted, array)

    def golden_rows(self, answers: Estimates, count: int) -> list[int]:
        """From the least answer to the largest, at equal distances in their order."""
        order = np.argsort(answers.values, kind="stable")
        picked = np.unique(np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(np.intp))
        return list(map(int, np.sort(order[picked])))

    def score(self, answers: Estimates, truth: np.ndarray) -> float:
        """R², of which permutation importance says how much is lost; 0 where all rows have one value."""
        spread = float(((truth - truth.mean()) ** 2).sum())
        return 1 - float(((truth - answers.values) ** 2).sum()) / spread if spread else 0.0

    def averaged(self, answers: Estimates, truth: np.ndarray) -> Mapping[str, np.ndarray]:
        return {"answer": answers.values}

    def baselines(self, predictions: Predictions, train_y: np.ndarray) -> Sequence[Predictions]:
        """The models that always answer the mean, and the median."""
        rows = len(predictions.truth)
        return [
            Predictions(predictions.truth, Estimates(np.full(rows, float(value))))
            for value in (train_y.mean(), np.median(train_y))
        ]

    def scores(self, predictions: Predictions) -> np.ndarray:
        """The size of the error."""
        errors: np.ndarray = predictions.predicted - predictions.truth
        return np.abs(errors)

    def beside(self, ours: Predictions, theirs: Estimates) -> tuple[Predictions, Predictions]:
        return ours, Predictions(ours.truth, theirs)

    def resampler(self, predictions: Predictions) -> "Resampler":
        return Resampler(predictions)

    def binned(self, predictions: Predictions) -> "BinnedResampler":
        return BinnedResampler(predictions)

    def details(self, predictions: Predictions, draws: Sequence["Draw"]) -> RegressionDetails:
        """The mean of the errors with its interval, and how they are spread."""
        errors = predictions.predicted - predictions.truth
        return RegressionDetails(
            bias=float(errors.mean()),
            bias_interval=percentiles([draw.bias for draw in draws]),
            residuals=tuple(np.quantile(errors, QUANTILES).tolist()),
        )


@dataclass(frozen=True)
class Draw:
    """The metrics of weighted rows, by their names, and the mean error."""

    rmse: float
    mae: float
    median_absolute_error: float
    r2: float
    mape: float
    bias: float


class Resampler:
    """Draws of weighted rows from predictions; `width` says how much a draw computes a row."""

    width = 4

    def __init__(self, predictions: Predictions) -> None:
        truth = predictions.truth
        self._errors = predictions.predicted - truth
        sizes = np.abs(self._errors)
        self._order = np.argsort(sizes, kind="stable")
        self._sorted, self._sizes = sizes[self._order], sizes
        self._shift = truth - truth.mean()  # so that little cancels in the spread
        self._relative = sizes / truth if truth.min() > 0 else np.full(len(truth), np.nan)

    def draw(self, weights: np.ndarray) -> Draw:
        """The draw that has each row as often as `weights`, shape (rows,), says."""
        whole = weights.sum()
        squares = float(weights @ self._errors**2)
        spread = float(weights @ self._shift**2 - (weights @ self._shift) ** 2 / whole)
        return Draw(
            rmse=float(np.sqrt(squares / whole)),
            mae=float(weights @ self._sizes / whole),
            median_absolute_error=self._median(weights, whole),
            r2=1 - squares / spread if spread > 0 else float("nan"),
            mape=float(weights @ self._relative / whole),
            bias=float(weights @ self._errors / whole),
        )

    def _median(self, weights: np.ndarray, whole: float) -> float:
        """Of the sizes, each as often as its row was drawn; the mean of the two middle ones of an even number."""
        below = np.cumsum(weights[self._order])
        low, high = np.searchsorted(below, (whole / 2, whole / 2 + 0.5))  # whole numbers, so that 0.5 is half a row
        return float(self._sorted[low] + self._sorted[min(high, len(below) - 1)]) / 2


class BinnedResampler:
    """Draws of many rows, each figure by bins of what rows add to it."""

    def __init__(self, predictions: Predictions) -> None:
        truth = predictions.truth
        errors, shift = predictions.predicted - truth, truth - truth.mean()
        sizes, squares = np.abs(errors), errors**2
        square, spread = float(squares.mean()), float((shift**2).mean()) or float("nan")
        unexplained = square / spread
        self._sorted = np.sort(sizes)
        self._squares, self._sizes, self._errors = BinnedMean(squares), BinnedMean(sizes), BinnedMean(errors)
        # Of R², a ratio of means, what a row moves it by where it is drawn once more.
        self._explained = BinnedMean(1 - unexplained - (squares - unexplained * shift**2) / spread)
        self._relative = BinnedMean(sizes / truth if truth.min() > 0 else np.full(len(truth), np.nan))

    def draw(self, random: np.random.Generator) -> Draw:
        """The draw of as many rows."""
        return Draw(
            rmse=float(np.sqrt(self._squares.draw(random))),
            mae=self._sizes.draw(random),
            median_absolute_error=draw_median(self._sorted, random),
            r2=self._explained.draw(random),
            mape=self._relative.draw(random),
            bias=self._errors.draw(random),
        )
