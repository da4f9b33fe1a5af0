"""Leaks: columns that tell the target by themselves, as what became known after it does."""

from collections.abc import Sequence
from math import exp, lgamma

import numpy as np
import pandas as pd

from brinery.assessment.columns.arrays import columns_of
from brinery.assessment.columns.numbering import look_like_days, rises
from brinery.assessment.note import Note
from brinery.rows.feature import Feature

ROWS_OF_VALUE = 5  # fewer may have one label by chance
ROWS_OF_CLASS = 5
RARE_ROWS = 0.1  # the share of the rows that may have values of fewer rows
LOOKED_AT, VALUES_AT_MOST = 1000, 200  # rows, and the different values that they may have
CHANCE = 1e-4  # how likely a column without a connection to the labels may be to tell them so
ROWS_OF_LINE = 10
SAME_LINE = 1e-9  # of the variance that a line leaves


def suspicions(array: np.ndarray, features: Sequence[Feature], labels: np.ndarray) -> list[Note]:
    """Sentences about columns that a person should look at before the model is believed.

    Args:
        array: shape (rows, features), as `to_array` makes it.
        labels: the classes of the rows, shape (rows,).
    """
    codes, classes = pd.factorize(labels)
    if len(classes) < 2:
        return []
    found = []
    for j, feature in enumerate(features):
        tells = _tells(array[:, j], feature, codes)
        if tells:
            told = f'column "{feature.name}" {tells}; make sure that it is known before the answer is'
            found.append(Note(told, feature=feature.name))
        elif feature.kind == "integer":
            found += _odd_integers(feature.name, np.asarray(array[:, j], dtype=np.float64))
    return found


def suspicions_of_numbers(array: np.ndarray, features: Sequence[Feature], truth: np.ndarray) -> list[Note]:
    """As `suspicions`, of numbers to predict, shape (rows,): columns that are the target on another scale."""
    found = []
    for cells, feature in zip(columns_of(array), features, strict=True):
        if feature.of_texts:
            continue
        column = np.asarray(cells, dtype=np.float64)
        present = ~np.isnan(column)
        if present.sum() >= ROWS_OF_LINE and _is_on_a_line(column[present], truth[present]):
            told = (
                f'column "{feature.name}" tells the target by itself: it is the target on another scale; '
                "make sure that it is known before the answer is"
            )
            found.append(Note(told, feature=feature.name))
        elif feature.kind == "integer":
            found += _odd_integers(feature.name, column)
    return found


def _is_on_a_line(column: np.ndarray, truth: np.ndarray) -> bool:
    x, y = column - column.mean(), truth - truth.mean()
    with np.errstate(over="ignore", invalid="ignore"):
        within, together = (x @ x) * (y @ y), (x @ y) ** 2
    return bool(np.isfinite(within) and within > 0 and together / within > 1 - SAME_LINE)


def _odd_integers(name: str, numbers: np.ndarray) -> list[Note]:
    if look_like_days(numbers):
        told = f'column "{name}" is taken as whole numbers, and looks like days, such as {np.nanmax(numbers):.0f}'
        return [Note(told, feature=name)]
    if rises(numbers):
        return [Note(f'column "{name}" rises from row to row, as identifiers do; is it one?', feature=name)]
    return []


def _tells(column: np.ndarray, feature: Feature, codes: np.ndarray) -> str | None:
    """How a column tells the labels by itself; None where it does not, or where that could be chance."""
    if not (feature.nullable or feature.of_texts) and not _may_tell(column[:LOOKED_AT], codes[:LOOKED_AT]):
        return None
    if feature.of_texts:
        missing = column == "" if feature.kind == "text" else column == np.array(None)
    else:
        column = np.ascontiguousarray(column, dtype=np.float64)
        missing = np.isnan(column)
    how = None
    if feature.kind not in ("text", "category", "boolean") and _order_tells(column, codes, ~missing):
        how = "its ranges for the labels do not overlap"
    elif feature.kind != "text" and _may_have_few_values(column) and _values_tell(column, codes):
        how = "each of its values occurs with one label only"
    elif _is_missing_for_one(missing, codes):
        how = "it is missing in all rows of one label, and in no other"
    return how and f"tells the target by itself: {how}"


def _may_tell(numbers: np.ndarray, codes: np.ndarray) -> bool:
    """Whether the first rows, none of them missing, leave that open."""
    return _may_have_few_values(numbers) or _is_sorted_by(numbers, codes)


def _may_have_few_values(column: np.ndarray) -> bool:
    """Whether the first rows leave that open, which spares counting a million different numbers."""
    return len(pd.unique(column[:LOOKED_AT])) <= VALUES_AT_MOST


def _values_tell(column: np.ndarray, codes: np.ndarray) -> bool:
    """Each value occurs with one label only, and often enough that this is no chance; a few rows may have rare ones."""
    values = pd.factorize(column, use_na_sentinel=False)[0]
    rows = np.bincount(values)
    common = rows[values] >= ROWS_OF_VALUE
    if np.count_nonzero(~common) > RARE_ROWS * len(values):
        return False
    values, codes = values[common], codes[common]
    groups, labels = len(np.unique(values)), len(np.unique(codes))
    if groups < 2 or labels < 2 or len(np.unique(values * (int(codes.max()) + 1) + codes)) > groups:
        return False
    return _chance(codes, groups * np.log(labels)) < CHANCE


def _is_missing_for_one(missing: np.ndarray, codes: np.ndarray) -> bool:
    labels = np.unique(codes[missing])
    if len(labels) != 1 or missing.sum() < ROWS_OF_VALUE or not np.array_equal(missing, codes == labels[0]):
        return False
    return _chance(missing.astype(np.intp), np.log(2)) < CHANCE


def _order_tells(numbers: np.ndarray, codes: np.ndarray, present: np.ndarray) -> bool:
    """Sorted by the number, the rows with one are sorted by their labels too."""
    first = present[:LOOKED_AT]  # where some rows are not, all are not, which spares sorting a million
    if not _is_sorted_by(numbers[:LOOKED_AT][first], codes[:LOOKED_AT][first]):
        return False
    numbers, codes = numbers[present], codes[present]
    rows = np.bincount(codes)
    rows = rows[rows > 0]
    if len(rows) < 2 or rows.min() < ROWS_OF_CLASS or not _is_sorted_by(numbers, codes):
        return False
    return _chance(codes, lgamma(len(rows) + 1)) < CHANCE


def _is_sorted_by(numbers: np.ndarray, codes: np.ndarray) -> bool:
    """Whether the ranges that labels have of the numbers do not overlap."""
    order = np.argsort(numbers, kind="stable")
    numbers, codes = numbers[order], codes[order]
    turns = np.flatnonzero(np.diff(codes))
    return len(turns) == len(np.unique(codes)) - 1 and not (numbers[turns] == numbers[turns + 1]).any()


def _chance(codes: np.ndarray, log_ways: float) -> float:
    """How likely labels in random order are one of so many arrangements, of which the logarithm is given."""
    log_all = lgamma(len(codes) + 1) - sum(lgamma(rows + 1) for rows in np.bincount(codes).tolist())
    return exp(min(log_ways - log_all, 0.0))
