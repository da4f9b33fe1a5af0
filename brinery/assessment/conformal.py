"""Split conformal prediction: from the scores of held-out rows to the quantile that widens answers."""

from math import ceil

import numpy as np

from brinery.errors import DataInvalid
from brinery.tasks.interval import Interval

FOLDS = 10
ROWS_OF_FOLDS = 100  # of fewer, each is a fold by itself
EXACT = 1e-9  # of a row: 0.9 of 10 rows are 9, whatever rounding makes of it


def calibrated(scores: np.ndarray, level: float, seed: int) -> Interval:
    """The interval of a level, from the scores of rows that no model was fitted on, shape (rows,).

    The more unlike the truth an answer is, the larger is its score. A new row, exchangeable with these, has a score up
    to the quantile with a probability of `level` at least.

    Args:
        seed: of the folds that the coverage is taken by.

    Raises:
        DataInvalid: there are fewer than ⌈1 / (1 - level)⌉ - 1 rows.
    """
    least = ceil(1 / (1 - level) - EXACT) - 1
    if len(scores) < least:
        raise DataInvalid(f"interval is {level:g}, for which at least {least} rows must be held out; {len(scores)} are")
    quantile = _quantile(scores, level)
    return Interval(level=level, quantile=quantile, rows=len(scores), coverage=_coverage(scores, level, seed))


def _quantile(scores: np.ndarray, level: float) -> float:
    """The smallest score up to which `level` of the rows and one more are; endless where there are too few."""
    place = ceil((len(scores) + 1) * level - EXACT)
    return float(np.partition(scores, place - 1)[place - 1]) if place <= len(scores) else float("inf")


def _coverage(scores: np.ndarray, level: float, seed: int) -> float:
    rows = len(scores)
    order = np.random.default_rng(seed).permutation(rows)
    covered = 0
    for fold in np.array_split(order, rows if rows < ROWS_OF_FOLDS else FOLDS):
        rest = np.ones(rows, dtype=bool)
        rest[fold] = False
        covered += int((scores[fold] <= _quantile(scores[rest], level)).sum())
    return covered / rows
