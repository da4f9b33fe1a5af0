"""The gate: what a version must reach, by itself and beside the version that is promoted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from brinery.assessment.assessor import Assessor
from brinery.assessment.columns.arrays import to_array
from brinery.assessment.evaluate import measure
from brinery.assessment.metrics.table import BY_TASK, METRICS
from brinery.assessment.predictions import Predictions
from brinery.assessment.rules import GateSpec
from brinery.errors import BrineryError, DataInvalid, GateInvalid
from brinery.formats.choice import FORMATS
from brinery.loading.model_process import ModelProcess
from brinery.promotion.records import newest
from brinery.tasks.task import AnyAnswers
from brinery.versions.manifest import Gate, GateCheck, PromotedMetrics
from brinery.versions.read import Published, read_manifest
from brinery.versions.reference import Reference
from brinery.versions.store import Store

UNVOUCHED = (
    "is named by the bucket alone, and comes as a pickle, which runs what it holds; give its digest from outside: "
    "--baseline NAME=VERSION@sha256:…, or --trust-bucket"
)


@dataclass(frozen=True)
class Beside:
    """What a new version is compared with: `pin`, which was given from outside the bucket, or else what the newest
    record in the bucket names, for which nobody vouches. Of that only formats are loaded whose loading runs no code,
    but where `trust_bucket`.
    """

    pin: Reference | None = None
    trust_bucket: bool = False


@dataclass(frozen=True)
class Comparison:
    """The promoted version's metrics on the same held-out rows; without them, why there are none.

    `own` are the new version's, taken by the format that the promoted one was measured by. `nothing_promoted` says
    that there is no version to be compared with, which stands against nobody.
    """

    promoted: PromotedMetrics | None = None
    own: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""
    nothing_promoted: bool = False


def compare_with_promoted(
    assessor: Assessor,
    store: Store,
    name: str,
    rows: pd.DataFrame,
    by_format: Mapping[str, Callable[[], Predictions]],
    beside: Beside,
) -> Comparison:
    """Measure the promoted version on the rows that `by_format` gives the new version's predictions of.

    Both are measured by one format, the first that both have: rounding alone would make one better than the other.

    Args:
        rows: by column, shape (rows, features).
        by_format: what gives the new version's predictions by each of its formats; the one that is needed is asked.
    """
    promoted = beside.pin
    try:
        promoted = promoted or newest(store, name)
        if promoted is None:
            return Comparison(reason="nothing was promoted yet", nothing_promoted=True)
        published = read_manifest(store, promoted)
        if published.manifest.task.kind != assessor.kind:
            return Comparison(reason=f"{promoted} is of another task, {published.manifest.task.kind}")
        both = [each for each in FORMATS if each in by_format and each in published.manifest.artifacts]
        usable = [each for each in both if beside.pin or beside.trust_bucket or not FORMATS[each].runs_code]
        if not usable:
            return Comparison(reason=f"{promoted} {UNVOUCHED if both else 'comes in no format that the new one has'}")
        ours = by_format[usable[0]]()
        own, theirs = assessor.beside(ours, _answers(store, published, usable[0], rows))
        found = PromotedMetrics(
            reference=str(promoted), vouched=beside.pin is not None, metrics=measure(assessor, theirs)
        )
        return Comparison(found, measure(assessor, own))
    except DataInvalid as exc:
        return Comparison(reason=f"{promoted} does not fit the rows: {exc}")
    except BrineryError as exc:
        return Comparison(reason=f"the promoted version cannot be loaded: {exc}")
    except (KeyError, TypeError, ValueError) as exc:
        return Comparison(reason=f"{promoted} does not fit the rows: {type(exc).__name__}: {exc}")


def _answers(store: Store, published: Published, format: str, rows: pd.DataFrame) -> AnyAnswers:
    """A version's answers, by a process of its own: what it was published with is not ours."""
    features = published.manifest.features
    array = to_array(rows[[feature.name for feature in features]], features)
    with ModelProcess() as process:
        return process.answers(store, published, format, array)


def check_metrics(gate: GateSpec, assessor: Assessor) -> None:
    """Raise GateInvalid where a gate asks for a metric of another task."""
    own = [metric.name for metric in BY_TASK[assessor.kind]]
    for name in gate.metrics:
        if name not in own:
            raise GateInvalid(f"gate.{name} is no metric of a {assessor.estimators}; those are {', '.join(own)}")


def judge(found: Mapping[str, float], gate: GateSpec, comparison: Comparison) -> Gate:
    """The verdict: passed when every limit is kept; a gate without rules passes.

    Where nothing was promoted yet, `no_worse_than_promoted` passes; where the promoted version cannot be
    measured, it does not.

    Raises:
        GateInvalid: a rule for a metric that this model does not have.
    """
    for name in gate.metrics:
        if name not in found:
            raise GateInvalid(f"gate.{name} needs {METRICS[name].needs}")
    checks = []
    for metric, rule in gate.rules.items():
        value = found[metric]
        if rule.min is not None:
            kept = value >= rule.min
            checks.append(GateCheck(metric=metric, rule="min", side="least", limit=rule.min, value=value, passed=kept))
        if rule.max is not None:
            kept = value <= rule.max
            checks.append(GateCheck(metric=metric, rule="max", side="most", limit=rule.max, value=value, passed=kept))
    for metric, allowance in gate.no_worse_than_promoted.items():
        checks.append(_beside(metric, found[metric], allowance, comparison))
    return Gate(passed=all(check.passed for check in checks), checks=tuple(checks))


def _beside(name: str, value: float, allowance: float, comparison: Comparison) -> GateCheck:
    metric, promoted = METRICS[name], comparison.promoted
    limit, passed = None, comparison.nothing_promoted
    reason = comparison.reason
    if promoted is not None and name in promoted.metrics:
        value = comparison.own.get(name, value)
        limit = metric.worsened(promoted.metrics[name], allowance)
        passed, reason = metric.no_worse(value, limit), promoted.reference
    elif promoted is not None:
        reason = f"{promoted.reference} has no {name}: it needs {metric.needs}"
    return GateCheck(
        metric=name,
        rule="no_worse_than_promoted",
        side=metric.side,
        limit=limit,
        value=value,
        passed=passed,
        reason=reason,
    )
