"""The gate: what a version must reach, by itself and beside the version that is promoted."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from brinery.assessment.columns.infer import to_array
from brinery.assessment.evaluate import Predictions, measure
from brinery.errors import RegistryError
from brinery.loading.load import load
from brinery.promotion.records import history, live
from brinery.versions.manifest import LOWER_IS_BETTER, Gate, GateCheck, PromotedMetrics
from brinery.versions.reference import Reference
from brinery.versions.store import Store
from training.errors import SpecInvalid
from training.spec import GateSpec

CHUNK = 50_000


def measure_promoted(
    store: Store, name: str, rows: pd.DataFrame, truth: np.ndarray, classes: np.ndarray
) -> tuple[PromotedMetrics | None, str]:
    """The promoted version's metrics on the same rows; without them, why there are none.

    Args:
        rows: the held-out rows by column, shape (rows, features).
        truth: their labels, shape (rows,).
        classes: those of the new model; where the promoted one does not know one, its probability is 0.
    """
    try:
        promoted = live(history(store, name))
        if promoted is None:
            return None, "nothing was promoted yet"
        return PromotedMetrics(
            reference=str(promoted), metrics=measure(_predictions(store, promoted, rows, truth, classes))
        ), ""
    except RegistryError as exc:
        return None, f"the promoted version cannot be loaded: {exc}"
    except (KeyError, TypeError, ValueError) as exc:
        return None, f"{promoted} does not fit the rows: {type(exc).__name__}: {exc}"


def judge(
    name: str, found: Mapping[str, float], gate: GateSpec, promoted: PromotedMetrics | None = None, why_not: str = ""
) -> Gate:
    """The verdict: passed when every limit is kept; a gate without rules passes.

    Where nothing was promoted yet, `no_worse_than_promoted` passes; where the promoted version cannot be
    measured, it does not.

    Raises:
        SpecInvalid: a rule for a metric that this model does not have.
    """
    for metric in [*gate.rules, *gate.no_worse_than_promoted]:
        if metric not in found:
            raise SpecInvalid(
                f"models.json: {name}.gate.{metric} needs probabilities, which this estimator does not give"
            )
    checks = []
    for metric, rule in gate.rules.items():
        value = found[metric]
        if rule.min is not None:
            checks.append(GateCheck(metric=metric, rule="min", limit=rule.min, value=value, passed=value >= rule.min))
        if rule.max is not None:
            checks.append(GateCheck(metric=metric, rule="max", limit=rule.max, value=value, passed=value <= rule.max))
    for metric, allowance in gate.no_worse_than_promoted.items():
        checks.append(_beside(metric, found[metric], allowance, promoted, why_not))
    return Gate(passed=all(check.passed for check in checks), checks=tuple(checks))


def _beside(metric: str, value: float, allowance: float, promoted: PromotedMetrics | None, why_not: str) -> GateCheck:
    rule = "no_worse_than_promoted"
    if promoted is None or metric not in promoted.metrics:
        reason = why_not or f"{promoted.reference if promoted else 'the promoted version'} gives no probabilities"
        passed = why_not == "nothing was promoted yet"
        return GateCheck(metric=metric, rule=rule, limit=None, value=value, passed=passed, reason=reason)
    lower = metric in LOWER_IS_BETTER
    limit = promoted.metrics[metric] + (allowance if lower else -allowance)
    passed = value <= limit if lower else value >= limit
    return GateCheck(metric=metric, rule=rule, limit=limit, value=value, passed=passed, reason=promoted.reference)


def _predictions(
    store: Store, promoted: Reference, rows: pd.DataFrame, truth: np.ndarray, classes: np.ndarray
) -> Predictions:
    model = load(store, promoted)
    features = model.manifest.features
    array = to_array(rows[[feature.name for feature in features]], features)
    parts = [model.predictor.predict(array[start : start + CHUNK]) for start in range(0, len(array), CHUNK)]
    own = np.asarray(model.manifest.classes)
    labels = own[np.concatenate([indices for indices, _ in parts])]
    if own.dtype.kind != classes.dtype.kind:
        raise ValueError(f"its classes are {own.tolist()[:5]}, those of the data {classes.tolist()[:5]}")
    union = np.union1d(classes, own)
    probabilities = None
    if parts[0][1] is not None:
        probabilities = np.zeros((len(array), len(union)))
        probabilities[:, np.searchsorted(union, own)] = np.concatenate([part for _, part in parts])
        probabilities /= probabilities.sum(axis=1, keepdims=True)  # ONNX gives single precision
    return Predictions(truth, labels, probabilities, union)
