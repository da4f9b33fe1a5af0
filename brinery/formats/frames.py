"""Models that were fitted on frames, by the names of columns: asked with the arrays that serving builds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from pandas.api import types

from brinery.errors import DataInvalid
from brinery.rows.feature import Feature


class OnFrames:
    """A fitted model of frames, as one of arrays, shape (rows, features); all else is the model's own."""

    def __init__(self, estimator: Any, frame: pd.DataFrame, features: Sequence[Feature]) -> None:
        """`frame` has rows as the model takes them, of which the types of columns are taken.

        Raises:
            DataInvalid: a column is of dates, which no file of ONNX takes.
        """
        for feature in features:
            if feature.kind == "date":
                raise DataInvalid(
                    f'column "{feature.name}" holds dates, and a model that was fitted on a frame is asked with '
                    "numbers and texts alone; give it numbers, such as days"
                )
        self.estimator = estimator
        self._columns = [_Column.of(frame[feature.name], feature) for feature in features]

    def predict(self, array: np.ndarray) -> np.ndarray:
        return np.asarray(self.estimator.predict(self.frame(array)))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "estimator":
            raise AttributeError(name)
        found = getattr(self.estimator, name)
        return (lambda array: found(self.frame(array))) if name == "predict_proba" else found

    def frame(self, array: np.ndarray) -> pd.DataFrame:
        """The rows as the model takes them."""
        return pd.DataFrame({column.name: column.filled(array[:, j]) for j, column in enumerate(self._columns)})


@dataclass(frozen=True)
class _Column:
    """A column as the model knows it: its type, and what stands for a missing text."""

    name: str
    of_texts: bool
    dtype: Any
    absent: float | None

    @classmethod
    def of(cls, column: pd.Series, feature: Feature) -> Self:
        absent = None if any(value is None for value in column.tolist()) else np.nan
        return cls(feature.name, feature.of_texts, _portable(column.dtype), absent)

    def filled(self, values: np.ndarray) -> Any:
        """Values, shape (rows,), in the type of the column, where that holds them."""
        if self.of_texts:
            texts = np.array([self.absent if value is None else value for value in values.tolist()], dtype=object)
            return texts if types.is_object_dtype(self.dtype) else pd.Series(texts, dtype=self.dtype).array
        numbers = values.astype(np.float64)
        whole = np.isfinite(numbers).all() and (numbers == np.round(numbers)).all() and (np.abs(numbers) < 2**53).all()
        if whole and (types.is_integer_dtype(self.dtype) or types.is_bool_dtype(self.dtype)):
            return numbers.astype(np.bool_ if types.is_bool_dtype(self.dtype) else np.int64)
        return numbers


def _portable(dtype: Any) -> Any:
    """A type without what it is stored by here: pandas keeps texts by pyarrow only where that is installed."""
    if isinstance(dtype, pd.StringDtype):
        return "string" if dtype.na_value is pd.NA else "str"
    if isinstance(dtype, pd.CategoricalDtype):
        return pd.CategoricalDtype(pd.Index(dtype.categories.tolist(), dtype=object), dtype.ordered)
    return dtype


def unwrapped(fitted: Any) -> Any:
    """The model itself."""
    return fitted.estimator if isinstance(fitted, OnFrames) else fitted
