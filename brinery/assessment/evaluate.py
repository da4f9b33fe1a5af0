"""Evaluation: metrics on rows that the model was not fitted on, their intervals, and the baseline beside them."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from brinery.assessment.assessor import Assessor, Resampler
from brinery.assessment.binned import MANY_ROWS
from brinery.assessment.binned import RESAMPLES as BINNED_RESAMPLES
from brinery.assessment.metrics.table import BY_TASK, METRICS
from brinery.assessment.note import Note
from brinery.assessment.predictions import Predictions, percentiles
from brinery.output.table import figure_text
from brinery.versions.manifest import Evaluation, Interval, ManifestContent, PromotedMetrics

FEW_ROWS = 20
RESAMPLES = (100, 1000)
RESAMPLED_SCORES = 5e7  # rows × width × resamples: a few seconds


def measure(assessor: Assessor, predictions: Predictions) -> dict[str, float]:
    """The task's metrics by name; those that the predictions cannot give are absent."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a class without a row counts as nothing
        found = {metric.name: metric.compute(predictions) for metric in BY_TASK[assessor.kind]}
    return {name: float(value) for name, value in found.items() if value is not None}


def evaluate(
    assessor: Assessor,
    predictions: Predictions,
    train_y: np.ndarray,
    random_state: int,
    folds: int | None = None,
    promoted: PromotedMetrics | None = None,
    not_compared: str = "",
) -> Evaluation:
    """What stands beside the metrics: 95 % intervals, the baseline, and the task's own details.

    Args:
        train_y: the truth that the model was fitted on, shape (rows,); the baseline knows no more.
        random_state: seed of the bootstrap.
        folds: of the cross-validation that the predictions come from, or None for held-out rows.
    """
    draws = resampled(assessor, predictions, random_state)
    return Evaluation(
        folds=folds,
        intervals=intervals_of(assessor, draws),
        baseline=_best([measure(assessor, each) for each in assessor.baselines(predictions, train_y)]),
        details=assessor.details(predictions, draws),
        promoted=promoted,
        not_compared=not_compared or None,
    )


def resampled(assessor: Assessor, predictions: Predictions, random_state: int, most: int = RESAMPLES[1]) -> list[Any]:
    """Draws of a percentile bootstrap over rows, at most so many; of many rows by bins, where figures are apart."""
    rows, random = len(predictions.truth), np.random.default_rng(random_state)
    if rows > MANY_ROWS:
        binned = assessor.binned(predictions)
        return [binned.draw(random) for _ in range(min(most, BINNED_RESAMPLES))]
    return _draws(assessor.resampler(predictions), rows, random, most)


def intervals_of(assessor: Assessor, draws: Sequence[Any]) -> dict[str, Interval]:
    """The task's metrics' 95 % intervals by name, those that can be told."""
    found = {metric.name: percentiles([metric.resample(draw) for draw in draws]) for metric in BY_TASK[assessor.kind]}
    return {name: interval for name, interval in found.items() if np.isfinite(interval).all()}


def main_metric(manifest: ManifestContent) -> str:
    """The first of the task's metrics, which every model has."""
    return BY_TASK[manifest.task.kind][0].name


def beats_baseline(manifest: ManifestContent) -> bool:
    """Whether the main metric is better than that of the model that looks at no feature."""
    name = main_metric(manifest)
    return not METRICS[name].no_worse(manifest.evaluation.baseline[name], manifest.metrics[name])


def notes_on_figures(manifest: ManifestContent) -> list[Note]:
    """Sentences about figures of few rows, and about a model that does not beat its baseline."""
    rows = manifest.data.test_rows
    few = [Note(f"{rows} rows are held out; figures of so few say little", "metrics")] if rows < FEW_ROWS else []
    if beats_baseline(manifest):
        return few
    name = main_metric(manifest)
    value, baseline = manifest.metrics[name], manifest.evaluation.baseline[name]
    shown, others = figure_text(value), figure_text(baseline)
    told = f"{name} is {shown}, no better than the {others} of the baseline, which looks at no feature"
    return [*few, Note(told, "metrics")]


def _best(found: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Each metric by the baseline that is best in it."""
    best = {"higher": max, "lower": min}
    return {name: best[METRICS[name].better](each[name] for each in found) for name in found[0]}


def _draws(resampler: Resampler, rows: int, random: np.random.Generator, most: int) -> list[Any]:
    count = int(np.clip(RESAMPLED_SCORES / (rows * resampler.width), RESAMPLES[0], most))
    resampled = (np.bincount(random.integers(0, rows, rows), minlength=rows) for _ in range(count))
    return [resampler.draw(weights.astype(np.float64)) for weights in resampled]
