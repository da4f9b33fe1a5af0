"""Numbering: row numbers are told by their values, or by their name and that they differ."""

import numpy as np
import pytest

from brinery.assessment.columns.numbering import look_like_days, rises, why_row_numbers

RISING = np.arange(100, 125, dtype=np.float64)


@pytest.mark.parametrize("name", ["Unnamed: 0", "index", "level_0", "rownames", "row_id"])
def test_column_named_as_row_numbers_is_one_where_all_its_values_differ(name: str) -> None:
    why = why_row_numbers(name, np.array([3.0, 9.0, 5.0]))
    assert why == "is named as row numbers are, and holds 3 whole numbers that are all different"
    assert why_row_numbers(name, np.array([3.0, 9.0, 3.0])) is None


@pytest.mark.parametrize("order", [1, -1])
def test_column_that_counts_the_rows_is_told_by_its_values(order: int) -> None:
    assert "100 to 124" in (why_row_numbers("c", RISING[::order]) or "")


@pytest.mark.parametrize(
    "numbers", [RISING[:20], RISING * 2, RISING + 0.5, np.append(RISING, np.nan)], ids=["few", "steps", "halves", "gap"]
)
def test_column_that_may_be_a_quantity_is_no_row_number(numbers: np.ndarray) -> None:
    assert why_row_numbers("c", numbers) is None


def test_numbers_rise_where_each_is_above_the_last() -> None:
    assert rises(RISING**2)
    assert not rises(RISING[::-1]) and not rises(RISING[:20]) and not rises(RISING + 0.5)


def test_numbers_of_eight_digits_may_be_days() -> None:
    days = np.array([20240328, 20231201, 19990101, np.nan])
    assert look_like_days(days)
    assert not look_like_days(days[:2]) and not look_like_days(days + 50) and not look_like_days(days - 300)
