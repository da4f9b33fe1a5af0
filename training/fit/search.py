"""The search: a grid, or random candidates on ever more rows, each measured in folds; and what it tried."""

import json
from math import ceil, isfinite, log, prod
from typing import Any

import numpy as np
from sklearn.experimental import enable_halving_search_cv  # noqa: F401  (makes the import below work)
from sklearn.model_selection import GridSearchCV, HalvingRandomSearchCV
from sklearn.pipeline import Pipeline

from brinery.assessment.metrics.metric import Metric
from brinery.assessment.metrics.table import BY_TASK, METRICS
from brinery.versions.manifest import MOST_TRIALS, Search, Trial
from training.fit.task import FITS
from training.spec import FOLDS, ModelSpec

HALVING_FACTOR = 3
LONGEST = 100  # letters of a parameter's value


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


def tried(search: Any, spec: ModelSpec, kind: str) -> Search:
    """What a search that was fitted has tried, the best first, each set of parameters by its last round."""
    found, metric = search.cv_results_, scored_by(spec, kind)
    sign = -1 if metric.better == "lower" else 1  # as scikit-learn's scorers have it
    rounds = found.get("iter", np.zeros(len(found["params"]), dtype=int))
    last = {json.dumps(params, sort_keys=True, default=repr): k for k, params in enumerate(found["params"])}
    order = sorted(
        last.values(), key=lambda k: (k != search.best_index_, -rounds[k], -np.nan_to_num(found["mean_test_score"][k]))
    )
    return Search(
        metric=metric.name,
        folds=FOLDS,
        tried=len(order),
        trials=tuple(
            Trial(
                params={name.removeprefix("model__"): _told(value) for name, value in found["params"][k].items()},
                mean=_number(sign * found["mean_test_score"][k]),
                deviation=_number(found["std_test_score"][k]),
                rows=int(found["n_resources"][k]) if "n_resources" in found else None,
                chosen=bool(k == search.best_index_),
            )
            for k in order[:MOST_TRIALS]
        ),
    )


def _told(value: Any) -> str | int | float | bool | None:
    """A parameter's value as JSON may have it, and as a short text where it cannot."""
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and isfinite(value)):
        return value
    text = " ".join((value if isinstance(value, str) else repr(value)).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _number(value: float) -> float | None:
    return float(value) if isfinite(value) else None
