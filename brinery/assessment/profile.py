"""The profile: what training saw of each feature, and what the model answered, in bins and counts."""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from brinery.assessment.columns.arrays import columns_of
from brinery.monitoring.sketch import (
    Bins,
    Column,
    Profile,
    Values,
    counted,
    counted_texts,
    counted_truths,
    labels_of,
    lengths,
)
from brinery.rows.feature import Feature
from brinery.tasks.task import AnyAnswers, AnyTask

BINS = 20
SAMPLE = 100_000  # values that the ranges are taken from


def make_profile(rows: np.ndarray, features: Sequence[Feature], task: AnyTask, answers: AnyAnswers) -> bytes:
    """The contents of profile.json.

    Args:
        rows: what the model was fitted on, shape (rows, features), as `columns.arrays.to_array` makes it.
        answers: to the held-out rows.
    """
    columns = {
        feature.name: _column(column, feature) for column, feature in zip(columns_of(rows), features, strict=True)
    }
    profile = Profile(rows=len(rows), features=columns, answers=_answers(task, answers))
    return (profile.model_dump_json() + "\n").encode()


def _answers(task: AnyTask, answers: AnyAnswers) -> Column:
    labels = labels_of(task)
    if labels is None:
        return _bins(np.asarray(answers.predicted, dtype=np.float64))
    return Values(values=labels, counts=(*np.bincount(answers.indices, minlength=len(labels)).tolist(), 0, 0))


def _column(column: np.ndarray, feature: Feature) -> Column:
    if feature.kind == "category":
        known = tuple(feature.categories or ())
        return Values(values=known, counts=tuple(counted_texts(column, known)))
    if feature.kind == "text":
        return _bins(lengths(column))
    values = np.ascontiguousarray(column, dtype=np.float64)
    if feature.kind == "boolean":
        return Values(values=("false", "true"), counts=tuple(counted_truths(values)))
    return _bins(values)


def _bins(values: np.ndarray) -> Bins:
    """Some twenty ranges of about as many values each; of few different values each has a range of its own.

    The first and the last are below and above all values, and so have none.
    """
    missing = int(np.count_nonzero(np.isnan(values)))
    if missing == len(values):
        return Bins(edges=(), centers=(0.0,), counts=(0, missing), mean=0.0, deviation=0.0)
    present = values[~np.isnan(values)] if missing else values
    low, high = float(present.min()), float(present.max())
    scale = max(abs(low), abs(high)) or 1.0  # so that no sum overflows
    sample = np.sort(present[:: len(present) // SAMPLE + 1])
    below = math.nextafter(low, -math.inf)
    scaled = present / scale
    edges = np.unique([below if math.isfinite(below) else low, *_marks(sample), high])
    begins = np.searchsorted(sample, edges, side="right")
    centers = [
        float((sample[begin:end] / scale).mean() * scale) if end > begin else high for begin, end in pairwise(begins)
    ]
    return Bins(
        edges=tuple(edges.tolist()),
        centers=(low, *centers, high),
        counts=tuple(counted(values, edges.tolist())),
        mean=float(scaled.mean() * scale),
        deviation=float(scaled.std() * scale),
    )


def _marks(sample: np.ndarray) -> np.ndarray:
    """Values of a sample in order that end the ranges."""
    different = sample[np.concatenate(([True], sample[1:] != sample[:-1]))]
    ranks = np.ceil(len(sample) * np.arange(1, BINS) / BINS).astype(np.intp) - 1
    return sample[ranks] if len(different) > BINS else different
