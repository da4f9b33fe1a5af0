"""The way in for a notebook: a fitted model and held-out rows become a verified version."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from brinery.assessment.publish_fitted import publish_fitted
from brinery.errors import DataInvalid, GateInvalid, ReferenceInvalid
from brinery.loading.by_name import load
from brinery.versions.catalog import contents
from brinery.versions.store import open_store

X, Y = load_wine(return_X_y=True)
TRAIN, TEST = slice(0, None, 2), slice(1, None, 2)


@pytest.fixture
def registry(tmp_path: Path) -> str:
    return (tmp_path / "registry").as_uri()


def fitted() -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(X[TRAIN], Y[TRAIN])


def test_fitted_model_is_published_with_all_that_train_publishes(registry: str) -> None:
    model = fitted()
    reference = publish_fitted(
        "wine",
        model,
        X[TEST],
        Y[TEST],
        x_train=X[TRAIN],
        y_train=Y[TRAIN],
        registry=registry,
        gate={"accuracy": {"min": 0.9}},
        description="From a notebook",
    )
    assert reference.pinned and (reference.name, reference.version) == ("wine", 1)
    for format in ("onnx", "pickle"):
        served = load(str(reference), registry=registry, format=format)
        answers = served.answer(X.tolist(), 1000).answers
        assert answers.labels.tolist() == model.predict(X).tolist()
        assert np.abs(answers.probabilities - model.predict_proba(X)).max() < 1e-5
    manifest = served.manifest
    assert manifest.gate.passed and manifest.metrics["accuracy"] == model.score(X[TEST], Y[TEST])
    assert (manifest.data.rows, manifest.data.train_rows, manifest.data.test_rows) == (178, 89, 89)
    alcohol = manifest.features[0]
    assert (alcohol.name, alcohol.minimum, alcohol.maximum) == ("x0", X[:, 0].min(), X[:, 0].max())
    assert set(manifest.files) == {"model.joblib", "model.onnx", "golden.json", "card.html"}
    assert b"From a notebook" in bytes(served.card())


def test_names_of_a_frame_are_the_features(registry: str) -> None:
    frame = load_wine(as_frame=True).data
    model = RandomForestClassifier(10, random_state=0).fit(X[TRAIN], np.array(["a", "b", "c"])[Y[TRAIN]])
    labels = pd.Series(np.array(["a", "b", "c"])[Y[TEST]])
    reference = publish_fitted("wine", model, frame.iloc[TEST], labels, registry=registry)
    served = load(reference, registry=registry)
    assert served.parser.names == tuple(frame.columns)
    assert served.manifest.features[0].minimum == frame.iloc[TEST]["alcohol"].min()


def test_gate_that_is_not_passed_is_published_and_marked(registry: str) -> None:
    reference = publish_fitted("wine", fitted(), X[TEST], Y[TEST], registry=registry, gate={"log_loss": {"max": 0}})
    assert not load(reference, registry=registry).manifest.gate.passed


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"name": "Wine"}, ReferenceInvalid, "model name 'Wine' is not valid"),
        ({"model": LinearRegression().fit(X, Y)}, DataInvalid, "LinearRegression is no classifier"),
        ({"x_test": X[0]}, DataInvalid, r"rows have shape \(13,\); they must have two dimensions"),
        ({"x_test": X[TEST, :5]}, DataInvalid, "the model does not answer the held-out rows: .*5 features"),
        ({"y_test": Y[TEST] + 0.5}, DataInvalid, "holds fractions; a class is a whole number"),
        ({"y_test": Y[:5]}, DataInvalid, "89 held-out rows have 5 labels"),
        ({"y_test": Y[TEST] + 1}, DataInvalid, "the labels hold 3, which is none of the model's classes 0, 1, 2"),
        ({"gate": {"acuracy": {"min": 1}}}, GateInvalid, "gate.acuracy: Extra inputs are not permitted"),
        ({"gate": {"accuracy": {"min": "high"}}}, GateInvalid, "gate.accuracy.min: Input should be a valid number"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_cannot_be_published_is_a_sentence(
    registry: str, change: dict[str, Any], error: type[Exception], message: str
) -> None:
    arguments = {"name": "wine", "model": fitted(), "x_test": X[TEST], "y_test": Y[TEST], **change}
    with pytest.raises(error, match=message):
        publish_fitted(**arguments, registry=registry)
    assert contents(open_store(registry, create=True)) == {}


def test_model_that_was_fitted_on_a_frame_is_refused(registry: str) -> None:
    frame = load_wine(as_frame=True).data
    with pytest.raises(DataInvalid, match=r"was fitted on a frame with column names.*fit it on x.to_numpy\(\)"):
        publish_fitted("wine", LogisticRegression(max_iter=9999).fit(frame, Y), frame, Y, registry=registry)
