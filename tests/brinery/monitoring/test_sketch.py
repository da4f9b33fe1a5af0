"""Sketches count rows as their profile has bins, however they come."""

from collections.abc import Sequence

import numpy as np
import pytest

from brinery.assessment.profile import make_profile
from brinery.monitoring.sketch import AT_ONCE, Bins, Profile, Sketch
from brinery.rows.feature import Feature
from brinery.tasks.classification import Answers, Classification
from brinery.tasks.regression import Estimates, Regression

FEATURES = (
    Feature(name="size", kind="number", minimum=-9, maximum=9, nullable=True),
    Feature(name="rooms", kind="integer", minimum=1, maximum=5),
    Feature(name="new", kind="boolean", nullable=True),
    Feature(name="colour", kind="category", categories=("blue", "red"), nullable=True, unknown_categories="accept"),
    Feature(name="built", kind="date", minimum=0, maximum=20_000),
    Feature(name="notes", kind="text"),
)
TASK = Classification(classes=("no", "yes"))


def rows_of(count: int, seed: int, colours: Sequence[str | None] = ("blue", "red", None)) -> np.ndarray:
    random = np.random.default_rng(seed)
    rows = np.empty((count, len(FEATURES)), dtype=object)
    rows[:, 0] = np.where(random.random(count) < 0.1, np.nan, random.normal(0, 3, count))
    rows[:, 1] = random.integers(1, 6, count).astype(float)
    rows[:, 2] = random.choice([0.0, 1.0, np.nan], count)
    rows[:, 3] = random.choice(np.array(colours, dtype=object), count)
    rows[:, 4] = random.uniform(0, 20_000, count)
    rows[:, 5] = ["x" * int(length) for length in random.integers(0, 40, count)]
    return rows


def answers_of(count: int, seed: int) -> Answers:
    share = np.random.default_rng(seed).random(count)
    return TASK.answers(None, np.column_stack([1 - share, share]))


@pytest.fixture(scope="module")
def profile() -> Profile:
    return Profile.read(make_profile(rows_of(500, 0), FEATURES, TASK, answers_of(100, 0)))


def counted(profile: Profile, rows: np.ndarray, at_once: int) -> tuple[list[list[int]], list[int]]:
    sketch, answers = Sketch(profile, FEATURES), answers_of(len(rows), 1)
    for start in range(0, len(rows), at_once):
        sketch.add(rows[start : start + at_once], answers[slice(start, start + at_once)])
    number, features, answered = sketch.take()
    assert number == len(rows) and sum(answered) == len(rows)
    assert sketch.take() == (0, [[0] * len(each) for each in features], [0] * len(answered))
    return features, answered


def test_rows_are_counted_alike_one_by_one_and_together(profile: Profile) -> None:
    rows = rows_of(300, 1, ("blue", "green", "red", None))
    assert counted(profile, rows, 1) == counted(profile, rows, 300) == counted(profile, rows, AT_ONCE)


@pytest.mark.parametrize("at_once", [1, 300])
def test_each_count_is_that_of_its_range_or_value(profile: Profile, at_once: int) -> None:
    rows = rows_of(300, 2, ("blue", "green", "red", None))
    rows[:3, 0] = -99.0, 99.0, 5.5
    features, answered = counted(profile, rows, at_once)
    sizes, column = rows[:, 0].astype(float), profile.features["size"]
    assert isinstance(column, Bins)
    ends = [-np.inf, *column.edges, np.inf]
    within = [int(((sizes > low) & (sizes <= high)).sum()) for low, high in zip(ends, ends[1:], strict=False)]
    assert features[0] == [*within, int(np.isnan(sizes).sum())] and within[0] >= 1 and within[-1] >= 1
    new = rows[:, 2].astype(float)
    assert features[2] == [int((new == 0).sum()), int((new == 1).sum()), 0, int(np.isnan(new).sum())]
    colours = rows[:, 3].tolist()
    assert features[3] == [colours.count(value) for value in ("blue", "red", "green", None)]
    assert features[5][-1] == rows[:, 5].tolist().count("") and sum(features[5]) == 300
    labels = answers_of(300, 1).labels.tolist()
    assert answered == [labels.count("no"), labels.count("yes"), 0, 0]


@pytest.mark.parametrize("at_once", [1, 300])
def test_answers_of_a_regressor_are_counted_in_ranges(at_once: int) -> None:
    values = np.random.default_rng(0).normal(0, 1, 300)
    task, rows = Regression(mean=0.0, deviation=1.0), rows_of(300, 3)
    sketch = Sketch(Profile.read(make_profile(rows, FEATURES, task, Estimates(values))), FEATURES)
    for start in range(0, 300, at_once):
        sketch.add(rows[start : start + at_once], Estimates(values[start : start + at_once] + 9))
    _, _, answered = sketch.take()
    assert answered[-2] == 300  # above all of training


def test_profile_of_other_features_is_refused(profile: Profile) -> None:
    with pytest.raises(KeyError):
        Sketch(profile, (Feature(name="other", kind="number", minimum=0, maximum=1),))
