"""Ties: rows on which a fitted model itself hangs on rounding, so that any form of it may answer either way."""

from collections.abc import Callable
from copy import copy
from functools import reduce
from typing import Any

import numpy as np

from brinery.tasks.classification import Answers

TIE = 1e-9  # of scores: far above what rounding in double precision does to them, far below what a difference is


def score_ties(fitted: Any, array: np.ndarray, answers: Answers, threshold: float | None = None) -> np.ndarray:
    """Rows whose two best scores are equal but for rounding in double precision: probabilities, votes or distances.

    With a threshold, those whose probability is at it.
    """
    if threshold is not None and answers.probabilities is not None:
        return np.asarray(np.abs(answers.probabilities[:, 1] - threshold) <= TIE)
    last, transformed = _last_step(fitted)
    scores = answers.probabilities
    if hasattr(last, "decision_function") and (scores is None or hasattr(last, "support_vectors_")):
        array = transformed(array)
        if hasattr(last, "support_vectors_"):  # the label is that of most votes, each by the sign of one decision
            last = copy(last)
            last.decision_function_shape = "ovo"
            decisions = np.atleast_2d(last.decision_function(array).T).T
            return np.asarray((np.abs(decisions) <= TIE * np.abs(decisions).max(initial=1.0)).any(axis=1))
        decisions = last.decision_function(array)
        scores = np.stack([-decisions, decisions], axis=1) if decisions.ndim == 1 else decisions
    if scores is None:
        return np.zeros(len(array), dtype=bool)
    best = np.sort(scores, axis=1)[:, -2:]
    return np.asarray(best[:, 1] - best[:, 0] <= TIE * np.maximum(1.0, np.abs(best[:, 1])))


def neighbour_ties(fitted: Any, array: np.ndarray) -> np.ndarray:
    """Rows whose last neighbour that votes is as far away as the first that does not."""
    last, transformed = _last_step(fitted)
    if not hasattr(last, "kneighbors") or last.n_neighbors >= last.n_samples_fit_:
        return np.zeros(len(array), dtype=bool)
    distances = last.kneighbors(transformed(array), last.n_neighbors + 1)[0]
    nearest, next_one = distances[:, -2], distances[:, -1]
    return np.asarray(next_one - nearest <= 1e-7 * np.maximum(1e-30, next_one))


def _last_step(fitted: Any) -> tuple[Any, Callable[[np.ndarray], Any]]:
    """The estimator that answers, and what makes of rows what it is given."""
    *before, last = [step for _, step in getattr(fitted, "steps", [("model", fitted)])]
    return last, lambda array: reduce(lambda rows, step: step.transform(rows), before, array)
