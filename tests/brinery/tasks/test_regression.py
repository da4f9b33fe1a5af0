"""Regression: answers as they are made, written, read again and compared."""

import math
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression

from brinery.tasks.interval import Interval
from brinery.tasks.regression import Estimates, Regression

TASK = Regression(mean=1e9, deviation=10.0)


def of(*values: float) -> Estimates:
    return Estimates(np.array(values, dtype=np.float64))


@pytest.mark.parametrize("given", [[1.5, -2.0], [[1.5], [-2.0]]])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_answers_of_either_shape_and_precision_are_one_number_a_row(given: Any, dtype: Any) -> None:
    array = np.array(given, dtype=dtype)
    for answers in (TASK.answers(array, None), TASK.answers(None, array)):
        assert answers.values.dtype == np.float64 and answers.values.tolist() == [1.5, -2.0]
    with pytest.raises(ValueError, match="a regressor gives numbers"):
        TASK.answers(None, None)


def test_answers_are_written_and_read_again_and_go_to_another_process() -> None:
    answers = of(21.4, 0.1 + 0.2, -0.0, 1e-300, 1e300)
    written = TASK.written(answers)
    assert written[0] == {"prediction": 21.4} and len(written) == len(answers) == 5
    assert TASK.read(written).values.tolist() == answers.values.tolist()
    assert TASK.read([{"prediction": 3}]).values.tolist() == [3.0]
    assert TASK.unpacked(TASK.packed(answers), 5).values.tolist() == answers.values.tolist()
    assert TASK.joined([answers[:2], answers[2:]]).values.tolist() == answers.values.tolist()
    assert len(TASK.joined([])) == 0


@pytest.mark.parametrize("wrong", ["21.4", True, None])
def test_what_is_no_number_is_not_read(wrong: Any) -> None:
    with pytest.raises(ValueError, match="is no number"):
        TASK.read([{"prediction": 1.0}, {"prediction": wrong}])
    with pytest.raises(KeyError):
        TASK.read([{"probabilities": {}}])


@pytest.mark.parametrize("values", [np.zeros(3), np.zeros((2, 1)), np.zeros(2, np.float32), np.zeros(2, np.int64)])
def test_numbers_of_another_process_must_be_one_a_row(values: np.ndarray) -> None:
    with pytest.raises(ValueError, match="its numbers are not one a row"):
        TASK.unpacked({"values": values}, 2)


@pytest.mark.parametrize(
    ("distance", "by", "alike"),
    [
        (0.0, 0.9e-4, True),  # by the deviation of 10, however far from 0 the numbers are
        (0.0, 1.1e-4, False),
        (1e4, 0.09, True),  # by the distance from the mean
        (1e4, 0.11, False),
        (-1e4, 0.11, False),
    ],
)
def test_numbers_are_compared_by_the_deviation_or_the_distance_from_the_mean(
    distance: float, by: float, alike: bool
) -> None:
    for sign in (1, -1):
        found = TASK.difference(of(1e9, 1e9 + distance + sign * by), of(1e9, 1e9 + distance))
        assert found.alike is alike and found.rows == 2
        assert found.largest == pytest.approx(by / max(10.0, abs(distance)), rel=1e-2)
        assert found.facts["other_number"] == (0 if alike else 1)
    assert TASK.tolerance(of(1e9, 1e9 + 5)) == 1e-4
    assert TASK.tolerance(of(1e9, 1e9 - 1e4)) == pytest.approx(0.1)


def test_what_neither_knows_is_no_difference_and_what_one_does_not_is_endless() -> None:
    assert TASK.difference(of(math.nan, math.inf), of(math.nan, math.inf)).alike
    for ours, theirs in ((math.nan, 1.0), (1.0, math.nan), (math.inf, 1.0), (1.0, -math.inf), (math.inf, -math.inf)):
        found = TASK.difference(of(ours), of(theirs))
        assert not found.alike and found.largest == math.inf
    assert list(TASK.unanswered(of(1.0, math.nan, -math.inf))) == [1, 2]


def test_task_is_that_of_a_fitted_regressor() -> None:
    rows, truth = [[0.0], [1.0]], [0, 1]
    assert TASK.is_of(LinearRegression().fit(rows, truth))
    assert not TASK.is_of(DummyClassifier().fit(rows, truth))
    assert not TASK.is_of("a text")


@pytest.mark.parametrize("deviation", [0.0, -1.0, math.nan, math.inf])
def test_task_has_a_scale(deviation: float) -> None:
    with pytest.raises(ValidationError):
        Regression(mean=0.0, deviation=deviation)


def test_columns_are_the_answers_with_their_ends_and_are_read_again() -> None:
    answers = of(1.5, -2.0)
    assert list(TASK.columns(answers)) == ["prediction"]
    assert TASK.difference(answers, TASK.of_columns(TASK.columns(answers))).largest == 0
    wide = TASK.model_copy(update={"interval": Interval(level=0.9, quantile=3.0, rows=50, coverage=0.9)})
    columns = {name: values.tolist() for name, values in wide.columns(answers).items()}
    assert columns == {"prediction": [1.5, -2.0], "interval_low": [-1.5, -5.0], "interval_high": [4.5, 1.0]}
