"""Permutation importance: how much of the task's score is lost when a feature is shuffled."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from brinery.assessment.assessor import Assessor
from brinery.rows.feature import Feature
from brinery.tasks.task import AnyAnswers

ROWS = (100, 1000)
REPEATS = 5
ANSWERS = 100_000  # rows × features × repeats: a second or two
CELLS = 2_000_000  # rows × repeats × features of one call


@dataclass(frozen=True)
class Importance:
    """Of one feature: how much of the score is lost when its column is shuffled among `rows`."""

    feature: str
    mean: float
    deviation: float
    rows: int


def importances(
    assessor: Assessor,
    predict: Callable[[np.ndarray], AnyAnswers],
    array: np.ndarray,
    truth: np.ndarray,
    features: tuple[Feature, ...],
    random_state: int,
) -> tuple[Importance, ...]:
    """On at most 1,000 of the rows (fewer of many features), the largest first.

    Args:
        predict: the fitted model by its faster format, from rows, shape (rows, features), to answers.
    """
    most = int(np.clip(ANSWERS / (len(features) * REPEATS), *ROWS))
    picked = np.random.default_rng(random_state).permutation(len(array))[:most]
    rows, truth = array[picked], truth[picked]
    shuffles = _shuffles(len(rows), random_state)
    places = np.concatenate(shuffles)
    at_once = max(1, CELLS // (rows.size * REPEATS or 1))
    before = assessor.score(predict(rows), truth)
    lost: list[list[float]] = []
    for start in range(0, len(features), at_once):
        columns = range(start, min(start + at_once, len(features)))
        asked = np.tile(rows, (REPEATS * len(columns), 1))
        for k, j in enumerate(columns):
            asked[k * len(places) : (k + 1) * len(places), j] = rows[places, j]
        answers = predict(asked)
        parts = [answers[begin : begin + len(rows)] for begin in range(0, len(asked), len(rows))]
        scores = [before - assessor.score(part, truth) for part in parts]
        lost += [scores[k : k + REPEATS] for k in range(0, len(scores), REPEATS)]
    means, deviations = np.mean(lost, axis=1), np.std(lost, axis=1)
    return tuple(
        Importance(features[j].name, float(means[j]), float(deviations[j]), len(rows))
        for j in np.argsort(-means, kind="stable")
    )


def _shuffles(rows: int, random_state: int) -> list[np.ndarray]:
    """The orders that each column is put in, shape (rows,): those of scikit-learn's `permutation_importance`."""
    random = np.random.RandomState(np.random.RandomState(random_state).randint(np.iinfo(np.int32).max + 1))
    order, step, found = np.arange(rows), np.arange(rows), []
    for _ in range(REPEATS):
        random.shuffle(step)
        order = order[step]
        found.append(order)
    return found
