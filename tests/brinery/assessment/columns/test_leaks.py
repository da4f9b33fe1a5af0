"""Leaks: columns that tell the target by themselves, and those where that would be chance."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brinery.assessment.columns.arrays import to_array
from brinery.assessment.columns.infer import infer_features
from brinery.assessment.columns.leaks import suspicions, suspicions_of_numbers

LABELS = np.array(["u"] * 15 + ["v"] * 15)
BY_VALUE = "each of its values occurs with one label only"
BY_GAPS = "it is missing in all rows of one label, and in no other"
BY_ORDER = "its ranges for the labels do not overlap"

COLUMNS: dict[str, tuple[Any, str | None]] = {
    "texts": (["a"] * 5 + ["b"] * 10 + ["c"] * 15, BY_VALUE),
    "texts that are missing": (["a"] * 15 + [None] * 15, BY_VALUE),
    "booleans": ([True] * 15 + [False] * 15, BY_VALUE),
    "numbers": ([*np.linspace(5, 6, 15), *np.linspace(1, 2, 15)], BY_ORDER),
    "rare texts": (["a"] * 4 + ["b"] * 11 + ["c"] * 15, None),
    "texts of both": (["a"] * 16 + ["c"] * 14, None),
    "numbers that touch": ([*np.linspace(1, 2, 15), *np.linspace(2, 3, 15)], None),
    "numbers with gaps": ([None, *np.linspace(5, 6, 14), *np.linspace(1, 2, 15)], BY_ORDER),
    "numbers with many gaps": ([*[None] * 9, *np.linspace(5, 6, 6), *[None] * 9, *np.linspace(1, 2, 6)], None),
    "texts and a rare one": (["a"] * 15 + ["b"] * 14 + ["other"], BY_VALUE),
    "texts and too many rare ones": (["a"] * 15 + ["b"] * 11 + ["c", "d", "e", "f"], None),
    "numbers that are missing for a label": ([None] * 15 + [*np.random.default_rng(0).random(15)], BY_GAPS),
    "texts that are missing for a label": ([None] * 15 + ["a", "b", "c"] * 5, BY_VALUE),
    "numbers that are missing for most of a label": ([None] * 14 + [*np.random.default_rng(0).random(16)], None),
    "codes": ([1] * 7 + [3] * 8 + [2] * 15, BY_VALUE),
    "codes with a rare one": ([1] * 7 + [3] * 7 + [9] + [2] * 15, BY_VALUE),
    "codes of both": ([1] * 7 + [3] * 8 + [2] * 14 + [1], None),
    "rising numbers": (np.arange(30) ** 2, BY_ORDER),
}


@pytest.mark.parametrize(("values", "told"), COLUMNS.values(), ids=COLUMNS)
def test_column_that_tells_the_target_is_told(values: Any, told: str | None) -> None:
    frame = pd.DataFrame({"c": values})
    features = infer_features(frame)
    found = suspicions(to_array(frame, features), features, LABELS)
    expected = [f'column "c" tells the target by itself: {told}; make sure that it is known before the answer is']
    assert found == (expected if told else [])


@pytest.mark.parametrize("values", [[*range(14), None], [*range(9), *[None] * 6]])
def test_regressors_column_with_gaps_is_told_where_enough_rows_are_left(values: list[int | None]) -> None:
    frame = pd.DataFrame({"c": values})
    features = infer_features(frame, kinds={"c": "number"})
    truth = np.arange(15) * 2.0 + 7
    told = suspicions_of_numbers(to_array(frame, features), features, truth)
    assert [each[:50] for each in told] == (['column "c" tells the target by itself: it is the t'] if values[9] else [])


def test_gaps_for_one_of_three_labels_are_told() -> None:
    frame = pd.DataFrame({"c": [*[None] * 10, *np.random.default_rng(0).permutation(20) / 7]})
    features = infer_features(frame)
    (told,) = suspicions(to_array(frame, features), features, np.array(["u"] * 10 + ["v"] * 10 + ["w"] * 10))
    assert BY_GAPS in told


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("gaps", [False, True])
def test_rows_far_down_are_looked_at_too(late: bool, gaps: bool) -> None:
    random = np.random.default_rng(0)
    labels = random.permutation(np.repeat([0, 1], 1500))
    numbers = labels * 10 + random.random(3000)
    if late:  # the last is within the other label's range
        numbers[-1] = 10.5 - 10 * labels[-1]
    if gaps:
        numbers[::7] = np.nan
    frame = pd.DataFrame({"c": numbers})
    features = infer_features(frame)
    assert bool(suspicions(to_array(frame, features), features, labels)) is not late


def random_column(random: np.random.Generator, rows: int) -> np.ndarray:
    """Values that know nothing of any label."""
    makers: list[Callable[[], np.ndarray]] = [
        lambda: random.integers(0, random.integers(2, 9), rows).astype(float),
        lambda: np.array([*"abcdefgh"], dtype=object)[random.integers(0, random.integers(2, 9), rows)],
        lambda: random.normal(size=rows),
        lambda: (random.random(rows) < random.choice([0.05, 0.2, 0.5])).astype(float),
    ]
    column = makers[random.integers(len(makers))]()
    gaps = random.random(rows) < random.choice([0, 0.05, 0.5, 0.9])
    column[gaps] = None if column.dtype == object else np.nan
    return column


@pytest.mark.slow
def test_random_columns_are_not_told() -> None:
    random = np.random.default_rng(0)
    told = []
    for _ in range(400):
        rows = int(random.choice([30, 40, 60, 100, 300]))
        share = float(random.choice([0.1, 0.3, 0.5]))
        labels = random.choice(["u", "v", "w"], rows, p=[share, 0.9 - share, 0.1])
        columns = {str(i): random_column(random, rows) for i in range(6)}
        frame = pd.DataFrame(columns).dropna(axis="columns", how="all")
        features = infer_features(frame, named=frame.columns)
        array = to_array(frame, features)
        told += suspicions(array, features, labels)
        told += suspicions_of_numbers(array, features, random.normal(size=rows))
    assert told == []


def test_numbers_that_rise_from_row_to_row_are_told() -> None:
    frame = pd.DataFrame({"c": np.arange(30) ** 2})
    features = infer_features(frame)
    labels = np.array(["u", "v"] * 15)
    assert suspicions(to_array(frame, features), features, labels) == [
        'column "c" rises from row to row, as identifiers do; is it one?'
    ]


def test_whole_numbers_that_look_like_days_are_told() -> None:
    frame = pd.DataFrame({"c": [20240328, 20240101, 20231215] * 10})
    features = infer_features(frame)
    assert suspicions(to_array(frame, features), features, np.array(["u", "v"] * 15)) == [
        'column "c" is taken as whole numbers, and looks like days, such as 20240328'
    ]


def test_number_tells_nothing_where_a_label_is_rare() -> None:
    frame = pd.DataFrame({"c": np.linspace(0, 1, 30)})
    features = infer_features(frame)
    assert suspicions(to_array(frame, features), features, np.array(["u"] * 26 + ["v"] * 4)) == []
