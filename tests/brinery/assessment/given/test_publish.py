"""An ONNX file from elsewhere becomes a version, with all that others have but a proof of what nobody converted."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from sklearn.datasets import load_diabetes, load_digits
from sklearn.tree import DecisionTreeClassifier

from brinery.assessment.publish_fitted import publish_fitted
from brinery.errors import DataInvalid, FormatMissing, GateInvalid
from brinery.loading.by_name import load
from brinery.versions.catalog import models
from brinery.versions.store import open_store
from tests.brinery.assessment.given.graphs import FLOAT, PLACES, POINTS, ROWS, TWO, WEIGHTS, linear
from tests.conftest import ROOT

DIGITS = ROOT / "tests/data/digits.onnx"
X, Y = load_digits(return_X_y=True)
HELD_OUT = slice(0, 200)
TREE = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X[500:900], Y[500:900])


@pytest.fixture
def registry(tmp_path: Path) -> str:
    return (tmp_path / "registry").as_uri()


@pytest.mark.slow
def test_network_is_served_as_its_own_runtime_answers(registry: str) -> None:
    reference = publish_fitted(
        *("digits", DIGITS, X[HELD_OUT], Y[HELD_OUT]),
        x_train=X[200:500],
        y_train=Y[200:500],
        registry=registry,
        gate={"accuracy": {"min": 0.9}},
        interval=0.9,
    )
    served = load(reference, registry=registry)
    manifest = served.manifest
    own = ort.InferenceSession(DIGITS.read_bytes()).run(None, {"pixels": X.astype(np.float32)})[0]
    answers = served.answer(X.tolist(), 2000).answers
    assert np.abs(answers.probabilities - own).max() < 1e-6 and answers.labels.tolist() == own.argmax(axis=1).tolist()
    assert "labels" in served.task.written(answers[:1])[0] and manifest.gate.passed
    assert manifest.metrics["accuracy"] == pytest.approx(float((own.argmax(axis=1) == Y)[HELD_OUT].mean()))
    assert set(manifest.files) == {"model.onnx", "golden.json", "card.html", "profile.json"}
    assert manifest.artifacts["onnx"].faithful.tested == "the file that was given; nothing in it is changed"
    assert manifest.artifacts["onnx"].faithful.rows == {} and manifest.artifacts["onnx"].runtimes == ("onnx",)
    assert manifest.files["model.onnx"].size == DIGITS.stat().st_size
    assert manifest.spec["fitted"].startswith("ONNX of pytorch ")
    with pytest.raises(FormatMissing, match="has no model.joblib .the model was given as an ONNX file"):
        load(reference, registry=registry, format="pickle")
    card = bytes(served.card()).decode()
    assert "the ONNX file that was given: nothing in it is changed" in card and "Importance" in card


@pytest.mark.slow
def test_network_is_compared_with_the_version_before(registry: str) -> None:
    given: dict[str, Any] = {"x_test": X[HELD_OUT], "y_test": Y[HELD_OUT], "registry": registry}
    first = publish_fitted("digits", DIGITS, **given)
    rules = {"no_worse_than_promoted": {"accuracy": 0}}
    again = publish_fitted("digits", onnx.load(DIGITS), **given, gate=rules, baseline=first)
    assert load(again, registry=registry).manifest.gate.passed
    with pytest.warns(UserWarning, match="^digits did not pass its gate"):
        worse = publish_fitted("digits", TREE, **given, gate=rules, baseline=first)
    (check,) = load(worse, registry=registry).manifest.gate.checks
    assert not check.passed and check.limit is not None


def test_regressor_of_a_file_answers_with_an_interval(registry: str) -> None:
    rows, truth = load_diabetes(return_X_y=True)
    weights = np.linalg.lstsq(np.c_[rows, np.ones(len(rows))], truth)[0]
    model = linear(weights[:-1, None], end=None, bias=weights[-1:])
    served = load(publish_fitted("progress", model, rows, truth, registry=registry, interval=0.9), registry=registry)
    answer = served.predict(rows[0])
    assert answer["prediction"] == pytest.approx(rows[0] @ weights[:-1] + weights[-1], rel=1e-5)
    assert answer["interval"][0] < answer["prediction"] < answer["interval"][1]
    assert served.manifest.metrics["r2"] > 0.5


def test_two_classes_of_one_number_are_answered_by_a_threshold(registry: str) -> None:
    labels = np.where(POINTS[:, 0] > 0, "yes", "no")
    given = linear(TWO, end="Sigmoid")
    reference = publish_fitted("two", given, POINTS, labels, registry=registry, classes=["no", "yes"], threshold=0.9)
    served = load(reference, registry=registry)
    second = 1 / (1 + np.exp(-POINTS @ TWO)).ravel()
    answers = served.predict(POINTS)
    assert [answer["prediction"] for answer in answers] == np.where(second >= 0.9, "yes", "no").tolist()
    assert [answer["probabilities"]["yes"] for answer in answers] == pytest.approx(second.tolist(), abs=1e-6)
    assert "its one number is taken as the probability of yes" in bytes(served.card()).decode()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"classes": [0, 1]}, DataInvalid, "gives 3 numbers a row, and there are 2 classes, 0, 1"),
        (
            {"model": TREE, "classes": [0, 1, 2]},
            DataInvalid,
            "classes is given, and the model is no ONNX",
        ),
        ({"classes": [0, 1, 3]}, DataInvalid, "y_test has the label 2, which is none of the model's classes 0, 1, 3"),
        ({"gate": {"rmse": {"max": 1}}}, GateInvalid, "gate.rmse is no metric of a classifier"),
        ({"threshold": 0.5}, DataInvalid, "threshold is given, and the model is no classifier of two classes"),
        ({"model": Path("nothing.onnx")}, DataInvalid, "nothing.onnx cannot be read"),
        ({"x_test": POINTS[:, :1]}, DataInvalid, 'its input "x" takes 2 features; the rows have 1, x0'),
        ({"model": linear(WEIGHTS, input=("x", FLOAT, [ROWS, 2, 1]))}, DataInvalid, "put a Reshape or a Flatten"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_file_that_cannot_be_published_is_a_sentence(
    registry: str, change: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        publish_fitted(
            **{"name": "given", "model": linear(WEIGHTS), "x_test": POINTS, "y_test": PLACES, **change},
            registry=registry,
        )
    assert models(open_store(registry, create=True)) == []
