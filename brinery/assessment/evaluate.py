"""Metrics on rows that the model was not fitted on, their intervals, and the baseline beside them."""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from sklearn import metrics
from sklearn.inspection import permutation_importance
from sklearn.pipeline import Pipeline

from brinery.rows.feature import Feature
from brinery.versions.manifest import ClassMetrics, Evaluation, Interval, PromotedMetrics

MAX_CONFUSION = 100
RESAMPLES = (100, 1000)
RESAMPLED_SCORES = 5e7  # rows × classes × resamples: a few seconds
IMPORTANCE_ROWS = (100, 1000)
IMPORTANCE_REPEATS = 5
IMPORTANCE_ANSWERS = 100_000  # rows × features × repeats: a second or two


@dataclass(frozen=True)
class Predictions:
    """A model's answers to rows it was not fitted on.

    `truth` and `labels` have shape (rows,); `probabilities` has shape (rows, classes), in the order of `classes`,
    and is None where the model gives none.
    """

    truth: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray | None
    classes: np.ndarray


@dataclass(frozen=True)
class Importance:
    """Permutation importance of one feature: how much accuracy is lost when its column is shuffled among `rows`."""

    feature: str
    mean: float
    deviation: float
    rows: int


def measure(predictions: Predictions) -> dict[str, float]:
    """The metrics of scikit-learn by their names in models.json; ROC AUC is one-vs-rest, macro-averaged.

    Without probabilities, ROC AUC and log loss are absent; ROC AUC also where a class has no row.
    """
    truth, labels, probabilities, classes = (
        predictions.truth,
        predictions.labels,
        predictions.probabilities,
        predictions.classes,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a class without a row counts as nothing, here as below
        found = {
            "accuracy": metrics.accuracy_score(truth, labels),
            "balanced_accuracy": metrics.balanced_accuracy_score(truth, labels),
            "macro_f1": metrics.f1_score(truth, labels, average="macro", zero_division=0.0),
        }
    if probabilities is not None:
        if len(np.unique(truth)) == len(classes):
            binary = len(classes) == 2
            scores = probabilities[:, 1] if binary else probabilities
            found["roc_auc"] = metrics.roc_auc_score(
                truth, scores, multi_class="ovr", labels=None if binary else classes
            )
        found["log_loss"] = metrics.log_loss(truth, probabilities, labels=classes)
    return {name: float(value) for name, value in found.items()}


def evaluate(
    predictions: Predictions,
    train_y: np.ndarray,
    random_state: int,
    folds: int | None = None,
    promoted: PromotedMetrics | None = None,
    not_compared: str = "",
) -> Evaluation:
    """What stands beside the metrics: 95 % intervals, the majority baseline, and each class for itself.

    Args:
        train_y: the labels that the model was fitted on, shape (rows,); the baseline knows no more.
        random_state: seed of the bootstrap.
        folds: of the cross-validation that the predictions come from, or None for held-out rows.
    """
    classes = predictions.classes
    truth, answered = (np.searchsorted(classes, labels) for labels in (predictions.truth, predictions.labels))
    confusion = _confusion(truth, answered, len(classes))
    intervals, by_class = _intervals(predictions, truth, answered, random_state)
    precision, recall, _ = _by_class(confusion)
    return Evaluation(
        folds=folds,
        intervals=intervals,
        baseline=measure(_majority(predictions, train_y)),
        classes=tuple(
            ClassMetrics(
                precision=precision[k],
                precision_interval=by_class[0][k],
                recall=recall[k],
                recall_interval=by_class[1][k],
                support=int(confusion[k].sum()),
            )
            for k in range(len(classes))
        ),
        confusion=tuple(map(tuple, confusion.astype(int).tolist())) if len(classes) <= MAX_CONFUSION else None,
        promoted=promoted,
        not_compared=not_compared or None,
    )


def importances(
    fitted: Pipeline,
    predict: Callable[[np.ndarray], np.ndarray],
    array: np.ndarray,
    truth: np.ndarray,
    features: tuple[Feature, ...],
    random_state: int,
) -> tuple[Importance, ...]:
    """Permutation importance by accuracy, on at most 1,000 of the rows (fewer of many features), the largest first.

    Args:
        predict: the fitted model by its faster format, from rows, shape (rows, features), to labels, shape (rows,).
    """
    most = int(np.clip(IMPORTANCE_ANSWERS / (len(features) * IMPORTANCE_REPEATS), *IMPORTANCE_ROWS))
    picked = np.random.default_rng(random_state).permutation(len(array))[:most]
    found = permutation_importance(
        fitted,
        array[picked],
        truth[picked],
        scoring=lambda _, x, y: float((predict(x) == y).mean()),
        n_repeats=IMPORTANCE_REPEATS,
        random_state=random_state,
        n_jobs=1,
    )
    return tuple(
        Importance(features[j].name, float(found.importances_mean[j]), float(found.importances_std[j]), len(picked))
        for j in np.argsort(-found.importances_mean, kind="stable")
    )


def _majority(predictions: Predictions, train_y: np.ndarray) -> Predictions:
    """The model that always answers the most frequent class, with the classes' shares as probabilities."""
    shares = np.bincount(np.searchsorted(predictions.classes, train_y), minlength=len(predictions.classes))
    rows = len(predictions.truth)
    return Predictions(
        predictions.truth,
        np.repeat(predictions.classes[shares.argmax()], rows),
        None if predictions.probabilities is None else np.tile(shares / shares.sum(), (rows, 1)),
        predictions.classes,
    )


def _intervals(
    predictions: Predictions, truth: np.ndarray, answered: np.ndarray, random_state: int
) -> tuple[dict[str, Interval], list[list[Interval]]]:
    """Percentile bootstrap over rows: of each metric by name, and of precision and recall by class."""
    rows, count = len(truth), len(predictions.classes)
    resamples = int(np.clip(RESAMPLED_SCORES / (rows * count), *RESAMPLES))
    random = np.random.default_rng(random_state)
    losses = None if predictions.probabilities is None else _log_losses(predictions.probabilities, truth)
    curves = [] if predictions.probabilities is None else list(_curves(predictions.probabilities, truth))
    drawn: dict[str, list[float]] = {}
    per_class = np.zeros((2, resamples, count))
    for i in range(resamples):
        weights = np.bincount(random.integers(0, rows, rows), minlength=rows).astype(np.float64)
        confusion = _confusion(truth, answered, count, weights)
        precision, recall, f1 = _by_class(confusion)
        per_class[:, i] = precision, recall
        seen = confusion.sum(axis=1) > 0
        named = seen | (confusion.sum(axis=0) > 0)
        values = {
            "accuracy": np.trace(confusion) / rows,
            "balanced_accuracy": recall[seen].mean(),
            "macro_f1": f1[named].mean(),
        }
        if losses is not None:
            values["log_loss"] = losses @ weights / rows
            values["roc_auc"] = np.mean([curve.area(weights) for curve in curves])
        for name, value in values.items():
            drawn.setdefault(name, []).append(float(value))
    found = {name: _percentiles(np.array(values)) for name, values in drawn.items()}
    return (
        {name: interval for name, interval in found.items() if np.isfinite(interval).all()},
        [[_percentiles(per_class[side, :, k]) for k in range(count)] for side in (0, 1)],
    )


@dataclass(frozen=True)
class _Curve:
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


def _curves(probabilities: np.ndarray, truth: np.ndarray) -> Iterator[_Curve]:
    count = probabilities.shape[1]
    for k in range(1, count) if count == 2 else range(count):
        order = np.argsort(probabilities[:, k], kind="stable")
        scores = probabilities[order, k]
        starts = np.flatnonzero(np.r_[True, scores[1:] != scores[:-1]])
        yield _Curve(order, (truth[order] == k).astype(np.float64), starts)


def _log_losses(probabilities: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Each row's part of the log loss, clipped as scikit-learn does."""
    tiny = np.finfo(probabilities.dtype).eps
    shares = probabilities / probabilities.sum(axis=1, keepdims=True)
    return np.asarray(-np.log(np.clip(shares[np.arange(len(truth)), truth], tiny, 1 - tiny)))


def _confusion(truth: np.ndarray, answered: np.ndarray, count: int, weights: np.ndarray | None = None) -> np.ndarray:
    counts: np.ndarray = np.bincount(truth * count + answered, weights, minlength=count * count)
    return np.asarray(np.reshape(counts, (count, count)))


def _by_class(confusion: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precision, recall and F1 by class; 0 where there is nothing to divide by."""
    hits, rows, answers = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)

    def share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
        return np.asarray(np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0))

    return share(hits, answers), share(hits, rows), share(2 * hits, rows + answers)


def _percentiles(values: np.ndarray) -> Interval:
    if np.isnan(values).all():
        return float("nan"), float("nan")
    low, high = np.nanpercentile(values, (2.5, 97.5))
    return float(low), float(high)
