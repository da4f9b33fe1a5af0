"""Pipelines as public notebooks write them: published, and answered by the app as the model itself answers."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from brinery.assessment.columns.arrays import to_array, to_rows
from brinery.assessment.publish_fitted import publish_fitted
from brinery.loading.by_name import load
from tests.serving.conftest import serving
from tests.serving.shapes import ROWS, SHAPES

QUICK = (
    "passengers by a forest",
    "houses by boosting of logarithms",
)
TRAIN, TEST = slice(0, 400), slice(400, None)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    "name", [each if each in QUICK else pytest.param(each, marks=pytest.mark.campaign) for each in SHAPES]
)
def test_shape_of_a_notebook_is_answered_as_the_model_answers(tmp_path: Path, name: str) -> None:
    shape, registry = SHAPES[name], (tmp_path / "registry").as_uri()
    frame, truth = shape.rows(np.random.default_rng(0))
    model = shape.model().fit(frame[TRAIN], truth[TRAIN])
    reference = publish_fitted(
        "notebook",
        model,
        frame[TEST],
        truth[TEST],
        x_train=frame[TRAIN],
        y_train=truth[TRAIN],
        registry=registry,
        interval=0.9,
    )
    served = load(reference, registry=registry)
    random = np.random.default_rng(1)
    shuffled = pd.DataFrame({each: frame[each].to_numpy()[random.permutation(ROWS)] for each in frame}).astype(
        frame.dtypes
    )
    rows = pd.concat([frame, shuffled], ignore_index=True)
    sent = to_rows(to_array(rows, served.manifest.features), served.manifest.features)
    answer = serving(served).request("POST", "/predict", json={"data": sent})
    assert answer.status_code == 200, answer.text
    predictions = answer.json()["predictions"]
    given = [each["prediction"] for each in predictions]
    theirs = model.predict(rows)
    if served.manifest.task.kind == "regression":
        assert np.abs(np.array(given) - theirs).max() <= 1e-5 * truth.std()
        assert all(each["interval"][0] < each["prediction"] < each["interval"][1] for each in predictions)
        return
    shares = model.predict_proba(rows)
    clear = np.abs(shares[:, 0] - 0.5) > 1e-9
    assert np.array(given)[clear].tolist() == theirs[clear].tolist()
    found = np.array([list(each["probabilities"].values()) for each in predictions])
    assert np.abs(found - shares).max() <= 1e-5
