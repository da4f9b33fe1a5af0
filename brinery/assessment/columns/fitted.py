"""What a model was fitted on: the ranges of the rows of training, and the values that held-out rows alone have."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from brinery.assessment.columns.infer import as_shown
from brinery.rows.feature import Feature


def fitted_on(
    features: Sequence[Feature], array: np.ndarray, train: np.ndarray, dtypes: Sequence[Any]
) -> tuple[Feature, ...]:
    """The features as the rows of training alone show them.

    A column that has no value in those rows keeps the range of all.

    Args:
        array: all rows, shape (rows, features), as `to_array` makes it.
        train: places of the rows that the model is fitted on.
        dtypes: the types of the columns, by which single precision is told.
    """
    return tuple(
        feature.model_copy(update=_found(feature, array[:, j], train, dtype))
        for j, (feature, dtype) in enumerate(zip(features, dtypes, strict=True))
    )


def _found(feature: Feature, column: np.ndarray, train: np.ndarray, dtype: Any) -> dict[str, Any]:
    if feature.kind == "text":
        return {}
    fitted = column[train]
    if feature.kind == "category":
        seen = set(pd.unique(fitted))
        return {"unfitted": tuple(value for value in feature.countable if value not in seen)}
    numbers = np.asarray(fitted, dtype=np.float64)
    missing = np.isnan(numbers)
    found: dict[object, Any] = {None: missing.any(), False: (numbers == 0).any(), True: (numbers == 1).any()}
    unfitted = {"unfitted": tuple(value for value in feature.countable if not found[value])}
    if feature.kind == "boolean" or missing.all():
        return unfitted
    low, high = as_shown(float(np.nanmin(numbers)), float(np.nanmax(numbers)), dtype)
    return {"minimum": low, "maximum": high, **unfitted}
