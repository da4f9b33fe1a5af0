"""Leaks: columns that tell the target by themselves, as what became known after it does."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from brinery.assessment.columns.numbering import look_like_days, rises
from brinery.rows.feature import Feature

ROWS_OF_VALUE = 5  # fewer may have one label by chance
ROWS_OF_CLASS = 5
ROWS_OF_LINE = 10
SAME_LINE = 1e-9  # of the variance that a line leaves


def suspicions(array: np.ndarray, features: Sequence[Feature], labels: np.ndarray) -> list[str]:
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
        column = array[:, j]
        if feature.kind == "text":
            continue
        if feature.kind in ("category", "boolean"):
            tells = _values_tell(column, codes)
        else:
            tells = _order_tells(np.asarray(column, dtype=np.float64), codes)
        if tells:
            found.append(f'column "{feature.name}" {tells}; make sure that it is known before the answer is')
        elif feature.kind == "integer":
            found += _odd_integers(feature.name, np.asarray(column, dtype=np.float64))
    return found


def suspicions_of_numbers(array: np.ndarray, features: Sequence[Feature], truth: np.ndarray) -> list[str]:
    """As `suspicions`, of numbers to predict, shape (rows,): columns that are the target on another scale."""
    found = []
    for j, feature in enumerate(features):
        if feature.of_texts:
            continue
        column = np.asarray(array[:, j], dtype=np.float64)
        if len(truth) >= ROWS_OF_LINE and _is_on_a_line(column, truth):
            found.append(
                f'column "{feature.name}" tells the target by itself: it is the target on another scale; '
                "make sure that it is known before the answer is"
            )
        elif feature.kind == "integer":
            found += _odd_integers(feature.name, column)
    return found


def _is_on_a_line(column: np.ndarray, truth: np.ndarray) -> bool:
    x, y = column - column.mean(), truth - truth.mean()
    with np.errstate(over="ignore", invalid="ignore"):
        within, together = (x @ x) * (y @ y), (x @ y) ** 2
    return bool(np.isfinite(within) and within > 0 and together / within > 1 - SAME_LINE)


def _odd_integers(name: str, numbers: np.ndarray) -> list[str]:
    if look_like_days(numbers):
        return [f'column "{name}" is taken as whole numbers, and looks like days, such as {np.nanmax(numbers):.0f}']
    if rises(numbers):
        return [f'column "{name}" rises from row to row, as identifiers do; is it one?']
    return []


def _values_tell(column: np.ndarray, codes: np.ndarray) -> str | None:
    """Each value occurs with one label only, and often enough that this is no chance."""
    values = pd.factorize(column, use_na_sentinel=False)[0]
    rows = np.bincount(values)
    if len(rows) < 2 or rows.min() < ROWS_OF_VALUE:
        return None
    pairs = len(np.unique(values * (int(codes.max()) + 1) + codes))
    return "tells the target by itself: each of its values occurs with one label only" if pairs == len(rows) else None


def _order_tells(numbers: np.ndarray, codes: np.ndarray) -> str | None:
    """Sorted by the number, the rows are sorted by their labels too."""
    if np.isnan(numbers).any() or np.bincount(codes).min() < ROWS_OF_CLASS:
        return None
    order = np.argsort(numbers, kind="stable")
    numbers, codes = numbers[order], codes[order]
    turns = np.flatnonzero(np.diff(codes))
    if len(turns) != len(np.unique(codes)) - 1 or (numbers[turns] == numbers[turns + 1]).any():
        return None
    return "tells the target by itself: its ranges for the labels do not overlap"
