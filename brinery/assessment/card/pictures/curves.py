"""Curves: what the held-out rows say of a model's probabilities, in few points."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import auc, roc_curve

from brinery.assessment.predictions import Predictions
from brinery.tasks.classification import label_text

POINTS = 200
BINS = 10
EACH_CLASS = 6
Z95 = 1.959964


@dataclass(frozen=True)
class Curve:
    """A ROC curve: true positive rate `y` over false positive rate `x`, both of shape (points,), and its area."""

    name: str
    x: np.ndarray
    y: np.ndarray
    area: float


@dataclass(frozen=True)
class Calibration:
    """Rows by their predicted probability, in bins of equal width that hold any rows.

    `predicted` is the mean probability, `observed` the share that came true, `low` and `high` its 95 % interval
    (Wilson's), all of shape (bins,); `counts` are rows in each of the 10 bins; `error` is the expected calibration
    error: the mean distance of the two, weighted by rows. `of` is the class whose probability it is, None for that
    of the answer.
    """

    predicted: np.ndarray
    observed: np.ndarray
    low: np.ndarray
    high: np.ndarray
    counts: tuple[int, ...]
    error: float
    of: str | None


def roc_curves(predictions: Predictions) -> tuple[Curve, ...]:
    """The curve of the second of two classes, of each of a few, or of many the macro-average, the best and the worst.

    A class that no held-out row has, or that all have, has no curve.
    """
    if len(predictions.classes) == 2:
        return tuple(_each_curve(predictions, [1]))
    curves = list(_each_curve(predictions, range(len(predictions.classes))))
    if len(curves) <= EACH_CLASS:
        return tuple(curves)
    grid = np.linspace(0, 1, POINTS)
    mean = np.mean([np.interp(grid, curve.x, curve.y) for curve in curves], axis=0)
    mean[0] = 0
    ranked = sorted(curves, key=lambda curve: curve.area)
    average = Curve(f"mean of {len(curves)} classes", grid, mean, float(np.mean([curve.area for curve in curves])))
    return average, ranked[-1], ranked[1], ranked[0]


def _each_curve(predictions: Predictions, positions: Iterable[int]) -> Iterator[Curve]:
    scores = predictions.probabilities
    if scores is None:
        return
    truth = np.searchsorted(predictions.classes, predictions.truth)
    support = np.bincount(truth, minlength=len(predictions.classes))
    for j in positions:
        if 0 < support[j] < len(truth):
            x, y, _ = roc_curve(truth == j, scores[:, j], drop_intermediate=False)
            kept = _thinned(x, y)
            yield Curve(label_text(predictions.classes[j]), x[kept], y[kept], float(auc(x, y)))


def _thinned(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Positions of at most POINTS points, equally far apart along the curve, both ends among them."""
    if len(x) <= POINTS:
        return np.arange(len(x))
    along = np.concatenate([[0], np.cumsum(np.diff(x) + np.diff(y))])
    return np.unique(np.searchsorted(along, np.linspace(0, along[-1], POINTS)).clip(max=len(x) - 1))


def calibration(predictions: Predictions) -> Calibration | None:
    """Of the second of two classes, else of the answers; None without probabilities."""
    if predictions.probabilities is None:
        return None
    if len(predictions.classes) == 2:
        of, scores = label_text(predictions.classes[1]), predictions.probabilities[:, 1]
        hits = predictions.truth == predictions.classes[1]
    else:
        of, scores = None, predictions.probabilities.max(axis=1)
        hits = predictions.truth == predictions.classes[predictions.probabilities.argmax(axis=1)]
    bins = np.clip((scores * BINS).astype(np.intp), 0, BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    used = counts > 0
    rows = counts[used]
    predicted = np.bincount(bins, weights=scores, minlength=BINS)[used] / rows
    observed = np.bincount(bins, weights=hits, minlength=BINS)[used] / rows
    low, high = _wilson(observed, rows)
    error = float(np.sum(rows * np.abs(predicted - observed)) / rows.sum())
    return Calibration(predicted, observed, low, high, tuple(counts.tolist()), error, of)


def _wilson(share: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The 95 % interval of a share of so many rows."""
    middle = share + Z95**2 / (2 * rows)
    half = Z95 * np.sqrt(share * (1 - share) / rows + Z95**2 / (4 * rows**2))
    scale = 1 + Z95**2 / rows
    return (middle - half) / scale, (middle + half) / scale


def threshold_curves(predictions: Predictions) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Of two classes, precision and recall of the second and balanced accuracy, by the threshold it is answered from.

    Returns:
        Name, thresholds and values of each, shape (points,).
    """
    probabilities = predictions.probabilities
    if probabilities is None:
        return []
    truth, likely, grid = predictions.truth_indices == 1, probabilities[:, 1], np.linspace(0, 1, POINTS // 2 + 1)
    answered = likely >= grid[:, None]
    hits, of_class = (answered & truth).sum(axis=1), max(1, int(truth.sum()))
    named, others = answered.sum(axis=1), max(1, int((~truth).sum()))
    recall, precision = hits / of_class, np.divide(hits, named, out=np.ones(len(grid)), where=named > 0)
    balanced = (recall + ((~answered) & ~truth).sum(axis=1) / others) / 2
    return [("balanced accuracy", grid, balanced), ("precision", grid, precision), ("recall", grid, recall)]


def confused_pairs(predictions: Predictions, count: int = 10) -> list[tuple[str, str, int]]:
    """The pairs of classes most often taken for each other: the true class, the answer, and how many rows."""
    wrong = predictions.truth != predictions.labels
    truth = np.searchsorted(predictions.classes, predictions.truth[wrong])
    answer = np.searchsorted(predictions.classes, predictions.labels[wrong])
    pairs, rows = np.unique(truth * len(predictions.classes) + answer, return_counts=True)
    most = np.argsort(-rows, kind="stable")[:count]
    places = [(*divmod(int(pairs[k]), len(predictions.classes)), int(rows[k])) for k in most]
    names = predictions.classes
    return [(label_text(names[i]), label_text(names[j]), rows) for i, j, rows in places]
