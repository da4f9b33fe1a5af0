"""Metrics against scikit-learn's, and intervals against what is known of them."""

import numpy as np
import pytest
from sklearn import metrics
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression

from brinery.assessment.classification import ClassificationAssessor, curves, log_losses
from brinery.assessment.evaluate import beats_baseline, notes_on_figures
from brinery.assessment.evaluate import evaluate as evaluate_task
from brinery.assessment.evaluate import measure as measure_task
from brinery.assessment.predictions import Predictions
from brinery.rows.feature import Feature
from brinery.versions.manifest import Evaluation
from tests.examples import content, predicted

CLASSIFICATION = ClassificationAssessor()


def measure(predictions: Predictions) -> dict[str, float]:
    return measure_task(CLASSIFICATION, predictions)


def evaluate(predictions: Predictions, train_y: np.ndarray, random_state: int) -> Evaluation:
    return evaluate_task(CLASSIFICATION, predictions, train_y, random_state)


def guesses(rows: int, classes: int, seed: int = 0, skill: float = 1.0, decimals: int = 9) -> Predictions:
    """Probabilities that know a little of the truth; few decimals make ties."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, classes, rows)
    scores = random.normal(size=(rows, classes)) + skill * (truth[:, None] == np.arange(classes))
    probabilities = np.exp(scores).round(decimals) + 10.0**-decimals
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return predicted(truth, probabilities.argmax(axis=1), probabilities, np.arange(classes))


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("decimals", [9, 1])
def test_weighted_area_and_losses_are_those_of_scikit_learn(classes: int, decimals: int) -> None:
    predictions = guesses(400, classes, decimals=decimals)
    assert predictions.probabilities is not None
    weights = np.random.default_rng(1).integers(0, 3, 400).astype(float)
    for number, curve in enumerate(curves(predictions.probabilities, predictions.truth)):
        k = 1 if classes == 2 else number
        expected = metrics.roc_auc_score(predictions.truth == k, predictions.probabilities[:, k], sample_weight=weights)
        assert curve.area(weights) == pytest.approx(expected, abs=1e-12)
    losses = log_losses(predictions.probabilities, predictions.truth)
    assert losses.mean() == pytest.approx(measure(predictions)["log_loss"], abs=1e-12)


@pytest.mark.parametrize("classes", [2, 3])
def test_intervals_hold_their_metrics_and_narrow_with_more_rows(classes: int) -> None:
    widths = []
    for rows in (100, 2500):
        predictions = guesses(rows, classes)
        found = evaluate(predictions, predictions.truth, 0)
        values = measure(predictions)
        assert set(found.intervals) == set(values)
        for name, (low, high) in found.intervals.items():
            assert low < values[name] < high, name
        widths.append({name: high - low for name, (low, high) in found.intervals.items()})
    for name in widths[0]:
        assert widths[0][name] / widths[1][name] == pytest.approx(5, rel=0.4), name


def test_interval_of_accuracy_is_as_wide_as_the_binomial_one() -> None:
    predictions = guesses(2000, 2)
    low, high = evaluate(predictions, predictions.truth, 0).intervals["accuracy"]
    p = measure(predictions)["accuracy"]
    assert high - low == pytest.approx(2 * 1.96 * (p * (1 - p) / 2000) ** 0.5, rel=0.15)


def test_intervals_are_the_same_for_the_same_seed() -> None:
    predictions = guesses(100, 3)
    first, again, other = (evaluate(predictions, predictions.truth, seed).intervals for seed in (0, 0, 1))
    assert first == again != other


def test_baseline_answers_the_most_frequent_training_class() -> None:
    predictions = guesses(90, 3)
    train_y = np.array([2] * 60 + [0] * 30 + [1] * 10)
    baseline = evaluate(predictions, train_y, 0).baseline
    assert baseline["accuracy"] == (predictions.truth == 2).mean()
    assert baseline["roc_auc"] == 0.5
    shares = np.array([0.3, 0.1, 0.6])
    assert baseline["log_loss"] == pytest.approx(-np.log(shares[predictions.truth]).mean())


def test_classes_have_precision_recall_and_support() -> None:
    predictions = guesses(300, 3)
    precision, recall, _, support = metrics.precision_recall_fscore_support(predictions.truth, predictions.labels)
    found = evaluate(predictions, predictions.truth, 0)
    assert [c.precision for c in found.details.classes] == pytest.approx(precision)
    assert [c.recall for c in found.details.classes] == pytest.approx(recall)
    assert [c.support for c in found.details.classes] == support.tolist()
    assert found.details.confusion is not None
    assert np.array_equal(found.details.confusion, metrics.confusion_matrix(predictions.truth, predictions.labels))
    for one in found.details.classes:
        assert one.precision_interval[0] < one.precision < one.precision_interval[1]
        assert one.recall_interval[0] < one.recall < one.recall_interval[1]


def test_a_class_without_rows_or_answers_is_measured_without_a_warning() -> None:
    predictions = predicted(
        np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0]), np.array([[0.8, 0.1, 0.1]] * 4), np.arange(3)
    )
    found = measure(predictions)
    assert "roc_auc" not in found
    assert found["balanced_accuracy"] == 0.75
    evaluation = evaluate(predictions, predictions.truth, 0)
    unseen = evaluation.details.classes[2]
    assert (unseen.precision, unseen.recall, unseen.support) == (0, 0, 0)
    assert "roc_auc" not in evaluation.intervals


@pytest.mark.slow
def test_more_than_100_classes_have_no_confusion_matrix() -> None:
    predictions = guesses(2000, 101, skill=5)
    assert evaluate(predictions, predictions.truth, 0).details.confusion is None


def test_labels_alone_have_the_metrics_of_labels() -> None:
    predictions = guesses(100, 3)
    labels = predicted(predictions.truth, predictions.labels, None, predictions.classes)
    assert set(measure(labels)) == {"accuracy", "balanced_accuracy", "macro_f1"}
    found = evaluate(labels, labels.truth, 0)
    assert set(found.intervals) == set(found.baseline) == {"accuracy", "balanced_accuracy", "macro_f1"}


@pytest.mark.slow
def test_wine_is_measured_as_by_scikit_learn() -> None:
    x, y = load_wine(return_X_y=True)
    model = LogisticRegression(max_iter=10_000).fit(x[::2], y[::2])
    predictions = predicted(y, model.predict(x), model.predict_proba(x), model.classes_)
    found = measure(predictions)
    assert found["accuracy"] == metrics.accuracy_score(y, model.predict(x))
    assert found["macro_f1"] == metrics.f1_score(y, model.predict(x), average="macro")
    assert found["roc_auc"] == metrics.roc_auc_score(y, model.predict_proba(x), multi_class="ovr")


@pytest.mark.parametrize(("right", "beats"), [(5, False), (6, False), (7, True)])
def test_model_beats_its_baseline_where_its_main_metric_is_better(right: int, beats: bool) -> None:
    truth = np.array(["a"] * 6 + ["b"] * 4)
    labels = np.where(np.arange(10) < right, truth, np.where(truth == "a", "b", "a"))
    predictions = predicted(truth, labels, None, ["a", "b"])
    made = content(
        "m",
        (Feature(name="x", kind="boolean"),),
        ("a", "b"),
        metrics=measure(predictions),
        evaluation=evaluate(predictions, truth, 0),
    )
    assert beats_baseline(made) == beats
    few = "3 rows are held out; figures of so few say little"
    assert (notes_on_figures(made) == [few]) == beats
