"""Judging: whether a metric on rows whose labels came later is worse than on held-out rows, with few false alarms."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal

import numpy as np
from scipy import stats

from brinery.assessment.assessor import ASSESSORS, Assessor
from brinery.assessment.evaluate import intervals_of, measure, resampled
from brinery.assessment.metrics.metric import Metric
from brinery.assessment.metrics.table import BY_TASK, METRICS
from brinery.assessment.predictions import Predictions
from brinery.output.table import figure_text
from brinery.versions.manifest import GateCheck, Interval, Manifest

FALSE_ALARMS = 0.001  # of the looks at versions that are as good as they were, over all metrics of a look
POWER = 0.8  # with which a drop would have been seen
SHARE, PART = 0.05, 0.1  # drops that must be seen to say that there is none: of a share, and of another value
LEAST_ROWS = 20  # of the window and of each class, below which nothing is told
DAYS_RESAMPLES = 200
UNSEEN = 10  # times a value that is no share, from which a drop is none that anybody waits for
ROUNDS = 20  # in which a drop settles whose error depends on it
BY_CLASS = ("balanced_accuracy", "macro_f1", "roc_auc")  # of which a rare class has as much weight as any other

Verdict = Literal["worse", "no worse", "cannot tell"]


@dataclass(frozen=True)
class Judged:
    """One metric of one version: in the window and on held-out rows, each with its 95 % interval.

    `drop` is what would have been seen four times in five, None where nothing is told; `why` says why not. `limit` is
    the gate's, the strictest where there are several, and `broken` says that the interval lies wholly beyond it.
    """

    metric: Metric
    value: float
    interval: Interval | None
    held_out: float | None
    held_out_interval: Interval | None
    verdict: Verdict
    drop: float | None
    why: str
    limit: float | None
    broken: bool

    @property
    def words(self) -> list[str]:
        """What is said of it, in a word or two each."""
        return [self.verdict, *(["gate broken"] if self.broken else [])]

    @property
    def cells(self) -> list[str]:
        """It as a row of a table."""
        sign = "at least " if self.metric.better == "higher" else "at most "
        seen = self.why if self.drop is None else f"a drop of {figure_text(self.drop)}"
        if self.metric.better == "lower" and self.drop is not None:
            seen = f"a rise of {figure_text(self.drop)}"
        return [
            self.metric.name,
            figure_text(self.value),
            span_text(self.interval),
            "-" if self.held_out is None else figure_text(self.held_out),
            span_text(self.held_out_interval),
            "-" if self.limit is None else f"{sign}{self.limit:,.6g}",
            ", ".join(self.words),
            seen,
        ]


@dataclass(frozen=True)
class Day:
    """The metrics of one day, and their intervals."""

    day: date
    rows: int
    values: Mapping[str, float]
    intervals: Mapping[str, Interval]


@dataclass(frozen=True)
class Measured:
    """What a version's answers were on rows with labels, before it is judged."""

    manifest: Manifest
    predictions: Predictions
    values: Mapping[str, float]
    intervals: Mapping[str, Interval]
    days: tuple[Day, ...]

    @property
    def metrics(self) -> Sequence[Metric]:
        """The task's that the rows give."""
        return [each for each in BY_TASK[self.manifest.task.kind] if each.name in self.values]


def span_text(interval: Interval | None) -> str:
    """An interval, for people."""
    return "-" if interval is None else f"{figure_text(interval[0])} to {figure_text(interval[1])}"


def measured(
    manifest: Manifest, predictions: Predictions, moments: Sequence[datetime], seed: int = 0, resamples: int = 1000
) -> Measured:
    """Measure answers, all together and by day (UTC).

    Args:
        moments: when each row was answered, in the order of the predictions; without any, no days are told.
        resamples: of the bootstrap, at most.
    """
    assessor = ASSESSORS[manifest.task.kind]
    values, intervals = _figures(assessor, predictions, seed, resamples)
    days = np.array([moment.astimezone(UTC).date().toordinal() for moment in moments])
    told = []
    for day in np.unique(days).tolist():
        rows = np.flatnonzero(days == day)
        part = Predictions(predictions.truth[rows], predictions.answers[rows])
        told.append(Day(date.fromordinal(day), len(rows), *_figures(assessor, part, seed, DAYS_RESAMPLES)))
    return Measured(manifest, predictions, values, intervals, tuple(told))


def judge_all(found: Sequence[Measured]) -> list[list[Judged]]:
    """Judge each metric of each version, with one false alarm in 1,000 looks over all of them."""
    tests = sum(1 for each in found for metric in each.metrics if not _untold(each, metric))
    return [[_judged(each, metric, max(1, tests)) for metric in each.metrics] for each in found]


def _figures(
    assessor: Assessor, predictions: Predictions, seed: int, resamples: int
) -> tuple[dict[str, float], dict[str, Interval]]:
    values = measure(assessor, predictions)
    found = intervals_of(assessor, resampled(assessor, predictions, seed, resamples))
    rows = len(predictions.truth)
    return values, {name: _uncertain(name, values[name], found[name], rows) for name in found if name in values}


def _uncertain(name: str, value: float, interval: Interval, rows: int) -> Interval:
    """A share's interval that is no narrower than few rows allow, though all of them were right, or wrong."""
    room = 1.959964 * _floor(METRICS[name], rows)
    low, high = min(interval[0], value - room), max(interval[1], value + room)
    return (max(low, 0.0), min(high, 1.0)) if room else interval


def _untold(found: Measured, metric: Metric) -> str:
    """Why a metric cannot be compared; nothing where it can."""
    manifest, rows = found.manifest, len(found.predictions.truth)
    if metric.name not in manifest.metrics or metric.name not in manifest.evaluation.intervals:
        return "there is none of the held-out rows"
    for count, where in ((rows, ""), (manifest.data.test_rows, " held-out")):
        if count < LEAST_ROWS:
            return f"{count}{where} {'row is' if count == 1 else 'rows are'} too few"
    if metric.name in BY_CLASS:
        counts = np.bincount(found.predictions.truth_indices, minlength=len(found.predictions.classes))
        held_out = [each.support for each in getattr(manifest.evaluation.details, "classes", ())]
        for where, of_classes in (("", counts.tolist()), (" held-out", held_out)):
            if min(of_classes, default=LEAST_ROWS) < LEAST_ROWS:
                return f"a class has fewer than {LEAST_ROWS}{where} rows"
    return "" if metric.name in found.intervals else "it has no interval"


def _judged(found: Measured, metric: Metric, tests: int) -> Judged:
    name, manifest, rows = metric.name, found.manifest, len(found.predictions.truth)
    value, interval = found.values[name], found.intervals.get(name)
    held_out, own = manifest.metrics.get(name), manifest.evaluation.intervals.get(name)
    why = _untold(found, metric)
    verdict: Verdict = "cannot tell"
    drop: float | None = None
    if not why:
        assert held_out is not None and own is not None and interval is not None  # noqa: S101  (or it is untold)
        drop, worse = _compared(metric, value, interval, held_out, own, rows, manifest.data.test_rows, tests)
        allowed = SHARE if metric.is_share else PART * abs(held_out)
        verdict = "worse" if worse else "no worse" if drop <= allowed else "cannot tell"
        why = "a drop that matters could be there unseen" if verdict == "cannot tell" else ""
        if drop > (held_out if metric.is_share else UNSEEN * abs(held_out)):
            why, drop = "so few rows show no drop", None
    limit, broken = _gate(metric, interval, rows, manifest.gate.checks)
    return Judged(metric, value, interval, held_out, own, verdict, drop, why, limit, broken)


def _compared(
    metric: Metric,
    value: float,
    interval: Interval,
    held_out: float,
    own: Interval,
    rows: int,
    test_rows: int,
    tests: int,
) -> tuple[float, bool]:
    """The drop that would have been seen, and whether one was: Student's test, since both errors are estimates.

    The error of either is at least what that of the other would be on so many rows: few rows that happen to be alike
    have none by themselves.
    """
    told, floors = (_error(own), _error(interval)), (_floor(metric, test_rows), _floor(metric, rows))
    expected = max(told[0] * math.sqrt(test_rows / rows), floors[1])
    now = max(told[1], expected)
    before = max(told[0], told[1] * math.sqrt(rows / test_rows), floors[0])
    freedom = min(rows, test_rows) - 1
    mark = float(stats.t.isf(FALSE_ALARMS / tests, freedom))
    lost = value - held_out if metric.better == "lower" else held_out - value
    both, seen = mark + float(stats.t.isf(1 - POWER, freedom)), 0.0
    for _ in range(ROUNDS):
        worse = now * _widened(metric, held_out, seen, rows)
        seen = both * math.hypot(max(before, worse * math.sqrt(rows / test_rows)), worse)
    return seen, lost > mark * math.hypot(before, now)


def _widened(metric: Metric, held_out: float, drop: float, rows: int) -> float:
    """By how much the error grows as a metric drops: of a share as that of a count, of others as what is left to be
    wrong."""
    if metric.is_share:
        there, then = (min(max(each, 0.0), 1.0) for each in (held_out, held_out - drop))
        return max(1.0, math.sqrt(then * (1 - then) / max(there * (1 - there), 1 / (rows + 4))))
    wrong = held_out if metric.better == "lower" else 1 - held_out
    return 1 + drop / wrong if wrong > 0 else 1.0


def _error(interval: Interval) -> float:
    """The standard error that a 95 % interval tells."""
    return (interval[1] - interval[0]) / (2 * 1.959964)


def _floor(metric: Metric, rows: int) -> float:
    """The error of a share of which all rows so far were right, or wrong: Agresti and Coull's, of two more of each."""
    return math.sqrt(2) / (rows + 4) if metric.is_share else 0.0


def _gate(
    metric: Metric, interval: Interval | None, rows: int, checks: Sequence[GateCheck]
) -> tuple[float | None, bool]:
    """The strictest limit, and whether the interval lies wholly beyond it."""
    own = [(check.side, check.limit) for check in checks if check.metric == metric.name and check.limit is not None]
    if not own:
        return None, False
    side = own[0][0]
    limits = [limit for each, limit in own if each == side]
    limit = max(limits) if side == "least" else min(limits)
    if interval is None or rows < LEAST_ROWS:
        return limit, False
    return limit, interval[1] < limit if side == "least" else interval[0] > limit
