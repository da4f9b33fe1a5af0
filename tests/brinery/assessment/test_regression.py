"""Assessing regressors: metrics and intervals as scikit-learn has them, baselines, targets, and what looks odd."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics
from sklearn.linear_model import LinearRegression

from brinery.assessment.evaluate import evaluate, measure
from brinery.assessment.predictions import Predictions
from brinery.assessment.regression import RegressionAssessor, Resampler
from brinery.errors import DataInvalid
from brinery.rows.feature import Feature
from brinery.tasks.regression import Estimates

REGRESSION = RegressionAssessor()
random = np.random.default_rng(0)
TRUTH = random.gamma(2.0, 10.0, 101)
ANSWERED = TRUTH + random.normal(scale=5.0, size=101)
PREDICTIONS = Predictions(TRUTH, Estimates(ANSWERED))
SCIKIT_LEARN: dict[str, Any] = {
    "rmse": metrics.root_mean_squared_error,
    "mae": metrics.mean_absolute_error,
    "median_absolute_error": metrics.median_absolute_error,
    "r2": metrics.r2_score,
    "mape": metrics.mean_absolute_percentage_error,
}


def test_metrics_are_those_of_scikit_learn() -> None:
    found = measure(REGRESSION, PREDICTIONS)
    assert found == {name: pytest.approx(score(TRUTH, ANSWERED)) for name, score in SCIKIT_LEARN.items()}


@pytest.mark.parametrize("rows", [2, 5, 6, 101])
def test_a_draw_has_the_metrics_of_the_rows_that_were_drawn(rows: int) -> None:
    resampler = Resampler(Predictions(TRUTH[:rows], Estimates(ANSWERED[:rows])))
    for seed in range(20):
        drawn = np.random.default_rng(seed).integers(0, rows, rows)
        draw = resampler.draw(np.bincount(drawn, minlength=rows).astype(np.float64))
        truth, answered = TRUTH[drawn], ANSWERED[drawn]
        for name, score in SCIKIT_LEARN.items():
            if name != "r2" or len(set(drawn)) > 1:
                assert getattr(draw, name) == pytest.approx(score(truth, answered)), (name, seed)
        assert draw.bias == pytest.approx((answered - truth).mean())


def test_metrics_that_say_nothing_are_absent() -> None:
    zero = Predictions(np.array([0.0, 2.0]), Estimates(np.array([1.0, 2.0])))
    assert set(measure(REGRESSION, zero)) == {"rmse", "mae", "median_absolute_error", "r2"}
    same = Predictions(np.array([-2.0, -2.0]), Estimates(np.array([1.0, 2.0])))
    assert set(measure(REGRESSION, same)) == {"rmse", "mae", "median_absolute_error"}
    found = evaluate(REGRESSION, same, np.array([1.0, 2.0]), 0)
    assert set(found.intervals) == set(found.baseline) == {"rmse", "mae", "median_absolute_error"}


def test_evaluation_has_intervals_the_better_baseline_and_the_errors() -> None:
    train_y = np.array([1.0, 1.0, 100.0])  # mean 34, median 1
    found = evaluate(REGRESSION, PREDICTIONS, train_y, 0)
    value = measure(REGRESSION, PREDICTIONS)
    assert set(found.intervals) == set(value)
    for name, (low, high) in found.intervals.items():
        assert low < value[name] < high, name
    for name, score in SCIKIT_LEARN.items():
        mean, median = (score(TRUTH, np.full(101, constant)) for constant in (34.0, 1.0))
        assert found.baseline[name] == pytest.approx((max if name == "r2" else min)(mean, median)), name
    errors = ANSWERED - TRUTH
    assert found.details.residuals == pytest.approx(np.quantile(errors, (0, 0.05, 0.25, 0.5, 0.75, 0.95, 1)))
    low, high = found.details.bias_interval
    assert low < found.details.bias < high and found.details.bias == pytest.approx(errors.mean())


def test_golden_rows_reach_from_the_least_answer_to_the_largest() -> None:
    picked = REGRESSION.golden_rows(PREDICTIONS.answers, 20)
    assert len(set(picked)) == 20 and {int(ANSWERED.argmin()), int(ANSWERED.argmax())} <= set(picked)
    assert REGRESSION.golden_rows(Estimates(np.ones(3)), 20) == [0, 1, 2]


def test_importance_is_measured_by_r2() -> None:
    assert REGRESSION.score(PREDICTIONS.answers, TRUTH) == pytest.approx(metrics.r2_score(TRUTH, ANSWERED))
    assert REGRESSION.score(Estimates(np.ones(2)), np.ones(2)) == 0.0


def test_task_has_the_deviation_of_the_truth_as_its_scale() -> None:
    fitted = LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0])
    assert REGRESSION.task(fitted, np.array([0.0, 2.0])).deviation == 1.0
    assert REGRESSION.task(fitted, np.array([3.0, 3.0])).deviation == 1.0  # held-out rows of one value


@pytest.mark.parametrize("values", [[1, 2, 3], [1.5, 2.0, -3.0], pd.array([1, 2, 3], dtype="UInt8")])
def test_target_is_numbers_in_double_precision(values: Any) -> None:
    found = REGRESSION.target(pd.Series(values, name="price"), "data.csv")
    assert found.dtype == np.float64 and found.tolist() == [float(value) for value in values]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["12", "many"], "holds '12', which is no number; a regressor predicts numbers, a classifier classes"),
        ([True, False], "holds 'True', which is no number"),
        (pd.to_datetime(["2024-01-01", "2024-01-02"]), "holds '2024-01-01 00:00:00', which is no number"),
        ([1.0, None], 'the target "price" is missing in 1 rows of data.csv'),
        ([1.0, float("inf")], "holds a number that is infinite"),
        ([2.0, 2.0], "has one value only"),
        ([0.0, 1e-200], "differs by 1e-200 at most; numbers that differ by 1e-150 can be learnt"),
        ([1.0, 1e200], r"holds 1e\+200; numbers up to 1e\+150 can be learnt"),
    ],
)
def test_target_that_cannot_be_learnt_is_a_sentence(values: Any, message: str) -> None:
    with pytest.raises(DataInvalid, match=message):
        REGRESSION.target(pd.Series(values, name="price"), "data.csv")


def test_column_that_is_the_target_on_another_scale_is_told() -> None:
    cents = np.round(TRUTH * 100)
    array = np.column_stack([cents, TRUTH**2, np.full(101, np.nan), np.full(101, 5.0)])
    features = [
        Feature(name=name, kind="number", minimum=0, maximum=1, nullable=name == "empty")
        for name in ("cents", "squares", "empty", "constant")
    ]
    notes = REGRESSION.notes(pd.Series(TRUTH, name="price"), array, features, cents / 100)
    assert notes == [
        'column "cents" tells the target by itself: it is the target on another scale; '
        "make sure that it is known before the answer is"
    ]
    two = pd.Series([0.0, 1.0] * 5, name="sold")
    assert REGRESSION.notes(two, np.ones((10, 0)), [], two.to_numpy()) == [
        'the target "sold" has two values alone; a classifier may be meant'
    ]
