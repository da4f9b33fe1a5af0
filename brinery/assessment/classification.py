"""What assessing a classifier asks of its predictions, beyond what every task is asked."""

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import is_classifier

from brinery.assessment.columns.labels import notes_on_labels
from brinery.assessment.columns.leaks import suspicions
from brinery.assessment.columns.target import as_labels, encode_target
from brinery.assessment.predictions import Predictions, percentiles
from brinery.errors import DataInvalid
from brinery.rows.feature import Feature
from brinery.tasks.classification import Answers, Classification, ClassificationDetails, ClassMetrics

MAX_CONFUSION = 100
TIE = 1e-9  # of scores: far above what rounding in double precision does to them, far below what a difference is


class ClassificationAssessor:
    """See `brinery.assessment.assessor.Assessor`."""

    kind = "classification"
    estimators = "classifier"

    def assesses(self, estimator: Any) -> bool:
        return bool(is_classifier(estimator))

    def target(self, target: pd.Series, source: str) -> np.ndarray:
        return encode_target(target, source)

    def truth(self, target: pd.Series, source: str, fitted: Any) -> np.ndarray:
        labels, classes = as_labels(target, source), fitted.classes_.tolist()
        for label in np.unique(labels).tolist():
            if label not in classes:
                known = ", ".join(map(repr, classes[:20]))
                raise DataInvalid(f"{source} has the label {label!r}, which is none of the model's classes {known}")
        return labels

    def notes(self, target: pd.Series, array: np.ndarray, features: Sequence[Feature], truth: np.ndarray) -> list[str]:
        return [*notes_on_labels(target), *suspicions(array, features, truth)]

    def task(self, fitted: Any) -> Classification:
        classes = fitted.classes_.tolist()
        fractions = [label for label in classes if isinstance(label, float) and not label.is_integer()]
        if fractions:
            raise DataInvalid(
                f"the model's class {fractions[0]} is a fraction; a class is a whole number, a text or a boolean"
            )
        return Classification(classes=tuple(int(each) if isinstance(each, float) else each for each in classes))

    def answers(self, fitted: Any, array: np.ndarray) -> Answers:
        probabilities = fitted.predict_proba(array) if hasattr(fitted, "predict_proba") else None
        return self.task(fitted).answers(fitted.predict(array), probabilities)

    def ties(self, fitted: Any, array: np.ndarray, answers: Answers) -> tuple[np.ndarray, np.ndarray]:
        return _score_ties(fitted, array, answers), _neighbour_ties(fitted, array)

    def golden_rows(self, answers: Answers, count: int) -> list[int]:
        """The first row of each class that was answered, and then the first of all."""
        firsts = [int(np.flatnonzero(answers.labels == label)[0]) for label in np.unique(answers.labels)]
        return list(dict.fromkeys([*firsts[:count], *range(len(answers))]))[:count]

    def score(self, answers: Answers, truth: np.ndarray) -> float:
        """Accuracy, of which permutation importance says how much is lost."""
        return float((answers.labels == truth).mean())

    def baseline(self, predictions: Predictions, train_y: np.ndarray) -> Predictions:
        """The model that always answers the most frequent class, with the classes' shares as probabilities."""
        classes = predictions.classes
        shares = np.bincount(np.searchsorted(classes, train_y), minlength=len(classes))
        rows = len(predictions.truth)
        probabilities = None if predictions.probabilities is None else np.tile(shares / shares.sum(), (rows, 1))
        return Predictions(
            predictions.truth, Answers(classes, probabilities, given_indices=np.repeat(shares.argmax(), rows))
        )

    def beside(self, truth: np.ndarray, classes: np.ndarray, answers: Answers) -> Predictions:
        """The predictions of another version, over its classes and those of the data together.

        Where it does not know a class, its probability is 0.

        Raises:
            ValueError: its classes are of another type.
        """
        own = answers.classes
        if own.dtype.kind != classes.dtype.kind:
            raise ValueError(f"its classes are {own.tolist()[:5]}, those of the data {classes.tolist()[:5]}")
        union = np.union1d(classes, own)
        probabilities = None
        if answers.probabilities is not None:
            probabilities = np.zeros((len(answers), len(union)))
            probabilities[:, np.searchsorted(union, own)] = answers.probabilities
            probabilities /= probabilities.sum(axis=1, keepdims=True)  # ONNX gives single precision
        return Predictions(truth, Answers(union, probabilities, given_labels=answers.labels))

    def resampler(self, predictions: Predictions) -> "Resampler":
        return Resampler(predictions)

    def details(self, predictions: Predictions, draws: Sequence["Draw"]) -> ClassificationDetails:
        """Each class's precision and recall with their intervals, and the confusion matrix."""
        classes = predictions.classes
        truth, answered = predictions.truth_indices, predictions.answers.indices
        whole = Draw(*_sums(truth, answered, len(classes)))
        precision, recall = (
            [percentiles([getattr(draw, side)[k] for draw in draws]) for k in range(len(classes))]
            for side in ("precision", "recall")
        )
        return ClassificationDetails(
            classes=tuple(
                ClassMetrics(
                    precision=whole.precision[k],
                    precision_interval=precision[k],
                    recall=whole.recall[k],
                    recall_interval=recall[k],
                    support=int(whole.rows[k]),
                )
                for k in range(len(classes))
            ),
            confusion=_confusion(truth, answered, len(classes)) if len(classes) <= MAX_CONFUSION else None,
        )


@dataclass(frozen=True)
class Draw:
    """Weighted rows as sums by class, shape (classes,): those that were right, of the class, and answered with it."""

    hits: np.ndarray
    rows: np.ndarray
    answers: np.ndarray
    log_loss: float = float("nan")
    area: float = float("nan")  # mean of the areas under the classes' ROC curves

    @property
    def seen(self) -> np.ndarray:
        """Which classes have a row, shape (classes,)."""
        return np.asarray(self.rows > 0)

    @property
    def named(self) -> np.ndarray:
        """Which classes have a row or an answer, shape (classes,)."""
        return np.asarray(self.rows + self.answers > 0)

    @property
    def precision(self) -> np.ndarray:
        """By class, shape (classes,), as are the next two; 0 where there is nothing to divide by."""
        return _share(self.hits, self.answers)

    @property
    def recall(self) -> np.ndarray:
        return _share(self.hits, self.rows)

    @property
    def f1(self) -> np.ndarray:
        return _share(2 * self.hits, self.rows + self.answers)


class Resampler:
    """Draws of weighted rows from predictions; `width` says how much a draw computes a row."""

    def __init__(self, predictions: Predictions) -> None:
        self.width = len(predictions.classes)
        self._truth, self._answered = predictions.truth_indices, predictions.answers.indices
        probabilities = predictions.probabilities
        self._losses = None if probabilities is None else log_losses(probabilities, self._truth)
        self._curves = [] if probabilities is None else list(curves(probabilities, self._truth))

    def draw(self, weights: np.ndarray) -> Draw:
        """The draw that has each row as often as `weights`, shape (rows,), says."""
        sums = _sums(self._truth, self._answered, self.width, weights)
        if self._losses is None:
            return Draw(*sums)
        area = float(np.mean([curve.area(weights) for curve in self._curves]))
        return Draw(*sums, float(self._losses @ weights / len(weights)), area)


@dataclass(frozen=True)
class WeightedCurve:
    """One class against the rest, its rows sorted by score; rows of one score share a group."""

    order: np.ndarray
    positive: np.ndarray
    starts: np.ndarray

    def area(self, weights: np.ndarray) -> float:
        """Area under the ROC curve of weighted rows; NaN where one side has no weight."""
        sorted_weights = weights[self.order]
        positives = np.add.reduceat(sorted_weights * self.positive, self.starts)
        negatives = np.add.reduceat(sorted_weights, self.starts) - positives
        pairs = positives.sum() * negatives.sum()
        below = np.cumsum(negatives) - negatives / 2
        return float(positives @ below / pairs) if pairs else float("nan")


def curves(probabilities: np.ndarray, truth: np.ndarray) -> Iterator[WeightedCurve]:
    """The curve of each class, or of the second of two.

    Args:
        probabilities: shape (rows, classes).
        truth: positions of the classes, shape (rows,).
    """
    count = probabilities.shape[1]
    for k in range(1, count) if count == 2 else range(count):
        order = np.argsort(probabilities[:, k], kind="stable")
        scores = probabilities[order, k]
        starts = np.flatnonzero(np.r_[True, scores[1:] != scores[:-1]])
        yield WeightedCurve(order, (truth[order] == k).astype(np.float64), starts)


def log_losses(probabilities: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Each row's part of the log loss, shape (rows,), clipped as scikit-learn does; arguments as of `curves`."""
    tiny = np.finfo(probabilities.dtype).eps
    shares = probabilities / probabilities.sum(axis=1, keepdims=True)
    return np.asarray(-np.log(np.clip(shares[np.arange(len(truth)), truth], tiny, 1 - tiny)))


def _confusion(truth: np.ndarray, answered: np.ndarray, count: int) -> tuple[tuple[int, ...], ...]:
    counts: np.ndarray = np.bincount(truth * count + answered, minlength=count * count)
    return tuple(map(tuple, counts.reshape(count, count).tolist()))


def _sums(
    truth: np.ndarray, answered: np.ndarray, count: int, weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What a draw begins with; the arguments have shape (rows,), the sums (classes,)."""
    right = truth == answered
    hits = np.bincount(truth[right], None if weights is None else weights[right], minlength=count)
    rows, answers = (np.bincount(indices, weights, minlength=count) for indices in (truth, answered))
    return hits, rows, answers


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.asarray(np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0))


def _last_step(fitted: Any) -> tuple[Any, Callable[[np.ndarray], Any]]:
    """The estimator that answers, and what makes of rows what it is given."""
    *before, last = [step for _, step in getattr(fitted, "steps", [("model", fitted)])]
    return last, lambda array: reduce(lambda rows, step: step.transform(rows), before, array)


def _score_ties(fitted: Any, array: np.ndarray, answers: Answers) -> np.ndarray:
    """Rows whose two best scores are equal but for rounding in double precision: probabilities, votes or distances."""
    last, transformed = _last_step(fitted)
    scores = answers.probabilities
    if hasattr(last, "decision_function") and (scores is None or hasattr(last, "support_vectors_")):
        array = transformed(array)
        if hasattr(last, "support_vectors_"):  # the label is that of most votes, each by the sign of one decision
            last = copy(last)
            last.decision_function_shape = "ovo"
            decisions = np.atleast_2d(last.decision_function(array).T).T
            return np.asarray((np.abs(decisions) <= TIE * np.abs(decisions).max(initial=1.0)).any(axis=1))
        decisions = last.decision_function(array)
        scores = np.stack([-decisions, decisions], axis=1) if decisions.ndim == 1 else decisions
    if scores is None:
        return np.zeros(len(array), dtype=bool)
    best = np.sort(scores, axis=1)[:, -2:]
    return np.asarray(best[:, 1] - best[:, 0] <= TIE * np.maximum(1.0, np.abs(best[:, 1])))


def _neighbour_ties(fitted: Any, array: np.ndarray) -> np.ndarray:
    """Rows whose last neighbour that votes is as far away as the first that does not."""
    last, transformed = _last_step(fitted)
    if not hasattr(last, "kneighbors") or last.n_neighbors >= last.n_samples_fit_:
        return np.zeros(len(array), dtype=bool)
    distances = last.kneighbors(transformed(array), last.n_neighbors + 1)[0]
    nearest, next_one = distances[:, -2], distances[:, -1]
    return np.asarray(next_one - nearest <= 1e-7 * np.maximum(1e-30, next_one))
