"""What a notebook or another program gives to predict: frames, arrays or rows, as the rows that serving is sent."""

from decimal import Decimal
from typing import Any

import numpy as np

ABSENT = ("NAType", "NaTType")  # pandas' own words for a missing value, known here without it


def rows_of(data: Any) -> Any:
    """Rows as decoded JSON has them, or one row where one is given by itself.

    Args:
        data: a frame, whose columns name the features, or a row of one; an array, shape (rows, features), or
            (features,) for one row; or a row or a list of rows as serving takes them. Missing values may be NaN, NaT,
            pandas' NA or None.
    """
    if hasattr(data, "columns") and hasattr(data, "to_dict"):
        names = list(map(str, data.columns))
        columns = [map(_plain, data.iloc[:, j].tolist()) for j in range(len(names))]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    if isinstance(data, np.ndarray):
        return _plain_all(data.tolist())
    if hasattr(data, "to_dict") and hasattr(data, "index"):  # a row of a frame
        return {str(name): _plain(value) for name, value in data.to_dict().items()}
    return _plain_all(data)


def _plain_all(data: Any) -> Any:
    if isinstance(data, dict):
        return {name: _plain(value) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [_plain_all(each) for each in data]
    return _plain(data)


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if value == value else None
    if type(value).__name__ in ABSENT:
        return None
    if hasattr(value, "isoformat"):  # a date, or a moment
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value
