"""Leaks: columns that tell the target by themselves, and those where that would be chance."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from brinery.assessment.columns.arrays import to_array
from brinery.assessment.columns.infer import infer_features
from brinery.assessment.columns.leaks import suspicions

LABELS = np.array(["u"] * 15 + ["v"] * 15)
BY_VALUE = "each of its values occurs with one label only"
BY_ORDER = "its ranges for the labels do not overlap"

COLUMNS: dict[str, tuple[Any, str | None]] = {
    "texts": (["a"] * 5 + ["b"] * 10 + ["c"] * 15, BY_VALUE),
    "texts that are missing": (["a"] * 15 + [None] * 15, BY_VALUE),
    "booleans": ([True] * 15 + [False] * 15, BY_VALUE),
    "numbers": ([*np.linspace(5, 6, 15), *np.linspace(1, 2, 15)], BY_ORDER),
    "rare texts": (["a"] * 4 + ["b"] * 11 + ["c"] * 15, None),
    "texts of both": (["a"] * 16 + ["c"] * 14, None),
    "numbers that touch": ([*np.linspace(1, 2, 15), *np.linspace(2, 3, 15)], None),
    "numbers with gaps": ([None, *np.linspace(5, 6, 14), *np.linspace(1, 2, 15)], None),
    "rising numbers": (np.arange(30) ** 2, BY_ORDER),
}


@pytest.mark.parametrize(("values", "told"), COLUMNS.values(), ids=COLUMNS)
def test_column_that_tells_the_target_is_told(values: Any, told: str | None) -> None:
    frame = pd.DataFrame({"c": values})
    features = infer_features(frame)
    found = suspicions(to_array(frame, features), features, LABELS)
    expected = [f'column "c" tells the target by itself: {told}; make sure that it is known before the answer is']
    assert found == (expected if told else [])


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
