"""Example models of peers, carried over: every number is the one that scikit-learn gives to the bare model."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import ElasticNet, LinearRegression
from sklearn.metrics import mean_squared_error, r2_score

from brinery.assessment.publish_fitted import publish_fitted
from brinery.loading.by_name import load
from tests.conftest import ROOT
from tests.serving.conftest import serving

CAMPAIGN = pytest.mark.campaign


def cars() -> tuple[pd.DataFrame, pd.Series, Any]:
    """vetiver's example: miles a gallon by all other columns of mtcars."""
    frame = pd.read_csv(ROOT / "tests/data/mtcars.csv")
    return frame.drop(columns="mpg"), frame["mpg"], LinearRegression()


def diabetes() -> tuple[pd.DataFrame, pd.Series, Any]:
    """MLflow's example: the progression of diabetes by an elastic net."""
    found = load_diabetes(as_frame=True)
    return found.data, found.target, ElasticNet(alpha=0.05, l1_ratio=0.05, random_state=42)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("example", "form"),
    [
        (diabetes, "frames"),  # whose columns lie otherwise in memory than rows do, which moves last digits
        *(pytest.param(*each, marks=CAMPAIGN) for each in ((diabetes, "arrays"), (cars, "frames"), (cars, "arrays"))),
    ],
)
def test_example_of_a_peer_answers_number_by_number(tmp_path: Path, example: Any, form: str) -> None:
    frame, truth, model = example()
    rows: Any = frame if form == "frames" else frame.to_numpy(dtype=float)
    model.fit(rows, truth)
    registry = (tmp_path / "registry").as_uri()
    reference = publish_fitted("peer", model, rows, truth, x_train=rows, y_train=truth, registry=registry)
    formats = load(reference, registry=registry).manifest.artifacts
    assert set(formats) == {"onnx", "pickle"}
    for format in formats:
        client = serving(load(reference, registry=registry, format=format))
        answer = client.request("POST", "/predict", json={"data": frame.astype(float).to_numpy().tolist()})
        assert answer.status_code == 200, answer.text
        given = np.array([each["prediction"] for each in answer.json()["predictions"]])
        within = (1e-12 if format == "pickle" else 1e-5) * truth.std()
        assert np.abs(given - model.predict(rows)).max() <= within


@CAMPAIGN
def test_score_that_scikit_learn_publishes_is_that_of_the_version(tmp_path: Path) -> None:
    """Its example of ordinary least squares: mean squared error 2548.07 and R² 0.47 on the last 20 rows of diabetes."""
    found = load_diabetes()
    rows, truth = found.data[:, [2]], found.target
    model = LinearRegression().fit(rows[:-20], truth[:-20])
    registry = (tmp_path / "registry").as_uri()
    held_out = {"x_test": rows[-20:], "y_test": truth[-20:]}
    reference = publish_fitted("peer", model, **held_out, x_train=rows[:-20], y_train=truth[:-20], registry=registry)
    metrics = load(reference, registry=registry).manifest.metrics
    assert metrics["rmse"] ** 2 == pytest.approx(2548.07, abs=0.01) and metrics["r2"] == pytest.approx(0.47, abs=0.005)
    theirs = model.predict(rows[-20:])
    assert metrics["rmse"] ** 2 == pytest.approx(mean_squared_error(truth[-20:], theirs), rel=1e-12)
    assert metrics["r2"] == pytest.approx(r2_score(truth[-20:], theirs), rel=1e-12)
