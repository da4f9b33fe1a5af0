"""Repeats: rows that are there more than once, so that a model is asked what it was told."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from brinery.assessment.note import Note
from brinery.rows.feature import Feature

FIRST = 2  # columns
ODD = np.uint64(0x9E3779B97F4A7C15)  # so that columns that change their places give another digest


def notes_on_repeats(
    features: Sequence[Feature], train_x: np.ndarray, train_y: np.ndarray, test_x: np.ndarray, test_y: np.ndarray
) -> list[Note]:
    """A sentence about held-out rows that stand in the training part too, by content; none where there are none.

    Args:
        train_x, test_x: shape (rows, features), as `to_array` makes them.
        train_y, test_y: the truth of the rows, shape (rows,).
    """
    first, of_train, of_test = features[:FIRST], np.arange(len(train_x)), np.arange(len(test_x))
    for looked_at in (first, features):  # rows that differ in their first columns need no digest of all
        train, test = _digests(looked_at, train_x, of_train), _digests(looked_at, test_x, of_test)
        common = _are_in(test, train)
        of_test, test, kept = of_test[common], test[common], _are_in(train, test[common])
        of_train, train = of_train[kept], train[kept]
    same = _are_in(_with_truth(test, test_y[of_test]), _with_truth(train, train_y[of_train]))
    return _sentence(
        len(test_x),
        int(same.sum()),
        int((~same).sum()),
        "held-out rows",
        "stand in the training part too, with the same features and target; "
        "where those are copies, the metrics look better than they are",
        "the features of a training row and another target",
    )


def notes_on_repeats_in_folds(features: Sequence[Feature], x: np.ndarray, y: np.ndarray) -> list[Note]:
    """As `notes_on_repeats`, of rows that are held out in turn."""
    rows = np.arange(len(x))
    for looked_at in (features[:FIRST], features):
        digests = _digests(looked_at, x, rows)
        twice = _are_twice(digests)
        rows, digests = rows[twice], digests[twice]
    same = _are_twice(_with_truth(digests, y[rows]))
    return _sentence(
        len(x),
        int(same.sum()),
        int((~same).sum()),
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


def _digests(features: Sequence[Feature], array: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """64 bits for each of some rows, in the shape of their places, the same for the same in these, the array's first
    features: a column at a time, as memory is short.
    """
    digests = np.zeros(len(rows), dtype=np.uint64)
    for j, feature in enumerate(features):
        column = array[rows, j] if feature.of_texts else np.asarray(array[rows, j], dtype=np.float64)
        digests = digests * ODD + pd.util.hash_array(column)
    return digests


def _with_truth(digests: np.ndarray, truth: np.ndarray) -> np.ndarray:
    values = truth.astype(object) if truth.dtype.kind == "U" else truth
    return np.asarray(digests * ODD + pd.util.hash_array(values))


def _are_in(digests: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Which of some are among others, shape (rows,); by pandas, which does not sort."""
    return np.asarray(pd.Index(digests).isin(others))


def _are_twice(digests: np.ndarray) -> np.ndarray:
    return np.asarray(pd.Index(digests).duplicated(keep=False))
