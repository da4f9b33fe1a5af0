"""What a model was fitted on: the ranges of the rows of training, and the values that held-out rows alone have."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from brinery.assessment.columns.arrays import columns_of
from brinery.assessment.columns.infer import as_shown
from brinery.rows.feature import Feature


def fitted_on(features: Sequence[Feature], rows: np.ndarray, dtypes: Sequence[Any]) -> tuple[Feature, ...]:
    """The features as the rows of training alone show them.

    A column that has no value in those rows keeps the range that it has.

    Args:
        rows: those that the model is fitted on, shape (rows, features), as `to_array` makes them.
        dtypes: the types of the columns, by which single precision is told.
    """
    return tuple(
        feature.model_copy(update=_found(feature, column, dtype))
        for feature, column, dtype in zip(features, columns_of(rows), dtypes, strict=True)
    )


def _found(feature: Feature, column: np.ndarray, dtype: Any) -> dict[str, Any]:
    if feature.kind == "text":
        return {}
    if feature.kind == "category":
        seen = set(pd.unique(column))
        return {"unfitted": tuple(value for value in feature.countable if value not in seen)}
    numbers = np.ascontiguousarray(column, dtype=np.float64)
    unfitted = {"unfitted": tuple(value for value in feature.countable if not _is_there(numbers, value))}
    if feature.kind == "boolean":
        return unfitted
    low, high = float(np.fmin.reduce(numbers)), float(np.fmax.reduce(numbers))  # NaN of missing ones alone
    if np.isnan(low):
        return unfitted
    low, high = as_shown(low, high, dtype)
    return {"minimum": low, "maximum": high, **unfitted}


def _is_there(numbers: np.ndarray, value: object) -> bool:
    """Whether a truth is among them, or, where it is None, a missing value."""
    return bool((np.isnan(numbers) if value is None else numbers == value).any())
