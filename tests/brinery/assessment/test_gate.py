"""The gate: limits, and the version that is promoted."""

from datetime import UTC, datetime

import numpy as np
import pytest

from brinery.assessment.gate import judge, measure_promoted
from brinery.promotion.records import Promotion, append, history
from brinery.versions.manifest import PromotedMetrics
from brinery.versions.publish import publish
from brinery.versions.reference import Reference
from brinery.versions.store import Store
from tests.examples import content, example, frame, pickled, publish_example
from training.errors import SpecInvalid
from training.spec import GateSpec

BEFORE = PromotedMetrics(reference="wine:1@sha256:0", metrics={"accuracy": 0.9, "log_loss": 0.3})


def gate(**keys: object) -> GateSpec:
    return GateSpec.model_validate(keys)


def promote(store: Store, reference: Reference) -> None:
    entry = Promotion(action="promote", environment="test", was=None, to=str(reference), by="me")
    append(store, reference.name, history(store, reference.name), entry, datetime.now(UTC))


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
    verdict = judge("wine", {"accuracy": value, "log_loss": value}, gate(**rules), BEFORE)
    assert verdict.passed is passed
    assert all(check.value == value for check in verdict.checks)


def test_gate_with_nothing_promoted_passes_and_says_so() -> None:
    verdict = judge(
        "wine", {"accuracy": 0.5}, gate(no_worse_than_promoted={"accuracy": 0}), None, "nothing was promoted yet"
    )
    assert verdict.passed
    assert verdict.checks[0].text == "accuracy is 0.5000: nothing was promoted yet"


def test_gate_beside_a_version_that_cannot_be_measured_fails() -> None:
    verdict = judge(
        "wine", {"accuracy": 1.0}, gate(no_worse_than_promoted={"accuracy": 0}), None, "wine:1 cannot be loaded: why"
    )
    assert not verdict.passed
    assert "wine:1 cannot be loaded: why" in verdict.checks[0].text


def test_gate_for_a_metric_without_probabilities_is_refused() -> None:
    with pytest.raises(SpecInvalid, match="wine.gate.log_loss needs probabilities"):
        judge("wine", {"accuracy": 1.0}, gate(no_worse_than_promoted={"log_loss": 0}), BEFORE)


@pytest.mark.parametrize("name", ["wine", "mixed"])
def test_promoted_version_is_measured_on_the_same_rows(folder_store: Store, name: str) -> None:
    rows, truth = frame(name)
    reference = publish_example(folder_store, name)
    assert measure_promoted(folder_store, name, rows, truth, np.unique(truth)) == (None, "nothing was promoted yet")
    promote(folder_store, reference)
    found, why_not = measure_promoted(folder_store, name, rows, truth, np.unique(truth))
    assert found is not None and why_not == ""
    assert found.reference == str(reference)
    assert found.metrics["accuracy"] > 0.9
    half, _ = measure_promoted(folder_store, name, rows[::2], truth[::2], np.unique(truth))
    assert half is not None and half.metrics["log_loss"] != found.metrics["log_loss"]


def test_promoted_version_with_other_features_or_classes_is_not_compared(folder_store: Store) -> None:
    rows, truth = frame("wine")
    promote(folder_store, publish_example(folder_store, "wine"))
    found, why_not = measure_promoted(folder_store, "wine", rows.drop(columns="ash"), truth, np.unique(truth))
    assert found is None and "does not fit the rows" in why_not and "ash" in why_not
    texts = truth.astype(str)
    found, why_not = measure_promoted(folder_store, "wine", rows, texts, np.unique(texts))
    assert found is None and "its classes are [0, 1, 2]" in why_not


def test_promoted_version_of_other_libraries_is_not_compared(folder_store: Store) -> None:
    described, files = example("alcohol")
    old = described.model_copy(update={"libraries": {**described.libraries, "numpy": "0.0.0"}, "onnx": None})
    files = {name: data for name, data in files.items() if name != "model.onnx"}
    promote(folder_store, publish(folder_store, old, files, check=lambda *_: None))
    rows, truth = frame("alcohol")
    found, why_not = measure_promoted(folder_store, "alcohol", rows, truth, np.unique(truth))
    assert found is None and "the promoted version cannot be loaded" in why_not and "numpy 0.0.0" in why_not


def test_promoted_version_that_knows_fewer_classes_is_compared(folder_store: Store) -> None:
    from sklearn.linear_model import LogisticRegression

    from brinery.loading.golden import make_golden
    from brinery.rows.feature import Feature

    rows, truth = frame("alcohol")
    two = truth < 2
    fitted = LogisticRegression().fit(rows[two].to_numpy(), truth[two])
    x = rows[two].to_numpy()[:5]
    golden = make_golden(x.tolist(), fitted.predict(x).tolist(), fitted.predict_proba(x))
    features = (Feature(name="alcohol", kind="number", minimum=0, maximum=20),)
    described = content("alcohol", features, (0, 1))
    promote(folder_store, publish(folder_store, described, {"model.joblib": pickled(fitted), "golden.json": golden}))
    found, _ = measure_promoted(folder_store, "alcohol", rows, truth, np.arange(3))
    assert found is not None
    assert found.metrics["accuracy"] == (fitted.predict(rows.to_numpy()) == truth).mean()
    assert found.metrics["log_loss"] > 5  # class 2 has probability 0 there
