"""Ties: rows on which a fitted model itself hangs on rounding, so that any form of it may answer either way."""

from copy import copy
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from brinery.assessment.faithful.within import answering
from brinery.formats.frames import OnFrames
from brinery.tasks.classification import Answers

TIE = 1e-9  # of scores: far above what rounding in double precision does to them, far below what a difference is


def score_ties(fitted: Any, array: np.ndarray, answers: Answers, threshold: float | None = None) -> np.ndarray:
    """Rows whose two best scores are equal but for rounding in double precision: probabilities, votes or distances.

    With a threshold, those whose probability is at it.
    """
    if threshold is not None and answers.probabilities is not None:
        return np.asarray(np.abs(answers.probabilities[:, 1] - threshold) <= TIE)
    last, rows = _last_step(fitted, array)
    scores = answers.probabilities
    if hasattr(last, "decision_function") and (scores is None or hasattr(last, "support_vectors_")):
        if hasattr(last, "support_vectors_"):  # the label is that of most votes, each by the sign of one decision
            last = copy(last)
            last.decision_function_shape = "ovo"
            decisions = np.atleast_2d(last.decision_function(rows).T).T
            return np.asarray((np.abs(decisions) <= TIE * np.abs(decisions).max(initial=1.0)).any(axis=1))
        decisions = last.decision_function(rows)
        scores = np.stack([-decisions, decisions], axis=1) if decisions.ndim == 1 else decisions
    if scores is None:
        return np.zeros(len(array), dtype=bool)
    best = np.sort(scores, axis=1)[:, -2:]
    return np.asarray(best[:, 1] - best[:, 0] <= TIE * np.maximum(1.0, np.abs(best[:, 1])))


def open_ties(fitted: Any, array: np.ndarray) -> np.ndarray:
    """Rows of which a rounding decides what the answer is made of: the last neighbour that votes is as far away as the
    first that does not, or what was calculated of the row is at a split.
    """
    found = np.zeros(len(array), dtype=bool)
    for each in answering(fitted, array):
        if each.has_neighbours:
            found |= _neighbour_ties(each.estimator, each.rows)
        elif each.splits and each.calculated:
            found |= _split_ties(each.estimator, each.rows)
    return found


def why_open(fitted: Any) -> str:
    """What makes rows open, where the fitted model and a converted one differ on them."""
    if any(each.has_neighbours for each in answering(fitted, None)):
        return "neighbours are often equally far in these columns, and scikit-learn takes others of them"
    return "what is calculated of these columns is often at a split, where rounding decides"


def _neighbour_ties(model: Any, rows: Any) -> np.ndarray:
    if model.n_neighbors >= model.n_samples_fit_:
        return np.zeros(rows.shape[0], dtype=bool)
    distances = model.kneighbors(rows, model.n_neighbors + 1)[0]
    nearest, next_one = distances[:, -2], distances[:, -1]
    return np.asarray(next_one - nearest <= 1e-7 * np.maximum(1e-30, next_one))


def _split_ties(model: Any, rows: Any) -> np.ndarray:
    """Rows that get another answer where all of their columns are a little more, or a little less."""
    ask = model.predict_proba if hasattr(model, "predict_proba") else model.predict
    rows = rows.toarray() if hasattr(rows, "toarray") else rows
    sizes = np.abs(np.nan_to_num(np.asarray(rows, dtype=np.float64)))
    little = TIE * (sizes + np.median(sizes, axis=0))
    now, more, less = (np.asarray(ask(some)).reshape(len(sizes), -1) for some in (rows, rows + little, rows - little))
    return np.asarray(((now != more) | (now != less)).any(axis=1))


def _last_step(fitted: Any, rows: Any) -> tuple[Any, Any]:
    """The estimator that answers, and what it is given of rows."""
    if isinstance(fitted, OnFrames):
        fitted, rows = fitted.estimator, fitted.frame(rows)
    while isinstance(fitted, Pipeline):
        rows, fitted = fitted[:-1].transform(rows) if len(fitted) > 1 else rows, fitted[-1]
    return fitted, rows
