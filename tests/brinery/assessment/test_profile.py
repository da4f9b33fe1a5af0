"""The profile has what training saw, so that the very rows would be counted as it has them."""

import numpy as np
import pytest

from brinery.assessment.profile import BINS, make_profile
from brinery.monitoring.sketch import Bins, Profile, Sketch, Values
from brinery.rows.feature import Feature
from brinery.tasks.regression import Estimates, Regression

TASK = Regression(mean=0.0, deviation=1.0)
NUMBERS = np.random.default_rng(0).normal(50, 9, 1000)
COLUMNS = {
    "spread": NUMBERS,
    "missing here and there": np.where(NUMBERS > 55, np.nan, NUMBERS),
    "one value": np.full(1000, 7.5),
    "one value and zero": np.where(NUMBERS > 90, 1.0, 0.0),
    "few values": np.round(NUMBERS / 10),
    "mostly one value": np.where(NUMBERS > 60, NUMBERS, 0.0),
    "as large as doubles are": np.where(NUMBERS > 50, 1.7e308, -1.7e308),
    "the least double": np.full(1000, -np.finfo(float).max),
    "no value": np.full(1000, np.nan),
    "a row": np.array([3.0]),
    "more than are sorted": np.random.default_rng(1).normal(0, 1, 250_001),
}


def profile_of(values: np.ndarray, feature: Feature) -> tuple[Profile, list[int]]:
    """The profile of a column, and what a sketch counts of the same rows."""
    rows, answers = values.reshape(-1, 1), Estimates(np.zeros(len(values)))
    profile = Profile.read(make_profile(rows, (feature,), TASK, answers))
    sketch = Sketch(profile, (feature,))
    sketch.add(rows, answers)
    return profile, sketch.take()[1][0]


@pytest.mark.parametrize("values", COLUMNS.values(), ids=COLUMNS)
def test_numbers_are_in_ranges_of_about_as_many(values: np.ndarray) -> None:
    profile, found = profile_of(values, Feature(name="x", kind="number", minimum=0, maximum=1, nullable=True))
    column, present = profile.features["x"], values[~np.isnan(values)]
    assert isinstance(column, Bins) and profile.rows == len(values)
    assert list(column.counts) == found and sum(found) == len(values) and found[-1] == len(values) - len(present)
    assert len(column.centers) == len(column.edges) + 1 == len(found) - 1 <= BINS + 3
    assert list(column.edges) == sorted(set(column.edges))
    if not len(present):
        return
    assert (
        found[-2] == 0
        and (found[0] == 0 or present.min() == -np.finfo(float).max)
        and column.edges[-1] == present.max()
    )
    assert len(values) > 1e5 or 0 not in found[1:-2]
    within = np.array(found[:-1]) / len(present)
    assert column.mean == pytest.approx((within * np.array(column.centers)).sum(), rel=1e-2, abs=1e-2)
    if abs(column.mean) < 1e300:
        assert (column.mean, column.deviation) == pytest.approx((present.mean(), present.std()))


def test_categories_have_those_that_held_out_rows_alone_had() -> None:
    values = np.array(["red", None, "red", "blue"], dtype=object)
    feature = Feature(name="x", kind="category", categories=("blue", "green", "red"), nullable=True)
    profile, found = profile_of(values, feature)
    assert profile.features["x"] == Values(values=("blue", "green", "red"), counts=(1, 0, 2, 0, 1))
    assert found == [1, 0, 2, 0, 1]
