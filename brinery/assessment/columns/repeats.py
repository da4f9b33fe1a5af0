"""Repeats: rows that are there more than once, so that a model is asked what it was told."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from brinery.assessment.note import Note
from brinery.rows.feature import Feature

ODD = np.uint64(0x9E3779B97F4A7C15)  # so that columns that change their places give another digest


def notes_on_repeats(
    features: Sequence[Feature], train_x: np.ndarray, train_y: np.ndarray, test_x: np.ndarray, test_y: np.ndarray
) -> list[Note]:
    """A sentence about held-out rows that stand in the training part too, by content; none where there are none.

    Args:
        train_x, test_x: shape (rows, features), as `to_array` makes them.
        train_y, test_y: the truth of the rows, shape (rows,).
    """
    train, test = _digests(features, train_x), _digests(features, test_x)
    known = np.isin(test, train)
    same = np.isin(_with_truth(test, test_y), _with_truth(train, train_y))
    return _sentence(
        len(test),
        int(same.sum()),
        int((known & ~same).sum()),
        "held-out rows",
        "stand in the training part too, with the same features and target; "
        "where those are copies, the metrics look better than they are",
        "the features of a training row and another target",
    )


def notes_on_repeats_in_folds(features: Sequence[Feature], x: np.ndarray, y: np.ndarray) -> list[Note]:
    """As `notes_on_repeats`, of rows that are held out in turn."""
    digests = _digests(features, x)
    known, same = _are_twice(digests), _are_twice(_with_truth(digests, y))
    return _sentence(
        len(digests),
        int(same.sum()),
        int((known & ~same).sum()),
        "rows",
        "are there more than once, with the same features and target, and may stand in several folds; "
        "where those are copies, the metrics look better than they are",
        "the features of another row and another target",
    )


def _sentence(rows: int, same: int, other: int, what: str, stand: str, have: str) -> list[Note]:
    """What is to be said of rows that are the same as others, and of those that have another target."""
    if same:
        also = f"; {other:,} more have {have}" if other else ""
        return [Note(f"{same:,} of {rows:,} {what} ({same / rows:.1%}) {stand}{also}", "metrics")]
    return [Note(f"{other:,} of {rows:,} {what} ({other / rows:.1%}) have {have}", "metrics")] if other else []


def _digests(features: Sequence[Feature], array: np.ndarray) -> np.ndarray:
    """64 bits for each row, shape (rows,), the same for the same features: a column at a time, as memory is short."""
    digests = np.zeros(len(array), dtype=np.uint64)
    for j, feature in enumerate(features):
        column = array[:, j] if feature.of_texts else np.asarray(array[:, j], dtype=np.float64)
        digests = digests * ODD + pd.util.hash_array(column)
    return digests


def _with_truth(digests: np.ndarray, truth: np.ndarray) -> np.ndarray:
    values = truth.astype(object) if truth.dtype.kind == "U" else truth
    return np.asarray(digests * ODD + pd.util.hash_array(values))


def _are_twice(digests: np.ndarray) -> np.ndarray:
    _, places, counts = np.unique(digests, return_inverse=True, return_counts=True)
    return np.asarray(counts[places] > 1)
