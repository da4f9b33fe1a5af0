"""Permutation importance: how much of the task's score is lost when a feature is shuffled."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.inspection import permutation_importance

from brinery.assessment.assessor import Assessor
from brinery.rows.feature import Feature
from brinery.tasks.task import AnyAnswers

ROWS = (100, 1000)
REPEATS = 5
ANSWERS = 100_000  # rows × features × repeats: a second or two


@dataclass(frozen=True)
class Importance:
    """Of one feature: how much of the score is lost when its column is shuffled among `rows`."""

    feature: str
    mean: float
    deviation: float
    rows: int


def importances(
    assessor: Assessor,
    fitted: Any,
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
    found = permutation_importance(
        fitted,
        array[picked],
        truth[picked],
        scoring=lambda _, x, y: assessor.score(predict(x), y),
        n_repeats=REPEATS,
        random_state=random_state,
        n_jobs=1,
    )
    return tuple(
        Importance(features[j].name, float(found.importances_mean[j]), float(found.importances_std[j]), len(picked))
        for j in np.argsort(-found.importances_mean, kind="stable")
    )
