"""The gate: limits, and the version that is promoted."""

import itertools
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from brinery.assessment.assessor import ASSESSORS
from brinery.assessment.gate import UNVOUCHED, Beside, Comparison, check_metrics, compare_with_promoted, judge
from brinery.assessment.predictions import Predictions
from brinery.assessment.rules import GateSpec
from brinery.errors import GateInvalid
from brinery.promotion.records import write
from brinery.tasks.regression import Estimates
from brinery.versions.manifest import PromotedMetrics
from brinery.versions.publish import publish
from brinery.versions.reference import Reference
from brinery.versions.store import Store
from tests.brinery.promotion.conftest import record
from tests.examples import answering, content, example, frame, pickled, predicted, publish_example, publish_files

TRUSTING = Beside(trust_bucket=True)
BEFORE = PromotedMetrics(vouched=True, reference="wine:1@sha256:0", metrics={"accuracy": 0.9, "log_loss": 0.3})


def compared(
    store: Store, name: str, rows: pd.DataFrame, truth: np.ndarray, classes: np.ndarray, beside: Beside = TRUSTING
) -> Comparison:
    """The promoted version beside a new one of these classes."""
    by_format = dict.fromkeys(("pickle", "onnx"), lambda: predicted(truth, truth, None, classes))
    return compare_with_promoted(ASSESSORS["classification"], store, name, rows, by_format, beside)


def test_version_of_another_task_is_not_compared(folder_store: Store) -> None:
    reference = publish_example(folder_store, "progress")
    rows, truth = frame("progress")
    found = compared(folder_store, "progress", rows, truth > 100, np.array([False, True]), Beside(reference))
    assert found.reason == f"{reference} is of another task, regression" and found.promoted is None


@pytest.mark.slow
def test_regressors_are_measured_by_the_same_format_on_the_same_rows(folder_store: Store) -> None:
    reference = publish_example(folder_store, "progress")
    rows, truth = frame("progress")
    ours = Predictions(truth, Estimates(truth + 1.0))
    found = compare_with_promoted(
        ASSESSORS["regression"], folder_store, "progress", rows, {"onnx": lambda: ours}, Beside(reference)
    )
    assert found.promoted is not None and 0.4 < found.promoted.metrics["r2"] < 0.6
    assert found.own["rmse"] == pytest.approx(1.0)
    kept = GateSpec(no_worse_than_promoted={"rmse": 0.0, "r2": 0.0}, rmse={"max": 2.0}, r2={"min": -1.0})
    assert judge(found.own, kept, found).passed
    worse = {**found.own, "rmse": 60.0}
    assert not judge(worse, GateSpec(rmse={"max": 2.0}), found).passed


@pytest.mark.parametrize(
    ("kind", "rules", "message"),
    [
        ("classification", {"rmse": {"max": 1}}, "gate.rmse is no metric of a classifier; those are accuracy, "),
        ("regression", {"no_worse_than_promoted": {"accuracy": 0}}, "gate.accuracy is no metric of a regressor; those"),
    ],
)
def test_gate_of_another_task_is_a_sentence(kind: str, rules: dict[str, object], message: str) -> None:
    with pytest.raises(GateInvalid, match=message):
        check_metrics(gate(**rules), ASSESSORS[kind])


def gate(**keys: object) -> GateSpec:
    return GateSpec(**keys)


SECONDS = itertools.count()


def promote(store: Store, reference: Reference) -> None:
    """Write a record that is a second newer, as names of records have it, than the one before."""
    write(store, record(store, reference, at=datetime.now(UTC) + timedelta(seconds=next(SECONDS))))


@pytest.mark.parametrize(
    ("rules", "value", "passed"),
    [
        ({"accuracy": {"min": 0.9}}, 0.9, True),
        ({"accuracy": {"min": 0.9}}, 0.899, False),
        ({"accuracy": {"max": 0.9}}, 0.901, False),
        ({"accuracy": {"min": 0.5, "max": 0.8}}, 0.7, True),
        ({"no_worse_than_promoted": {"accuracy": 0}}, 0.9, True),
        ({"no_worse_than_promoted": {"accuracy": 0}}, 0.89, False),
        ({"no_worse_than_promoted": {"accuracy": 0.02}}, 0.89, True),
        ({"no_worse_than_promoted": {"log_loss": 0}}, 0.31, False),
        ({"no_worse_than_promoted": {"log_loss": 0.02}}, 0.31, True),
        ({"no_worse_than_promoted": {"log_loss": 0}}, 0.1, True),
    ],
    ids=str,
)
def test_gate_judges_each_rule(rules: dict[str, object], value: float, passed: bool) -> None:
    verdict = judge({"accuracy": value, "log_loss": value}, gate(**rules), Comparison(BEFORE))
    assert verdict.passed is passed
    assert all(check.value == value for check in verdict.checks)


def test_gate_with_nothing_promoted_passes_and_says_so() -> None:
    verdict = judge(
        {"accuracy": 0.5},
        gate(no_worse_than_promoted={"accuracy": 0}),
        Comparison(reason="nothing yet", nothing_promoted=True),
    )
    assert verdict.passed
    assert verdict.checks[0].text == "accuracy is 0.5000: nothing yet"


def test_gate_beside_a_version_that_cannot_be_measured_fails() -> None:
    verdict = judge(
        {"accuracy": 1.0},
        gate(no_worse_than_promoted={"accuracy": 0}),
        Comparison(reason="nothing was promoted yet: why"),
    )
    assert not verdict.passed
    assert "nothing was promoted yet: why" in verdict.checks[0].text


def test_gate_for_a_metric_without_probabilities_is_refused() -> None:
    with pytest.raises(GateInvalid, match="^gate.log_loss needs probabilities"):
        judge({"accuracy": 1.0}, gate(no_worse_than_promoted={"log_loss": 0}), Comparison(BEFORE))


@pytest.mark.parametrize("name", ["wine", "mixed"])
def test_promoted_version_is_measured_on_the_same_rows(folder_store: Store, name: str) -> None:
    rows, truth = frame(name)
    reference = publish_example(folder_store, name)
    first = compared(folder_store, name, rows, truth, np.unique(truth))
    assert first == Comparison(reason="nothing was promoted yet", nothing_promoted=True)
    promote(folder_store, reference)
    found = compared(folder_store, name, rows, truth, np.unique(truth)).promoted
    assert found is not None
    assert found.reference == str(reference)
    assert found.metrics["accuracy"] > 0.9
    half = compared(folder_store, name, rows[::2], truth[::2], np.unique(truth)).promoted
    assert half is not None and half.metrics["log_loss"] != found.metrics["log_loss"]


def test_promoted_version_with_other_features_or_classes_is_not_compared(folder_store: Store) -> None:
    rows, truth = frame("wine")
    promote(folder_store, publish_example(folder_store, "wine"))
    found = compared(folder_store, "wine", rows.drop(columns="ash"), truth, np.unique(truth))
    assert found.promoted is None and "does not fit the rows" in found.reason and "ash" in found.reason
    texts = truth.astype(str)
    found = compared(folder_store, "wine", rows, texts, np.unique(texts))
    assert found.promoted is None and "its classes are [0, 1, 2]" in found.reason


def test_promoted_version_of_other_libraries_is_not_compared(folder_store: Store) -> None:
    described, files = example("alcohol")
    pickle = described.artifacts["pickle"]
    pickle = pickle.model_copy(update={"libraries": {**pickle.libraries, "numpy": "0.0.0"}})
    old = described.model_copy(update={"artifacts": {"pickle": pickle}})
    promote(folder_store, publish(folder_store, old, files, lambda *_: None).reference)
    rows, truth = frame("alcohol")
    found = compared(folder_store, "alcohol", rows, truth, np.unique(truth))
    assert (
        found.promoted is None
        and "the promoted version cannot be loaded" in found.reason
        and "numpy 0.0.0" in found.reason
    )


@pytest.mark.slow
def test_promoted_version_that_knows_fewer_classes_is_compared(folder_store: Store) -> None:
    from sklearn.linear_model import LogisticRegression

    from brinery.loading.golden import make_golden
    from brinery.rows.feature import Feature

    rows, truth = frame("alcohol")
    two = truth < 2
    fitted = LogisticRegression().fit(rows[two].to_numpy(), truth[two])
    x = rows[two].to_numpy()[:5]
    golden = make_golden(x.tolist(), *answering(fitted, x))
    features = (Feature(name="alcohol", kind="number", minimum=0, maximum=20),)
    described = content("alcohol", features, (0, 1))
    files = {"model.joblib": pickled(fitted), "golden.json": golden}
    promote(folder_store, publish_files(folder_store, described, files))
    found = compared(folder_store, "alcohol", rows, truth, np.arange(3)).promoted
    assert found is not None
    assert found.metrics["accuracy"] == (fitted.predict(rows.to_numpy()) == truth).mean()
    assert found.metrics["log_loss"] > 5  # class 2 has probability 0 there


def test_version_whose_pin_came_from_outside_is_compared_by_it(folder_store: Store) -> None:
    rows, truth = frame("alcohol")
    first, second = (publish_example(folder_store, "alcohol") for _ in range(2))
    promote(folder_store, second)
    found = compared(folder_store, "alcohol", rows, truth, np.unique(truth), Beside(first)).promoted
    assert found is not None and (found.reference, found.vouched) == (str(first), True)
    other = Reference("alcohol", 1, "0" * 64)
    comparison = compared(folder_store, "alcohol", rows, truth, np.unique(truth), Beside(other))
    assert comparison.promoted is None and "it is not the pinned one" in comparison.reason


def test_version_that_the_bucket_alone_names_is_marked_and_its_pickle_is_not_loaded(folder_store: Store) -> None:
    for name in ("wine", "alcohol"):
        promote(folder_store, publish_example(folder_store, name))
    rows, truth = frame("wine")
    found = compared(folder_store, "wine", rows, truth, np.unique(truth), Beside()).promoted
    assert found is not None and not found.vouched  # by its ONNX file
    described, files = example("alcohol")
    alone = described.model_copy(update={"artifacts": {"pickle": described.artifacts["pickle"]}})
    promote(folder_store, publish_files(folder_store, alone, {k: v for k, v in files.items() if k != "model.onnx"}))
    rows, truth = frame("alcohol")
    comparison = compared(folder_store, "alcohol", rows, truth, np.unique(truth), Beside())
    assert comparison.promoted is None and comparison.reason.endswith(UNVOUCHED)
    verdict = judge({"accuracy": 1.0}, gate(no_worse_than_promoted={"accuracy": 0}), comparison)
    assert (verdict.passed, verdict.verdict) == (False, "not compared")


@pytest.mark.parametrize(
    ("limits", "verdict"), [({}, "none"), ({"accuracy": {"min": 0.1}}, "passed"), ({"accuracy": {"min": 1}}, "FAILED")]
)
def test_verdict_is_said_in_a_word(limits: dict[str, object], verdict: str) -> None:
    assert judge({"accuracy": 0.5}, gate(**limits), Comparison()).verdict == verdict


@pytest.mark.parametrize("beside", [Beside(), TRUSTING])
def test_records_that_are_none_or_too_many_are_not_compared(folder_store: Store, beside: Beside) -> None:
    rows, truth = frame("wine")
    for i in range(12):
        folder_store.create(f"_promotions/wine/9999010{i % 10}T000000Z-{i:064x}.json", b"{}")
    promote(folder_store, publish_example(folder_store, "wine"))
    found = compared(folder_store, "wine", rows, truth, np.unique(truth), beside)
    assert found.promoted is None and not found.nothing_promoted and "the newest records below" in found.reason
