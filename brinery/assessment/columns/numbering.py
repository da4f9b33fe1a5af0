"""Numbering: whole numbers that count the rows, or days, and are no quantities."""

import re

import numpy as np

ROWS_FROM = 20  # in fewer rows, numbers may rise by one by chance
DAYS_FROM = 3  # fewer may look like days by chance
INDEX_NAME = re.compile(r"Unnamed: ?\d+|index|level_\d+|rownames?|row_?(id|num|number)", re.IGNORECASE)


def why_row_numbers(column: str, numbers: np.ndarray) -> str | None:
    """Why a column seems to number the rows; None where it does not.

    Args:
        numbers: its values, shape (rows,), NaN where one is missing.
    """
    if len(numbers) < 2 or np.isnan(numbers).any() or (numbers != np.trunc(numbers)).any():
        return None
    ordered = np.sort(numbers)
    steps = np.diff(ordered)
    if len(numbers) > ROWS_FROM and (steps == 1).all():
        how = "rise by one from row to row" if (ordered == numbers).all() else "are all there once"
        return f"holds the whole numbers {ordered[0]:.0f} to {ordered[-1]:.0f}, which {how}, as row numbers do"
    if INDEX_NAME.fullmatch(column) and (steps > 0).all():
        return f"is named as row numbers are, and holds {len(numbers)} whole numbers that are all different"
    return None


def rises(numbers: np.ndarray) -> bool:
    """Whether whole numbers rise from each row to the next, as identifiers do."""
    if len(numbers) <= ROWS_FROM or np.isnan(numbers).any() or (numbers != np.trunc(numbers)).any():
        return False
    return bool((np.diff(numbers) > 0).all())


def look_like_days(numbers: np.ndarray) -> bool:
    """Whether whole numbers of eight digits are all days of the years 1900 to 2099, such as 20240328."""
    days = numbers[~np.isnan(numbers)]
    if len(np.unique(days)) < DAYS_FROM:
        return False
    years, months, dates = days // 10_000, days // 100 % 100, days % 100
    inside = [(years >= 1900) & (years < 2100), (months >= 1) & (months <= 12), (dates >= 1) & (dates <= 31)]
    return bool(np.logical_and.reduce(inside).all())
