"""Models that were fitted on frames, by the names of columns: asked with the arrays that serving builds."""

from collections.abc import Sequence
from typing import Any

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
                    f'column "{feature.name}" holds dates, and a model that was fitted on a frame is served from ONNX, '
                    "which has none; give it numbers, such as days"
                )
        self.estimator = estimator
        self._features = tuple(features)
        self._columns = [frame[feature.name] for feature in features]

    def predict(self, array: np.ndarray) -> np.ndarray:
        return np.asarray(self.estimator.predict(self.frame(array)))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "estimator":
            raise AttributeError(name)
        found = getattr(self.estimator, name)
        return (lambda array: found(self.frame(array))) if name == "predict_proba" else found

    def frame(self, array: np.ndarray) -> pd.DataFrame:
        """The rows as the model takes them."""
        return pd.DataFrame(
            {
                feature.name: _column(array[:, j], feature, like)
                for j, (feature, like) in enumerate(zip(self._features, self._columns, strict=True))
            }
        )


def unwrapped(fitted: Any) -> Any:
    """The model itself."""
    return fitted.estimator if isinstance(fitted, OnFrames) else fitted


def _column(values: np.ndarray, feature: Feature, like: pd.Series) -> Any:
    """Values of one feature in the type that a column has, where that holds them."""
    if feature.kind == "category":
        absent = None if any(value is None for value in like.tolist()) else np.nan
        texts = np.array([absent if value is None else value for value in values.tolist()], dtype=object)
        return texts if types.is_object_dtype(like.dtype) else pd.Series(texts, dtype=like.dtype).array
    numbers = values.astype(np.float64)
    whole = np.isfinite(numbers).all() and (numbers == np.round(numbers)).all() and (np.abs(numbers) < 2**53).all()
    if whole and (types.is_integer_dtype(like.dtype) or types.is_bool_dtype(like.dtype)):
        return numbers.astype(np.bool_ if types.is_bool_dtype(like.dtype) else np.int64)
    return numbers
