"""What assessing a classifier asks of its predictions, beyond what every task is asked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from sklearn.base import is_classifier

from brinery.assessment.binned import BinnedMean
from brinery.assessment.columns.labels import notes_on_labels
from brinery.assessment.columns.leaks import suspicions
from brinery.assessment.columns.target import as_labels, encode_target
from brinery.assessment.faithful.ties import open_ties, score_ties
from brinery.assessment.largest import labels_of
from brinery.assessment.note import Note
from brinery.assessment.predictions import Predictions, percentiles
from brinery.errors import DataInvalid
from brinery.rows.feature import Feature
from brinery.tasks.classification import (
    Answers,
    CalibrationBin,
    Classification,
    ClassificationDetails,
    ClassMetrics,
    label_text,
)

AVERAGED = 4  # classes, of the most frequent
MAX_CONFUSION = 100
CALIBRATION_BINS = 10


@dataclass(frozen=True)
class ClassificationAssessor:
    """See `brinery.assessment.assessor.Assessor`; the second of two classes is answered from `threshold` on, if any."""

    threshold: float | None = None
    kind: ClassVar[str] = "classification"
    estimators: ClassVar[str] = "classifier"

    def assesses(self, estimator: Any) -> bool:
        return bool(is_classifier(estimator))

    def target(self, target: pd.Series, source: str) -> np.ndarray:
        return encode_target(target, source)

    def truth(self, target: pd.Series, source: str, classes: Sequence[Any] | None) -> np.ndarray:
        labels, classes = as_labels(target, source), list(classes or ())
        for label in np.unique(labels).tolist():
            if label not in classes:
                known = ", ".join(map(repr, classes[:20]))
                raise DataInvalid(f"{source} has the label {label!r}, which is none of the model's classes {known}")
        return labels

    def notes(self, target: pd.Series, array: np.ndarray, features: Sequence[Feature], truth: np.ndarray) -> list[Note]:
        return [*map(Note, notes_on_labels(target)), *suspicions(array, features, truth)]

    def check(self, fitted: Any) -> None:
        self.task(fitted)

    def task(self, fitted: Any, truth: np.ndarray | None = None) -> Classification:
        classes = fitted.classes_.tolist()
        fractions = [label for label in classes if isinstance(label, float) and not label.is_integer()]
        if fractions:
            raise DataInvalid(
                f"the model's class {fractions[0]} is a fraction; a class is a whole number, a text or a boolean"
            )
        known = tuple(int(each) if isinstance(each, float) else each for each in classes)
        return Classification(classes=known, threshold=self.threshold)

    def answers(self, fitted: Any, array: np.ndarray) -> Answers:
        probabilities = fitted.predict_proba(array) if hasattr(fitted, "predict_proba") else None
        by_threshold = self.threshold is not None and probabilities is not None
        return self.task(fitted).answers(
            None if by_threshold else labels_of(fitted, array, probabilities), probabilities
        )

    def ties(self, fitted: Any, array: np.ndarray, answers: Answers) -> tuple[np.ndarray, np.ndarray]:
        return score_ties(fitted, array, answers, self.threshold), open_ties(fitted, array)

    def golden_rows(self, answers: Answers, count: int) -> list[int]:
        """The first row of each class that was answered, and then the first of all."""
        firsts = [int(np.flatnonzero(answers.labels == label)[0]) for label in np.unique(answers.labels)]
        return list(dict.fromkeys([*firsts[:count], *range(len(answers))]))[:count]

    def score(self, answers: Answers, truth: np.ndarray) -> float:
        """Accuracy, of which permutation importance says how much is lost."""
        return float((answers.labels == truth).mean())

    def averaged(self, answers: Answers, truth: np.ndarray) -> Mapping[str, np.ndarray]:
        """The probability of the second of two classes, or of each of the most frequent; without probabilities whether
        it is the answer.
        """
        counts = np.bincount(np.searchsorted(answers.classes, truth), minlength=len(answers.classes))
        frequent = [1] if len(counts) == 2 else np.sort(np.argsort(-counts, kind="stable")[:AVERAGED]).tolist()
        probabilities = answers.probabilities
        return {
            label_text(answers.classes[k]): (answers.indices == k).astype(np.float64)
            if probabilities is None
            else probabilities[:, k]
            for k in frequent
        }

    def baselines(self, predictions: Predictions, train_y: np.ndarray) -> Sequence[Predictions]:
        """The model that always answers the most frequent class, with the classes' shares as probabilities."""
        classes = predictions.classes
        shares = np.bincount(np.searchsorted(classes, train_y), minlength=len(classes))
        rows = len(predictions.truth)
        probabilities = None if predictions.probabilities is None else np.tile(shares / shares.sum(), (rows, 1))
        always = Answers(classes, probabilities, given_indices=np.repeat(shares.argmax(), rows))
        return [Predictions(predictions.truth, always)]

    def scores(self, predictions: Predictions) -> np.ndarray | None:
        """What the true class's probability lacks to 1."""
        if predictions.probabilities is None:
            return None
        return 1 - predictions.probabilities[np.arange(len(predictions.truth)), predictions.truth_indices]

    def beside(self, ours: Predictions, theirs: Answers) -> tuple[Predictions, Predictions]:
        """The predictions of both versions, over the classes of both together.

        Where one does not know a class, its probability is 0.

        Raises:
            ValueError: the classes are of two types.
        """
        if theirs.classes.dtype.kind != ours.classes.dtype.kind:
            known, other = ours.classes.tolist()[:5], theirs.classes.tolist()[:5]
            raise ValueError(f"its classes are {other}, those of the data {known}")
        union = np.union1d(ours.classes, theirs.classes)
        return _over(union, ours.truth, ours.answers), _over(union, ours.truth, theirs)

    def resampler(self, predictions: Predictions) -> "Resampler":
        return Resampler(predictions)

    def binned(self, predictions: Predictions) -> "BinnedResampler":
        return BinnedResampler(predictions)

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
            calibration=_calibration(predictions.answers, truth == answered),
        )


def _over(union: np.ndarray, truth: np.ndarray, answers: Answers) -> Predictions:
    """Predictions over more classes than the answers have, shape (classes,)."""
    probabilities = None
    if answers.probabilities is not None:
        probabilities = np.zeros((len(answers), len(union)))
        probabilities[:, np.searchsorted(union, answers.classes)] = answers.probabilities
        probabilities /= probabilities.sum(axis=1, keepdims=True)  # ONNX gives single precision
    return Predictions(truth, Answers(union, probabilities, given_labels=answers.labels))


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


class BinnedResampler:
    """Draws of many rows: sums by class from the counts of each truth and answer, and means from those of bins."""

    def __init__(self, predictions: Predictions) -> None:
        truth, answered, classes = predictions.truth_indices, predictions.answers.indices, len(predictions.classes)
        counts = np.bincount(truth * classes + answered, minlength=classes**2)
        cells = np.flatnonzero(counts)
        self._rows, self._shares, self._classes = len(truth), counts[cells] / len(truth), classes
        self._truth, self._answered = cells // classes, cells % classes
        probabilities = predictions.probabilities
        self._loss = self._area = None
        if probabilities is not None:
            self._loss = BinnedMean(log_losses(probabilities, truth))
            self._area = BinnedMean(np.mean([curve.shares for curve in curves(probabilities, truth)], axis=0))

    def draw(self, random: np.random.Generator) -> Draw:
        """The draw of as many rows."""
        drawn = random.multinomial(self._rows, self._shares)
        sums = _sums(self._truth, self._answered, self._classes, drawn)
        if self._loss is None or self._area is None:
            return Draw(*sums)
        return Draw(*sums, self._loss.draw(random), float(np.clip(self._area.draw(random), 0, 1)))


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

    @property
    def shares(self) -> np.ndarray:
        """What each row adds to the area, which is their mean, shape (rows,): the area, and as much as that moves where
        the row is drawn once more. NaN where one side has no row.

        Source: the placements of DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988).
        """
        rows, sizes = len(self.order), np.diff(self.starts, append=len(self.order))
        positives = np.add.reduceat(self.positive, self.starts)
        negatives = sizes - positives
        ones, others = positives.sum(), negatives.sum()
        if not ones or not others:
            return np.full(rows, np.nan)
        below = (np.cumsum(negatives) - negatives / 2) / others
        above = 1 - (np.cumsum(positives) - positives / 2) / ones
        area = float(positives @ below / ones)
        of_ones, of_others = ((each - area) * (rows / count) for each, count in ((below, ones), (above, others)))
        found = np.empty(rows)
        found[self.order] = area + np.where(self.positive > 0, np.repeat(of_ones, sizes), np.repeat(of_others, sizes))
        return found


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


def sureness(answers: Answers) -> np.ndarray | None:
    """The probability of what each row was answered with, shape (rows,); None where there are no probabilities."""
    if answers.probabilities is None:
        return None
    return np.asarray(answers.probabilities[np.arange(len(answers)), answers.indices])


def _calibration(answers: Answers, right: np.ndarray) -> tuple[CalibrationBin, ...] | None:
    """At most ten bins of about as many rows each; rows of one probability share a bin."""
    sure = sureness(answers)
    if sure is None or not len(sure):
        return None
    marks = np.sort(sure)[np.linspace(0, len(sure), CALIBRATION_BINS, endpoint=False).astype(np.intp)]
    edges = np.unique(marks)
    edges[0] = 0.0
    places = np.searchsorted(edges, sure, side="right") - 1
    rows, hits = (np.bincount(places, weights, len(edges)).astype(int) for weights in (None, right.astype(float)))
    return tuple(
        CalibrationBin(least=float(np.clip(least, 0, 1)), rows=int(count), right=int(hit))
        for least, count, hit in zip(edges, rows, hits, strict=True)
    )


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
