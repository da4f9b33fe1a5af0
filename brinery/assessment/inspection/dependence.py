"""Partial dependence: what a model answers on average where one feature is set to each of its values in turn."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from brinery.assessment.assessor import Assessor
from brinery.assessment.inspection.importance import Importance
from brinery.rows.feature import Feature
from brinery.tasks.task import AnyAnswers

FEATURES = 6
POINTS = 20
SEEN = 10_000  # rows that mostly tell that there are more values than points
VALUES = 8  # of a category, the most frequent ones
ROWS = (20, 64)  # so few that a forest of 200 trees takes some 0.15 s
CELLS = 2_000_000  # rows × points × features of one call
INNER = (0.05, 0.95)  # the quantiles of training between which a line is drawn, as scikit-learn's are
Grid = list[tuple[float | str, float | str]]


@dataclass(frozen=True)
class Dependence:
    """Of one feature: the mean answer over `rows` rows at each of its `values`.

    `values` are numbers, ascending, or texts that name a category or a truth; `means` have shape (values,), by what
    is answered; `ticks` are the deciles of a number in training.
    """

    feature: Feature
    values: tuple[float | str, ...]
    means: Mapping[str, np.ndarray]
    rows: int
    ticks: tuple[float, ...] = ()


def dependences(
    assessor: Assessor,
    predict: Callable[[np.ndarray], AnyAnswers],
    features: Sequence[Feature],
    train_x: np.ndarray,
    train_y: np.ndarray,
    test_x: np.ndarray,
    importance: Sequence[Importance],
    random_state: int,
) -> tuple[Dependence, ...]:
    """Of at most six features that matter most, the strongest first; of none that matters nothing, or that is prose.

    Args:
        predict: the fitted model by its faster format, from rows, shape (rows, features), to answers.
        train_x, train_y: what it was fitted on, which says what range and which classes are shown.
        test_x: rows, shape (rows, features), of which at most 64 are answered with each of the values.
    """
    places = {feature.name: j for j, feature in enumerate(features)}
    most = int(np.clip(CELLS / (POINTS * len(features)), *ROWS))
    rows = test_x[np.random.default_rng(random_state).permutation(len(test_x))[:most]]
    found = []
    for each in sorted(importance, key=lambda each: -each.mean)[:FEATURES]:
        j = places[each.feature]
        grid, ticks = _grid(features[j], train_x[:, j])
        if each.mean <= 0 or len(grid) < 2:
            continue
        asked = np.tile(rows, (len(grid), 1))
        asked[:, j] = np.repeat(np.array([value for value, _ in grid], dtype=asked.dtype), len(rows))
        answered = assessor.averaged(predict(asked), train_y)
        means = {name: values.reshape(len(grid), len(rows)).mean(axis=1) for name, values in answered.items()}
        if all(np.isfinite(mean).all() for mean in means.values()):
            found.append(Dependence(features[j], tuple(shown for _, shown in grid), means, len(rows), ticks))
    return tuple(found)


def _grid(feature: Feature, column: np.ndarray) -> tuple[Grid, tuple[float, ...]]:
    """The values that a feature is set to, each with what it is shown as, and the ticks of a number."""
    if feature.kind == "text":
        return [], ()
    if not feature.of_texts:
        column = np.ascontiguousarray(column, dtype=np.float64)
    known = column[~pd.isna(column)]
    if feature.kind == "category":
        return [(value, value) for value in pd.Series(known).value_counts().index[:VALUES]], ()
    if feature.kind == "boolean":
        return [(value, "true" if value else "false") for value in np.unique(known).tolist()], ()
    if not len(known):
        return [], ()
    low, high, *marks = np.quantile(known, (*INNER, *np.arange(1, 10) / 10))
    inner = known[(low <= known) & (known <= high)]
    within = np.unique(inner[:SEEN])
    if len(within) <= POINTS:
        within = np.unique(inner)
    if len(within) < 2:  # nearly all rows have one value
        low, high, within = known.min(), known.max(), np.unique(known)
    if len(within) > POINTS:
        within = np.linspace(low, high, POINTS)
        within = np.unique(np.round(within)) if feature.kind == "integer" else within
    ticks = np.unique(marks)
    return [(value, value) for value in within.tolist()], tuple(ticks[(low <= ticks) & (ticks <= high)].tolist())
