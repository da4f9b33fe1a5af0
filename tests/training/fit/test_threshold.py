"""Thresholds of two classes: given or tuned, in both formats, the card and the answers."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import balanced_accuracy_score

from brinery.assessment.predictions import Predictions
from brinery.loading.load import load
from brinery.tasks.classification import Answers, Classification
from brinery.versions.reference import Reference
from brinery.versions.store import open_store
from tests.serving.conftest import _event_loop as _event_loop
from tests.serving.conftest import serving
from tests.training.conftest import Train
from training.fit.threshold import best

SPEC = {
    "data": "sklearn:breast_cancer",
    "estimator": "sklearn.linear_model.LogisticRegression",
    "params": {"max_iter": 1000},
}
ROWS = load_breast_cancer().data


def published(folder: Path, train: Train, **keys: Any) -> Reference:
    code, out, err = train({"lump": {**SPEC, **keys}}, "--json")
    assert code == 0, err
    return Reference.parse(json.loads(out)["reference"])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:lump")  # of values outside the training range
@pytest.mark.parametrize(
    "estimator",
    ["linear_model.LogisticRegression", pytest.param("ensemble.RandomForestClassifier", marks=pytest.mark.campaign)],
)
def test_threshold_decides_in_both_formats_and_is_told(tmp_path: Path, train: Train, estimator: str) -> None:
    params = {"n_estimators": 20} if "ensemble" in estimator else {"max_iter": 1000}
    reference = published(tmp_path, train, estimator=f"sklearn.{estimator}", params=params, threshold=0.83)
    store = open_store((tmp_path / ".registry").as_uri())
    answers = {}
    for format in ("onnx", "pickle"):
        served = load(store, reference, format=format)
        answers[format] = served.predict(ROWS)
        for answer in answers[format]:
            assert answer["prediction"] == int(answer["probabilities"]["1"] >= 0.83) and answer["threshold"] == 0.83
    clear = [abs(answer["probabilities"]["1"] - 0.83) > 1e-6 for answer in answers["pickle"]]
    labels = [
        [each["prediction"] for each, is_clear in zip(a, clear, strict=True) if is_clear] for a in answers.values()
    ]
    assert labels[0] == labels[1] and sum(answer["probabilities"]["1"] > 0.5 for answer in answers["pickle"]) != sum(
        answer["prediction"] for answer in answers["pickle"]
    )
    card = bytes(served.card()).decode()
    assert "is answered from a probability of 0.83 on" in card and "At the threshold of 0.83: balanced accuracy" in card
    assert ("threshold", "1 from a probability of 0.83 on") in served.task.facts
    schema = serving(served).get("/openapi.json").json()["components"]["schemas"]["Answer"]
    assert "threshold" in schema["properties"]


@pytest.mark.slow
def test_metrics_are_of_the_labels_that_are_answered(tmp_path: Path, train: Train) -> None:
    store = open_store((tmp_path / ".registry").as_uri(), create=True)
    recalls = []
    for threshold in (0.01, 0.99):
        manifest = load(store, published(tmp_path, train, threshold=threshold)).manifest
        recalls.append(manifest.evaluation.details.classes[1].recall)
    assert recalls[0] == 1.0 > recalls[1]


@pytest.mark.slow
def test_tuned_threshold_is_the_best_of_cross_validation_and_knows_no_held_out_row(
    tmp_path: Path, train: Train
) -> None:
    store = open_store((tmp_path / ".registry").as_uri(), create=True)
    tuned, again = (published(tmp_path, train, threshold="balanced_accuracy") for _ in range(2))
    one, other = (getattr(load(store, each).task, "threshold", None) for each in (tuned, again))
    assert one is not None and 0 < one < 1 and one == other


@pytest.mark.slow
def test_best_threshold_is_that_of_the_metric_and_of_equal_ones_the_nearest_to_a_half() -> None:
    random = np.random.default_rng(0)
    likely = random.random(500)
    truth = (random.random(500) < likely**2).astype(int)
    task = Classification(classes=(0, 1))
    predictions = Predictions(truth, task.answers(None, np.column_stack([1 - likely, likely])))
    found = best(predictions, "balanced_accuracy")
    scores = [balanced_accuracy_score(truth, likely >= each) for each in np.linspace(0.01, 0.99, 99)]
    assert balanced_accuracy_score(truth, likely >= found) >= max(scores) - 0.005
    easy = Predictions(
        np.array([0, 0, 1, 1]), task.answers(None, np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0, 1]]))
    )
    assert best(easy, "accuracy") == 0.5
    alike: Any = Answers(np.array([0, 1]), np.full((2, 2), 0.5), given_indices=np.array([0, 1]))
    assert best(Predictions(np.array([0, 1]), alike), "accuracy") == 0.5


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"data": "sklearn:wine"}, 'threshold is given, and the target "target" has 3 classes, not two'),
        (
            {"estimator": "sklearn.svm.LinearSVC", "params": {}},
            "threshold needs probabilities, which sklearn.svm.LinearSVC",
        ),
        (
            {"data": "sklearn:diabetes", "estimator": "sklearn.linear_model.Ridge", "params": {}},
            "threshold is given, and sklearn.linear_model.Ridge is a regressor; it has no classes",
        ),
        ({"threshold": 1.5}, "threshold is 1.5; it must be a probability above 0 and below 1"),
        ({"threshold": "roc_auc"}, 'threshold is "roc_auc"; it must be a probability above 0 and below 1'),
        ({"threshold": "accuracy", "cv": 3}, "has cv and a threshold to be tuned, on rows that the folds measure"),
    ],
    ids=str,
)
def test_threshold_that_cannot_be_is_a_sentence(tmp_path: Path, train: Train, keys: Any, message: str) -> None:
    code, out, err = train({"lump": {**SPEC, "threshold": 0.3, **keys}})
    assert (code, out) == (1, "") and message in err and err.count("\n") == 1
