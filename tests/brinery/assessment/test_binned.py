"""Intervals of many rows: those of the bootstrap that draws row by row, but for the noise of drawing."""

import numpy as np
import pytest

from brinery.assessment.assessor import ASSESSORS
from brinery.assessment.binned import MANY_ROWS, BinnedMean, draw_median
from brinery.assessment.classification import curves
from brinery.assessment.evaluate import evaluate, measure
from brinery.assessment.metrics.table import BY_TASK
from brinery.assessment.predictions import Predictions
from brinery.tasks.regression import Estimates
from tests.brinery.assessment.test_evaluate import guesses
from tests.examples import predicted

DRAWS = 400
NOISE = 0.2  # of a deviation that is taken from so many draws


def with_a_rare_class(rows: int) -> Predictions:
    found = guesses(rows, 3, decimals=2)
    kept = np.flatnonzero((found.truth != 2) | (np.arange(rows) % 40 == 0))
    assert found.probabilities is not None
    return predicted(found.truth[kept], found.labels[kept], found.probabilities[kept], found.classes)


def estimates(rows: int) -> Predictions:
    """Of errors that now and then are large, and grow with the truth."""
    random = np.random.default_rng(0)
    truth = random.gamma(2.0, 10.0, rows) + 1
    return Predictions(truth, Estimates(truth + random.standard_t(4, rows) * truth / 4))


CASES = {
    "two classes": ("classification", guesses(10_000, 2)),
    "two classes that tie": ("classification", guesses(10_000, 2, decimals=1)),
    "three classes": ("classification", guesses(8_000, 3)),
    "three classes, one of them rare": ("classification", with_a_rare_class(12_000)),
    "sure": ("classification", guesses(10_000, 2, skill=3.0)),
    "numbers": ("regression", estimates(10_000)),
}


@pytest.mark.parametrize(("kind", "predictions"), CASES.values(), ids=CASES)
def test_draws_are_spread_as_those_of_rows_are(kind: str, predictions: Predictions) -> None:
    assessor, random, rows = ASSESSORS[kind], np.random.default_rng(1), len(predictions.truth)
    exact, binned = assessor.resampler(predictions), assessor.binned(predictions)
    weights = (np.bincount(random.integers(0, rows, rows), minlength=rows).astype(float) for _ in range(DRAWS))
    theirs, ours = [exact.draw(each) for each in weights], [binned.draw(random) for _ in range(DRAWS)]
    values = measure(assessor, predictions)
    assert len(values) == 5
    for metric in BY_TASK[kind]:
        one, other = (np.array([metric.resample(draw) for draw in draws]) for draws in (theirs, ours))
        assert other.std() / one.std() == pytest.approx(1, abs=NOISE), metric.name
        assert abs(other.mean() - one.mean()) < NOISE * one.std(), metric.name
        assert abs(other.mean() - values[metric.name]) < NOISE * one.std(), metric.name
    for name in ("precision", "recall") if kind == "classification" else ():
        one, other = (np.array([getattr(draw, name) for draw in draws]).std(axis=0) for draws in (theirs, ours))
        assert other / one == pytest.approx(1, abs=NOISE), name


def test_what_rows_add_to_an_area_is_the_area() -> None:
    predictions = guesses(500, 2, decimals=1)
    assert predictions.probabilities is not None
    (curve,) = curves(predictions.probabilities, predictions.truth)
    assert curve.shares.mean() == pytest.approx(curve.area(np.ones(500)), abs=1e-12)
    (one_side,) = curves(predictions.probabilities, np.zeros(500, dtype=int))
    assert np.isnan(one_side.shares).all()


def test_intervals_of_many_rows_hold_their_metrics() -> None:
    predictions = guesses(2 * MANY_ROWS, 2)
    many = evaluate(ASSESSORS["classification"], predictions, predictions.truth, 0)
    assert set(many.intervals) == set(measure(ASSESSORS["classification"], predictions))
    low, high = many.intervals["accuracy"]
    p = float((predictions.labels == predictions.truth).mean())
    assert low < p < high
    assert high - low == pytest.approx(2 * 1.96 * (p * (1 - p) / (2 * MANY_ROWS)) ** 0.5, rel=0.15)


def test_mean_of_bins_is_that_of_rows_where_few_are_far_off() -> None:
    random = np.random.default_rng(0)
    values = np.concatenate([random.normal(size=5000), random.normal(scale=1000.0, size=20)])
    found = np.array([BinnedMean(values).draw(random) for _ in range(DRAWS)])
    assert found.std() == pytest.approx(values.std() / len(values) ** 0.5, rel=NOISE)
    assert abs(found.mean() - values.mean()) < NOISE * found.std()


@pytest.mark.parametrize("rows", [1000, 1001])
def test_median_is_drawn_as_of_rows(rows: int) -> None:
    random = np.random.default_rng(0)
    ordered = np.sort(random.gamma(2.0, size=rows))
    found = np.array([draw_median(ordered, random) for _ in range(2000)])
    exact = np.median(ordered[random.integers(0, rows, (2000, rows))], axis=1)
    assert found.std() == pytest.approx(exact.std(), rel=0.1)
    assert abs(found.mean() - exact.mean()) < 0.1 * exact.std()
