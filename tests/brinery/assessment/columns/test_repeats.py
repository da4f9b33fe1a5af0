"""Rows that are there more than once: what is counted, and that nothing is said where there are none."""

import time
import tracemalloc

import numpy as np
import pytest

from brinery.assessment.columns.repeats import notes_on_repeats, notes_on_repeats_in_folds
from brinery.rows.feature import Feature

NUMBERS = (
    Feature(name="x", kind="number", minimum=0, maximum=9),
    Feature(name="y", kind="integer", minimum=0, maximum=9),
)
MIXED = (NUMBERS[0], Feature(name="town", kind="category", categories=("a", "b", "nan"), nullable=True))
NOTHING = [[1.0, 2.0], [2.0, 1.0], [3.0, 3.0]]


def mixed(*rows: tuple[float, str | None]) -> np.ndarray:
    return np.array(rows, dtype=object).reshape(len(rows), 2)


def test_nothing_is_said_where_no_row_is_there_twice() -> None:
    x, y = np.array(NOTHING), np.array(["a", "a", "b"])
    assert notes_on_repeats(NUMBERS, x[:2], y[:2], x[2:], y[2:]) == []
    assert notes_on_repeats_in_folds(NUMBERS, x, y) == []


def test_held_out_rows_are_held_against_the_training_rows() -> None:
    train, test = np.array(NOTHING), np.array([[1.0, 2.0], [3.0, 3.0], [9.0, 9.0], [9.0, 9.0]])
    (note,) = notes_on_repeats(NUMBERS, train, np.array([0, 1, 0]), test, np.array([0, 1, 0, 0]))
    assert note == (
        "1 of 4 held-out rows (25.0%) stand in the training part too, with the same features and target; "
        "where those are copies, the metrics look better than they are; "
        "1 more have the features of a training row and another target"
    )
    (note,) = notes_on_repeats(NUMBERS, train, np.array([0, 1, 0]), test[1:], np.array([1, 0, 0]))
    assert note == "1 of 3 held-out rows (33.3%) have the features of a training row and another target"


def test_rows_of_folds_are_held_against_each_other() -> None:
    x, y = np.array([*NOTHING, *NOTHING[:2], NOTHING[0]]), np.array([True, True, False, True, False, True])
    (note,) = notes_on_repeats_in_folds(NUMBERS, x, y)
    assert note.startswith("3 of 6 rows (50.0%) are there more than once, with the same features and target")
    assert note.endswith("; 2 more have the features of another row and another target")
    (note,) = notes_on_repeats_in_folds(NUMBERS, x[1:5:3], y[1:5:3])
    assert note == "2 of 2 rows (100.0%) have the features of another row and another target"


def test_rows_that_are_alike_in_their_first_columns_alone_are_no_repeats() -> None:
    features = (*NUMBERS, NUMBERS[0], NUMBERS[0])
    x = np.array([[1, 2, 3, 4], [1, 2, 4, 3], [1, 2, 3, 4], [1, 2, 3, 5], [9, 2, 3, 4]], dtype=float)
    y = np.array(["a", "a", "a", "b", "b"])
    (note,) = notes_on_repeats(features, x[:2], y[:2], x[2:], y[2:])
    assert note.startswith("1 of 3 held-out rows") and "more" not in note
    (note,) = notes_on_repeats_in_folds(features, x, y)
    assert note.startswith("2 of 5 rows") and "more have" not in note


@pytest.mark.parametrize(
    ("train", "test", "same"),
    [
        ((np.nan, None), (-np.nan, None), True),
        ((0.0, "a"), (-0.0, "a"), True),
        ((1.0, "nan"), (1.0, None), False),
        ((np.nan, "a"), (0.0, "a"), False),
    ],
    ids=str,
)
def test_missing_cells_and_zeros_are_equal_to_their_like_alone(
    train: tuple[float, str | None], test: tuple[float, str | None], same: bool
) -> None:
    labels = np.array(["short"]), np.array(["short", "much longer"])[:1]
    assert bool(notes_on_repeats(MIXED, mixed(train), labels[0], mixed(test), labels[1])) == same


def test_million_rows_take_seconds_and_little_memory() -> None:
    random = np.random.default_rng(0)
    x, y = random.normal(size=(1_000_000, 10)), random.integers(0, 2, 1_000_000)
    tracemalloc.start()
    begun = time.perf_counter()
    assert notes_on_repeats(NUMBERS[:1] * 10, x[::2], y[::2], x[1::2], y[1::2]) == []
    seconds, peak = time.perf_counter() - begun, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seconds < 10 and peak < x.nbytes
