"""Columns: each one's kind and range, inferred once from the whole frame, and the array they make."""

import numpy as np
import pandas as pd
from pandas.api import types

from registry import Feature
from training.data import Dataset
from training.errors import DataInvalid


def infer_features(name: str, frame: pd.DataFrame) -> tuple[Feature, ...]:
    """The feature schema of a frame, in column order.

    Raises:
        DataInvalid: a column that no model can use.
    """
    return tuple(_feature(name, str(column), frame[column]) for column in frame.columns)


def to_array(frame: pd.DataFrame, features: tuple[Feature, ...]) -> np.ndarray:
    """The array that serving will build from the same rows: float64, or object where there are categories."""
    if all(feature.kind != "category" for feature in features):
        return np.asarray(frame.to_numpy(dtype=np.float64, na_value=np.nan))
    array = np.empty(frame.shape, dtype=object)
    for j, feature in enumerate(features):
        column = frame.iloc[:, j]
        if feature.kind == "category":
            array[:, j] = [None if pd.isna(value) else str(value) for value in column]
        else:
            array[:, j] = column.to_numpy(dtype=np.float64, na_value=np.nan)
    return array


def to_rows(array: np.ndarray, features: tuple[Feature, ...]) -> list[list[object]]:
    """Rows as JSON carries them: missing values as null, booleans as such."""
    kinds = [feature.kind for feature in features]
    return [[_cell(cell, kind) for cell, kind in zip(row, kinds, strict=True)] for row in array.tolist()]


def encode_target(dataset: Dataset) -> np.ndarray:
    """The target as an array of whole numbers, booleans or strings, whichever it holds."""
    target = dataset.target
    if types.is_bool_dtype(target) or types.is_integer_dtype(target):
        return np.asarray(target)
    if types.is_float_dtype(target):
        if not (target == target.round()).all():
            raise DataInvalid(
                f'the target "{target.name}" of {dataset.source} holds fractions; '
                "a class is a whole number, a text or a boolean"
            )
        return np.asarray(target, dtype=np.int64)
    return np.asarray(target.astype(str), dtype=np.str_)


def _cell(cell: object, kind: str) -> object:
    if cell is None or cell != cell:  # NaN
        return None
    return bool(cell) if kind == "boolean" else cell


def _feature(name: str, column: str, values: pd.Series) -> Feature:
    nullable = bool(values.isna().any())
    if values.isna().all():
        raise DataInvalid(f'{name}: column "{column}" has no values; leave it out of features')
    if types.is_bool_dtype(values):
        return Feature(name=column, kind="boolean", nullable=nullable)
    if types.is_numeric_dtype(values):
        if not np.isfinite(values.dropna().to_numpy(dtype=np.float64)).all():
            raise DataInvalid(f'{name}: column "{column}" holds infinite values')
        kind = "integer" if types.is_integer_dtype(values) else "number"
        return Feature(
            name=column, kind=kind, nullable=nullable, minimum=float(values.min()), maximum=float(values.max())
        )
    categories = tuple(sorted({str(value) for value in values.dropna()}))
    return Feature(name=column, kind="category", nullable=nullable, categories=categories)
