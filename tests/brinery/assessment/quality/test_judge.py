"""Judging quality: how often it raises an alarm for nothing, and how often it sees a drop, in simulated looks."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from brinery.assessment.assessor import ASSESSORS
from brinery.assessment.columns.infer import infer_features
from brinery.assessment.evaluate import intervals_of, measure, resampled
from brinery.assessment.predictions import Predictions
from brinery.assessment.quality.judge import Judged, judge_all, measured
from brinery.tasks.classification import Answers, Classification, ClassificationDetails, ClassMetrics
from brinery.tasks.regression import Estimates, Regression, RegressionDetails
from brinery.versions.manifest import Evaluation, Gate, GateCheck, Manifest, TrainingData
from tests.examples import content, frame

Make = Callable[[np.random.Generator, int], Predictions]
FEATURES = infer_features(frame("alcohol")[0])


def classifier(accuracy: float, *shares: float) -> Make:
    """Rows of classes of these shares, answered right so often, with probabilities that say little."""

    def make(random: np.random.Generator, rows: int) -> Predictions:
        count = len(shares)
        truth = random.choice(count, rows, p=shares)
        right = random.random(rows) < accuracy
        answered = np.where(right, truth, (truth + random.integers(1, count, rows)) % count)
        sure = random.uniform(0.5, 1, rows)
        probabilities = np.repeat(((1 - sure) / (count - 1))[:, None], count, axis=1)
        probabilities[np.arange(rows), answered] = sure
        return Predictions(truth, Answers(np.arange(count), probabilities, given_indices=answered))

    return make


def regressor(noise: float) -> Make:
    """Errors with heavy tails, Student's with four degrees of freedom."""

    def make(random: np.random.Generator, rows: int) -> Predictions:
        truth = random.normal(0, 1, rows)
        return Predictions(truth, Estimates(truth + noise * random.standard_t(4, rows)))

    return make


def manifest_of(held_out: Predictions, checks: tuple[GateCheck, ...] = ()) -> Manifest:
    kind = "classification" if isinstance(held_out.answers, Answers) else "regression"
    assessor = ASSESSORS[kind]
    rows = len(held_out.truth)
    task: Any
    details: Any
    if kind == "classification":
        supports = np.bincount(held_out.truth_indices, minlength=len(held_out.classes)).tolist()
        task = Classification(classes=tuple(held_out.classes.tolist()))
        no = {"precision": 0.0, "precision_interval": (0.0, 0.0), "recall": 0.0, "recall_interval": (0.0, 0.0)}
        classes = tuple(ClassMetrics.model_validate({**no, "support": each}) for each in supports)
        details = ClassificationDetails(classes=classes, confusion=None)
    else:
        task = Regression(mean=0.0, deviation=1.0)
        details = RegressionDetails(bias=0.0, bias_interval=(0.0, 0.0), residuals=(0.0,) * 7)
    small = content(
        "wine",
        FEATURES,
        (0, 1),
        task=task,
        metrics=measure(assessor, held_out),
        evaluation=Evaluation(
            folds=None,
            intervals=intervals_of(assessor, resampled(assessor, held_out, 0, 200)),
            baseline={},
            details=details,
            promoted=None,
            not_compared=None,
        ),
        gate=Gate(passed=True, checks=checks),
        data=TrainingData(source="test", sha256="0" * 64, rows=rows, columns=2, train_rows=rows, test_rows=rows),
    )
    return Manifest.model_construct(**dict(small), schema_version=2, version=1, files={})


def look(before: Make, rows_before: int, now: Make, rows: int, seed: int, *checks: GateCheck) -> list[Judged]:
    random = np.random.default_rng(seed)
    manifest = manifest_of(before(random, rows_before), checks)
    (judged,) = judge_all([measured(manifest, now(random, rows), [], resamples=200)])
    return judged


SAME = {
    "two classes": (classifier(0.9, 0.5, 0.5), 1000, 300),
    "nearly all right, few rows": (classifier(0.98, 0.5, 0.5), 100, 60),
    "a rare class": (classifier(0.85, 0.8, 0.14, 0.06), 600, 400),
    "hardly better than chance, few rows": (classifier(0.3, 0.25, 0.25, 0.25, 0.25), 300, 40),
    "numbers": (regressor(0.5), 1000, 200),
    "numbers, few before": (regressor(0.5), 40, 1000),
    "numbers, few now": (regressor(0.5), 1000, 25),
}


@pytest.mark.slow
@pytest.mark.parametrize("looks", [20, pytest.param(40, marks=pytest.mark.campaign)])
@pytest.mark.parametrize(("make", "before", "rows"), SAME.values(), ids=SAME)
def test_alarms_for_nothing_are_few(
    make: Make, before: int, rows: int, looks: int, record_property: Callable[[str, object], None]
) -> None:
    """At most one look in 1,000, over all metrics; of 60 looks more than 2 would happen once in 30,000."""
    alarms = sum(any(each.verdict == "worse" for each in look(make, before, make, rows, seed)) for seed in range(looks))
    record_property("false alarms of quality", f"{alarms} in {looks} looks")
    assert alarms <= (2 if looks >= 60 else 1)


@pytest.mark.slow
@pytest.mark.parametrize("looks", [20, pytest.param(60, marks=pytest.mark.campaign)])
def test_drop_that_would_have_been_seen_is_seen_four_times_in_five(
    looks: int, record_property: Callable[[str, object], None]
) -> None:
    """Of accuracy, by as much as the metric says by itself of rows that are as good as before."""
    before, rows = classifier(0.9, 0.5, 0.5), 800
    drops = [each.drop for each in look(before, 4000, before, rows, 0) if each.metric.name == "accuracy"]
    assert drops[0] is not None and 0.04 < drops[0] < 0.07
    worse = classifier(0.9 - drops[0], 0.5, 0.5)
    seen = sum(look(before, 4000, worse, rows, seed)[0].verdict == "worse" for seed in range(looks))
    record_property(f"a drop of accuracy by {drops[0]:.3f}", f"seen in {seen} of {looks} looks of {rows} rows")
    assert seen >= 0.7 * looks


@pytest.mark.slow
def test_metric_is_no_worse_only_where_a_drop_would_have_been_seen() -> None:
    good = classifier(0.9, 0.5, 0.5)
    few, many = (look(good, 20_000, good, rows, 1)[0] for rows in (200, 5000))
    assert (few.verdict, many.verdict) == ("cannot tell", "no worse")
    assert few.drop is not None and many.drop is not None and many.drop < 0.05 < few.drop
    tiny = look(good, 1000, good, 12, 1)[0]
    assert (tiny.verdict, tiny.drop, tiny.why) == ("cannot tell", None, "12 rows are too few")
    rare = look(classifier(0.9, 0.99, 0.01), 1000, classifier(0.9, 0.99, 0.01), 500, 1)
    assert [each.why for each in rare[1:4]] == ["a class has fewer than 20 rows"] * 3
    assert look(good, 12, good, 1000, 1)[0].why == "12 held-out rows are too few"
    rare = look(classifier(0.9, 0.99, 0.01), 1000, good, 500, 1)
    assert [each.why for each in rare[1:4]] == ["a class has fewer than 20 held-out rows"] * 3


def test_days_are_those_of_utc() -> None:
    """A line of a log may name its moment in another zone, as where somebody has copied it."""
    random, make = np.random.default_rng(0), classifier(0.9, 0.5, 0.5)
    midnight = datetime(2026, 3, 2, tzinfo=timezone(timedelta(hours=5)))
    moments = [midnight, midnight + timedelta(hours=5)] * 20
    found = measured(manifest_of(make(random, 1000)), make(random, 40), moments, resamples=20)
    assert [(f"{day.day}", day.rows) for day in found.days] == [("2026-03-01", 20), ("2026-03-02", 20)]


def test_rows_that_are_all_right_so_far_are_no_certainty() -> None:
    all_right = classifier(1.0, 0.5, 0.5)
    judged = look(all_right, 4000, all_right, 30, 0)[0]
    assert judged.interval is not None and judged.interval[0] < 0.95 and judged.interval[1] == 1.0
    assert judged.verdict == "cannot tell"
    assert judged.drop is not None and judged.drop > 0.15


@pytest.mark.parametrize(
    ("rule", "side", "limit", "accuracy", "rows", "broken"),
    [
        ("min", "least", 0.85, 0.75, 500, True),
        ("min", "least", 0.85, 0.84, 500, False),  # the interval holds it
        ("min", "least", 0.85, 0.0, 10, False),  # too few
        ("max", "most", 0.85, 0.95, 500, True),
        ("no_worse_than_promoted", "least", None, 0.5, 500, False),  # there was nothing to compare with
    ],
)
def test_gate_is_broken_where_the_whole_interval_is_beyond_its_limit(
    rule: Any, side: Any, limit: float | None, accuracy: float, rows: int, broken: bool
) -> None:
    check = GateCheck(metric="accuracy", rule=rule, side=side, limit=limit, value=0.9, passed=True)
    judged = look(classifier(0.9, 0.5, 0.5), 1000, classifier(accuracy, 0.5, 0.5), rows, 3, check)[0]
    assert (judged.limit, judged.broken) == (limit, broken)
