"""Logistic regression answered by its own arithmetic: the very bits of scikit-learn's."""

from typing import Any

import numpy as np
import pytest
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from brinery.formats.logistic import probabilities_of

FITTED = np.random.default_rng(0).normal(3, [1, 40, 1e-6, 1e6], size=(60, 4))
ODD = np.array([[np.nan, 1, 2, 3], [1e308, 1e308, 1e308, 1e308], [-1e308, 0, 1e308, 0], [0, 0, 0, 0]])
SCALERS: tuple[list[Any], ...] = (
    [],
    [StandardScaler()],
    [StandardScaler(with_mean=False)],
    [StandardScaler(with_std=False), StandardScaler()],
)


def fitted(steps: list[Any], classes: int, kind: type = np.float64) -> Pipeline:
    truth = np.arange(60) % classes
    named = [(str(place), step) for place, step in enumerate([*steps, LogisticRegression(max_iter=20)])]
    return Pipeline(named).fit(FITTED.astype(kind), truth)


@pytest.mark.filterwarnings("ignore:lbfgs failed to converge")
@pytest.mark.parametrize("steps", SCALERS)
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_probabilities_are_scikit_learns_to_the_bit(steps: list[Any], classes: int, kind: type) -> None:
    pipeline = fitted(steps, classes, kind)
    *transformers, last = [step for _, step in pipeline.steps]
    ours = probabilities_of(transformers, last)
    assert ours is not None
    with np.errstate(all="ignore"):
        for rows in (FITTED, np.asfortranarray(FITTED), FITTED[:1], ODD):
            before, theirs = rows.copy(), _asked(transformers, last, rows)
            assert np.array_equal(ours(rows), theirs, equal_nan=True)
            assert np.array_equal(rows, before, equal_nan=True)


def _asked(transformers: list[Any], last: Any, rows: np.ndarray) -> np.ndarray:
    with sklearn.config_context(assume_finite=True):
        for each in transformers:
            rows = each.transform(rows)
        return np.asarray(last.predict_proba(rows))


class OwnScaler(StandardScaler):  # type: ignore[misc]
    """One that somebody else made, and that may scale in another way."""


@pytest.mark.filterwarnings("ignore:lbfgs failed to converge")
@pytest.mark.parametrize("step", [MinMaxScaler(), OwnScaler()])
def test_other_steps_are_asked_themselves(step: Any) -> None:
    pipeline = fitted([step], 3)
    assert probabilities_of([pipeline[0]], pipeline[1]) is None
    assert probabilities_of([], pipeline[0]) is None


@pytest.mark.filterwarnings("ignore:lbfgs failed to converge")
def test_sparse_weights_are_left_to_scikit_learn() -> None:
    last = fitted([], 3)[0].sparsify()
    assert probabilities_of([], last) is None
