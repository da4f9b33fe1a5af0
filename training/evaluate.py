"""Metrics on the held-out rows, and the gate that they must pass."""

from collections.abc import Mapping

import numpy as np
from sklearn import metrics

from registry import Gate, GateCheck
from training.errors import SpecInvalid
from training.spec import Metric, Rule


def evaluate(
    truth: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray | None, classes: np.ndarray
) -> dict[str, float]:
    """The metrics of scikit-learn by their names in models.json; ROC AUC is one-vs-rest, macro-averaged.

    Args:
        truth, predicted: labels, shape (rows,).
        probabilities: shape (rows, classes), or None where the model has none: then ROC AUC and log loss are absent.
        classes: all labels, in the probabilities' order.
    """
    found = {
        "accuracy": metrics.accuracy_score(truth, predicted),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, predicted),
        "macro_f1": metrics.f1_score(truth, predicted, average="macro", zero_division=0.0),
    }
    if probabilities is not None:
        binary = len(classes) == 2
        scores = probabilities[:, 1] if binary else probabilities
        found["roc_auc"] = metrics.roc_auc_score(truth, scores, multi_class="ovr", labels=None if binary else classes)
        found["log_loss"] = metrics.log_loss(truth, probabilities, labels=classes)
    return {name: float(value) for name, value in found.items()}


def judge(name: str, found: Mapping[str, float], rules: Mapping[Metric, Rule]) -> Gate:
    """The gate's verdict: passed when every limit is kept; a gate without rules passes.

    Raises:
        SpecInvalid: a rule for a metric that this model does not have.
    """
    checks = []
    for metric, rule in rules.items():
        if metric not in found:
            raise SpecInvalid(
                f"models.json: {name}.gate.{metric} needs probabilities, which this estimator does not give"
            )
        value = found[metric]
        if rule.min is not None:
            checks.append(GateCheck(metric=metric, rule="min", limit=rule.min, value=value, passed=value >= rule.min))
        if rule.max is not None:
            checks.append(GateCheck(metric=metric, rule="max", limit=rule.max, value=value, passed=value <= rule.max))
    return Gate(passed=all(check.passed for check in checks), checks=tuple(checks))
