"""Partial dependence: that it is scikit-learn's, of the features and classes that matter, in few calls."""

from typing import Any

import numpy as np
import pytest
from sklearn.inspection import partial_dependence

from brinery.assessment.assessor import ASSESSORS
from brinery.assessment.inspection.dependence import POINTS, ROWS, Dependence, dependences
from brinery.assessment.inspection.importance import Importance
from brinery.rows.feature import Feature
from brinery.tasks.classification import Answers
from brinery.tasks.regression import Estimates
from tests.brinery.assessment.card.cards import card

FEATURES = (
    Feature(name="size", kind="number", minimum=-5, maximum=5, nullable=True),
    Feature(name="rooms", kind="integer", minimum=0, maximum=900),
    Feature(name="new", kind="boolean"),
    Feature(name="town", kind="category", categories=tuple("abcdefghijkl"), nullable=True),
    Feature(name="always", kind="number", minimum=1, maximum=1),
    Feature(name="prose", kind="text"),
)


def rows(count: int = 500) -> np.ndarray:
    random, found = np.random.default_rng(0), np.empty((count, len(FEATURES)), dtype=object)
    found[:, 0], found[:, 1] = random.normal(size=count), random.integers(0, 900, count).astype(float)
    found[:, 2], found[:, 4], found[:, 5] = (found[:, 1] > 300).astype(float), 1.0, "so"
    found[:, 3] = random.choice(np.array([*"abcdefghijkl", None], dtype=object), count)
    found[::9, 0] = np.nan
    return found


def depends(kind: str, predict: Any, train_y: np.ndarray, strong: tuple[str, ...]) -> tuple[Dependence, ...]:
    important = [Importance(feature.name, 1.0 if feature.name in strong else 0.0, 0.0, 9) for feature in FEATURES]
    return dependences(ASSESSORS[kind], predict, FEATURES, rows(), train_y, rows(), important, 0)


@pytest.mark.parametrize("name", ["wine", "two", "digits"])
def test_dependence_is_that_of_scikit_learn(name: str) -> None:
    made = card(name)
    model, first = made.fitted, made.dependence[0]
    j = [feature.name for feature in made.content.features].index(first.feature.name)
    picked = made.rows[np.random.default_rng(0).permutation(len(made.rows))[: ROWS[1]]]
    theirs = partial_dependence(
        model, picked, [j], kind="average", response_method="predict_proba", custom_values={j: np.array(first.values)}
    )["average"]
    classes = [str(label) for label in model.classes_]
    for answer, means in first.means.items():
        ours = theirs[0] if len(classes) == 2 else theirs[classes.index(answer)]
        assert np.allclose(means, ours, atol=1e-12)
    assert len(first.means) == {2: 1, 3: 3, 10: 4}[len(classes)]


def test_dependence_is_of_what_matters_and_has_values_of_every_kind() -> None:
    asked: list[int] = []

    def predict(array: np.ndarray) -> Estimates:
        asked.append(len(array))
        return Estimates(np.array([float(row[1]) + (100.0 if row[3] == "a" else 0.0) for row in array]))

    every = ("size", "rooms", "new", "town", "always", "prose")
    found = depends("regression", predict, np.zeros(500), every)
    assert [each.feature.name for each in found] == ["size", "rooms", "new", "town"]  # no constant, no prose
    assert len(asked) == 4 and max(asked) <= POINTS * ROWS[1]
    size, rooms, new, town = found
    assert len(size.values) == POINTS and np.ptp(size.means["answer"]) < 1e-9 and len(size.ticks) == 9
    assert np.allclose(
        rooms.means["answer"] - np.array(rooms.values), rooms.means["answer"][0] - float(rooms.values[0])
    )
    assert all(value == round(float(value)) for value in rooms.values)
    assert new.values == ("false", "true") and len(town.values) == 8
    others = [mean for value, mean in zip(town.values, town.means["answer"], strict=True) if value != "a"]
    assert "a" not in town.values or np.isclose(town.means["answer"][town.values.index("a")], others[0] + 100)
    assert [each.feature.name for each in depends("regression", predict, np.zeros(500), ("town",))] == ["town"]


def test_dependence_without_probabilities_is_how_often_each_class_is_answered() -> None:
    classes = np.array(["no", "other", "yes"])

    def predict(array: np.ndarray) -> Answers:
        return Answers(classes, None, given_labels=np.where(array[:, 2] > 0, "yes", "no"))

    (new,) = depends("classification", predict, np.array(["no", "other", "yes", "yes"]), ("new",))
    assert {name: means.tolist() for name, means in new.means.items()} == {
        "no": [1.0, 0.0],
        "other": [0.0, 0.0],
        "yes": [0.0, 1.0],
    }


def test_dependence_leaves_out_what_has_no_finite_mean() -> None:
    assert depends("regression", lambda array: Estimates(np.full(len(array), np.inf)), np.zeros(9), ("size",)) == ()
