"""The search: a grid, or random candidates on ever more rows, each measured in folds."""

from math import ceil, log, prod
from typing import Any

import numpy as np
from sklearn.experimental import enable_halving_search_cv  # noqa: F401  (makes the import below work)
from sklearn.model_selection import GridSearchCV, HalvingRandomSearchCV
from sklearn.pipeline import Pipeline

from brinery.assessment.metrics.metric import Metric
from brinery.assessment.metrics.table import BY_TASK, METRICS
from training.fit.task import FITS
from training.spec import FOLDS, ModelSpec

HALVING_FACTOR = 3


def make_search(spec: ModelSpec, kind: str, pipeline: Pipeline, y: np.ndarray) -> tuple[Any, int]:
    """The search, unfitted, and how many fits it takes (about, where it halves)."""
    task = FITS[kind]
    lists = {f"model__{key}": list(values) for key, values in (spec.search or {}).items()}
    common: dict[str, Any] = {
        "scoring": scored_by(spec, kind).scorer(task.classes(y)),
        "cv": task.folds(FOLDS, spec.random_state),
        "refit": False,
        "n_jobs": -1,
        "error_score": "raise",
    }
    combinations = prod(map(len, lists.values()))
    if spec.trials is None:
        return GridSearchCV(pipeline, lists, **common), combinations * FOLDS
    trials = min(spec.trials, combinations)
    smallest = task.smallest_sample(y, FOLDS)
    common |= {"factor": HALVING_FACTOR, "min_resources": smallest, "random_state": spec.random_state}
    rungs = 1 + min(int(log(len(y) / smallest, HALVING_FACTOR)), int(log(trials, HALVING_FACTOR)))
    fits = sum(ceil(trials / HALVING_FACTOR**rung) for rung in range(rungs)) * FOLDS
    return HalvingRandomSearchCV(pipeline, lists, n_candidates=trials, **common), fits


def scored_by(spec: ModelSpec, kind: str) -> Metric:
    """The metric that a search goes by: the task's main one where the spec does not say."""
    return BY_TASK[kind][0] if spec.scoring is None else METRICS[spec.scoring]
