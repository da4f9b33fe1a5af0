"""Logistic regression of scaled numbers, by its own arithmetic: for one row, scikit-learn checks ten times as long."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

SCALER = "sklearn.preprocessing._data.StandardScaler"
REGRESSION = "sklearn.linear_model._logistic.LogisticRegression"


def probabilities_of(transformers: Sequence[Any], last: Any) -> Callable[[np.ndarray], np.ndarray] | None:
    """What answers checked rows, float64 of shape (rows, features), as `predict_proba` of these steps does, to the bit.

    None where the steps are others. The steps are of the very scikit-learn that is installed here, whose arithmetic a
    test compares.
    """
    if _name(last) != REGRESSION or any(_name(each) != SCALER for each in transformers):
        return None
    if not isinstance(last.coef_, np.ndarray):
        return None  # sparse ones are not told from others by their class
    scales = [(each.mean_ if each.with_mean else None, each.scale_ if each.with_std else None) for each in transformers]
    weights, intercept, of_two = last.coef_.T, last.intercept_, len(last.classes_) <= 2

    def probabilities(rows: np.ndarray) -> np.ndarray:
        for mean, scale in scales:
            rows = rows if mean is None else rows - mean
            rows = rows if scale is None else rows / scale
        scores: np.ndarray = rows @ weights + intercept
        return _of_two(scores.reshape(-1)) if of_two else _softmax(scores)

    return probabilities


def _of_two(scores: np.ndarray) -> np.ndarray:
    from scipy.special import expit  # there where scikit-learn is

    shares = expit(scores)
    return np.stack([1 - shares, shares], axis=1)


def _softmax(scores: np.ndarray) -> np.ndarray:
    scores -= scores.max(axis=1).reshape(-1, 1)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=1).reshape(-1, 1)
    return scores


def _name(step: Any) -> str:
    return f"{type(step).__module__}.{type(step).__qualname__}"
