"""Export of regressors to ONNX: kept where it gives the numbers of the fitted model, on other rows too."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from brinery.assessment.columns.arrays import to_array
from brinery.assessment.columns.infer import infer_features
from brinery.assessment.faithful.export import Export, export_onnx
from brinery.assessment.regression import RegressionAssessor
from brinery.rows.feature import Feature
from tests.examples import frame
from training.fit.pipeline import make_pipeline_for
from training.spec import ModelSpec

CAMPAIGN = pytest.mark.campaign
REGRESSION = RegressionAssessor()
# These must have a faithful file, on numbers, on mixed columns, and on seconds since 1970.
ESTIMATORS: dict[str, dict[str, Any]] = {
    "linear_model.LinearRegression": {},
    "linear_model.Ridge": {},
    "linear_model.LassoCV": {},
    "linear_model.PoissonRegressor": {"max_iter": 1000},
    "linear_model.GammaRegressor": {"max_iter": 1000},
    "linear_model.HuberRegressor": {"max_iter": 1000},
    "svm.SVR": {"C": 100},
    "svm.LinearSVR": {"max_iter": 100_000, "random_state": 0},
    "neighbors.KNeighborsRegressor": {},
    "neighbors.KNeighborsRegressor by distance": {"weights": "distance"},
    "tree.DecisionTreeRegressor": {"random_state": 0},
    "ensemble.RandomForestRegressor": {"n_estimators": 30, "random_state": 0},
    "ensemble.ExtraTreesRegressor": {"n_estimators": 30, "random_state": 0},
    "ensemble.GradientBoostingRegressor": {"n_estimators": 30, "random_state": 0},
    "ensemble.HistGradientBoostingRegressor": {"max_iter": 20, "random_state": 0},
    "ensemble.HistGradientBoostingRegressor of counts": {"loss": "poisson", "max_iter": 20, "random_state": 0},
    "ensemble.HistGradientBoostingRegressor of a quantile": {"loss": "quantile", "quantile": 0.9, "max_iter": 20},
    "ensemble.AdaBoostRegressor": {"n_estimators": 10, "random_state": 0},
    "ensemble.BaggingRegressor": {"random_state": 0},
    "neural_network.MLPRegressor": {"max_iter": 5000, "random_state": 0, "tol": 0.1},
}
QUICK = ("linear_model.Ridge", "ensemble.HistGradientBoostingRegressor of counts", "ensemble.RandomForestRegressor")


def data(name: str) -> tuple[pd.DataFrame, np.ndarray]:
    """Columns, and numbers above 0."""
    if name == "progress":
        return frame(name)
    if name == "mixed":
        columns, labels = frame(name)
        return columns, np.random.default_rng(0).gamma(2.0, 5.0, len(columns)) + 10 * np.unique(
            labels, return_inverse=True
        )[1]
    random = np.random.default_rng(0)
    moments, other = 1.76e9 + random.integers(0, 3600, 400).astype(float), random.normal(size=400)
    return pd.DataFrame({"moment": moments, "other": other}), 0.01 * (moments - 1.76e9) + np.abs(other) + 0.1


def exported(name: str, estimator: str, params: dict[str, Any]) -> tuple[Any, tuple[Feature, ...], np.ndarray, Export]:
    """A pipeline as `train` makes it, fitted on every second row; its features, all rows, and its export."""
    columns, target = data(name)
    features = infer_features(columns)
    spec = ModelSpec(data="x.csv", estimator=f"sklearn.{estimator.split()[0]}", params=params)
    array = to_array(columns, features)
    fitted = make_pipeline_for(spec, features).fit(array[::2], target[::2])
    task = REGRESSION.task(fitted, target[::2])
    return fitted, features, array, export_onnx(REGRESSION, task, fitted, features, array[::2], array[1::2], 0)


def around(array: np.ndarray, features: tuple[Feature, ...], count: int) -> np.ndarray:
    """Rows whose columns are shuffled against each other, numbers moved by up to a tenth of their range."""
    random = np.random.default_rng(7)
    rows = np.empty((count, array.shape[1]), dtype=array.dtype)
    for j, feature in enumerate(features):
        rows[:, j] = array[random.integers(0, len(array), count), j]
        if feature.kind == "number":
            width = float(feature.maximum or 0) - float(feature.minimum or 0)
            rows[:, j] = rows[:, j].astype(float) + random.uniform(-0.1, 0.1, count) * width
    return rows


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["progress", "mixed", "seconds"])
@pytest.mark.parametrize(
    "estimator", [pytest.param(each, marks=[] if each in QUICK else CAMPAIGN) for each in ESTIMATORS]
)
def test_regressor_has_a_file_that_gives_its_numbers(name: str, estimator: str) -> None:
    fitted, features, array, found = exported(name, estimator, ESTIMATORS[estimator])
    assert found.predict is not None and found.proof is not None, found.reason
    rows = around(array, features, 5_000)
    rows = rows[~REGRESSION.ties(fitted, rows, REGRESSION.answers(fitted, rows))[1]]
    assert len(rows) > 500
    theirs, ours = fitted.predict(rows).reshape(-1), found.predict(rows).values
    target = data(name)[1][::2]
    scale = np.maximum(np.abs(theirs - target.mean()), target.std())
    assert (np.abs(ours - theirs) / scale).max() <= 1e-5
    assert found.proof.text.startswith("the same numbers, by the target's deviation within ")
    assert sum(found.proof.rows.values()) > 5_000


@pytest.mark.parametrize("offset", [1.75e9, *(pytest.param(each, marks=CAMPAIGN) for each in (1e6, 1e15))])
@pytest.mark.parametrize("estimator", ["linear_model.LinearRegression", "ensemble.RandomForestRegressor"])
def test_target_that_is_large_beside_its_spread_is_answered_to_its_last_digit(offset: float, estimator: str) -> None:
    """In single precision a moment in seconds is off by a minute: there is a file of double precision, or none."""
    columns, target = data("progress")
    features = infer_features(columns)
    array, target = to_array(columns, features), target + offset
    spec = ModelSpec(data="x.csv", estimator=f"sklearn.{estimator}")
    fitted = make_pipeline_for(spec, features).fit(array[::2], target[::2])
    task = REGRESSION.task(fitted, target[::2])
    found = export_onnx(REGRESSION, task, fitted, features, array[::2], array[1::2], 0)
    if found.predict is None:
        assert ("Forest" in estimator or offset == 1e15) and "get another number" in found.reason
    else:
        assert np.abs(found.predict(array).values - fitted.predict(array)).max() <= 1e-5 * target.std() + offset * 1e-15


def test_regressor_that_is_not_converted_says_why() -> None:
    found = exported("progress", "kernel_ridge.KernelRidge", {"kernel": "laplacian"})[3]
    assert found.data is None and "no converter for kernel laplacian" in found.reason


def test_file_that_gives_other_numbers_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    from brinery.formats import onnx

    predict = onnx.OnnxModel.predict

    def a_little_more(self: Any, array: np.ndarray) -> Any:
        found = predict(self, array)
        found.values[array[:, 0].astype(float) > 60] += 0.01  # of a deviation of 77: few rows, and little
        return found

    monkeypatch.setattr(onnx.OnnxModel, "predict", a_little_more)
    found = exported("progress", "linear_model.Ridge", {})[3]
    assert found.data is None and "get another number; one differs by 0.00012 deviations at most" in found.reason
