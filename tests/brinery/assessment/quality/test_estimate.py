"""Calibration tables of held-out rows, and the accuracy that is estimated from them."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from brinery.assessment.assessor import ASSESSORS
from brinery.assessment.classification import sureness
from brinery.assessment.evaluate import resampled
from brinery.assessment.quality.estimate import estimate
from brinery.tasks.classification import CalibrationBin, ClassificationDetails
from tests.examples import predicted


def calibrated(random: np.random.Generator, rows: int, low: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth, answers and probabilities of a model whose probabilities are what they say, from `low` on."""
    sure = random.uniform(low, 1, rows)
    truth = random.integers(0, 2, rows)
    answered = np.where(random.random(rows) < sure, truth, 1 - truth)
    probabilities = np.where(answered[:, None] == [0, 1], sure[:, None], 1 - sure[:, None])
    return truth, answered, probabilities


def table_of(truth: np.ndarray, answered: np.ndarray, probabilities: np.ndarray) -> tuple[CalibrationBin, ...]:
    assessor, found = ASSESSORS["classification"], predicted(truth, answered, probabilities, [0, 1])
    details: ClassificationDetails = assessor.details(found, resampled(assessor, found, 0, 100))
    assert details.calibration is not None
    return details.calibration


def test_table_has_at_most_ten_bins_of_about_as_many_rows() -> None:
    rows = calibrated(np.random.default_rng(0), 1003, 0.5)
    bins = table_of(*rows)
    assert len(bins) == 10 and sum(each.rows for each in bins) == 1003 and bins[0].least == 0
    assert all(95 <= each.rows <= 106 for each in bins)
    assert sum(each.right for each in bins) == int((rows[0] == rows[1]).sum())


@pytest.mark.parametrize("values", [[0.7], [0.7, 1.0]])
def test_rows_of_one_probability_share_a_bin(values: list[float]) -> None:
    sure = np.resize(values, 50)
    bins = table_of(np.zeros(50, int), np.zeros(50, int), np.column_stack([sure, 1 - sure]))
    assert len(bins) == len(values) and sum(each.right for each in bins) == 50


def test_models_without_probabilities_have_no_table() -> None:
    assessor, found = ASSESSORS["classification"], predicted([0, 1], [0, 1], None, [0, 1])
    assert sureness(found.answers) is None
    assert assessor.details(found, resampled(assessor, found, 0, 100)).calibration is None


@pytest.mark.parametrize("looks", [30, pytest.param(150, marks=pytest.mark.campaign)])
@pytest.mark.parametrize("low", [0.5, 0.9])
def test_interval_holds_the_accuracy_of_rows_that_are_less_sure_than_those_held_out(
    low: float, looks: int, record_property: Callable[[str, object], None]
) -> None:
    held = 0
    for seed in range(looks):
        random = np.random.default_rng(seed)
        bins = table_of(*calibrated(random, 1000, 0.5))
        sure = random.uniform(low, 1, 400)
        found = estimate(bins, sure, seed)
        held += bool(found.interval[0] <= sure.mean() <= found.interval[1])
    record_property("estimated accuracy", f"the interval held what is expected in {held} of {looks} looks")
    assert held >= 0.9 * looks


def test_bins_where_all_were_right_are_no_certainty() -> None:
    found = estimate([CalibrationBin(least=0.0, rows=20, right=20)], np.ones(100))
    assert found.accuracy == 1.0 and found.interval[0] < 0.95 and found.interval[1] == 1.0


@pytest.mark.parametrize(
    "bins",
    [
        [],
        [{"least": 0.1, "rows": 1, "right": 1}],
        [{"least": 0.0, "rows": 1, "right": 2}],
        [{"least": 0.0, "rows": 1, "right": 1}, {"least": 0.0, "rows": 1, "right": 1}],
    ],
)
def test_stored_table_that_is_none_is_refused(bins: list[dict[str, float]]) -> None:
    stored: dict[str, Any] = {"kind": "classification", "classes": [], "confusion": None}
    assert ClassificationDetails.model_validate_json(json.dumps(stored)).calibration is None
    with pytest.raises(ValidationError):
        ClassificationDetails.model_validate_json(json.dumps({**stored, "calibration": bins}))
