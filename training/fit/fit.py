"""Fit: the estimator alone or the best of a search; many fits run in parallel processes, or on a Dask cluster."""

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline

from brinery.assessment.assessor import Assessor
from brinery.assessment.predictions import Predictions
from brinery.errors import DataInvalid, words_of
from brinery.tasks.task import AnyAnswers, AnyTask
from brinery.versions.manifest import Search
from training.errors import FitFailed
from training.fit.boosters import is_booster
from training.fit.early_stopping import StoppingPipeline
from training.fit.pipeline import is_scaled
from training.fit.progress import Report, fits_reported
from training.fit.search import make_search, tried
from training.fit.task import FITS, TaskFit
from training.spec import FOLDS, ModelSpec

MANY_CELLS = 10_000_000
UNSCALED = '; its columns are in their own units: "scale": true brings them to mean 0 and deviation 1 before it'
PREFIX = re.compile(r"^\[[\d:]+\] WARNING: \S+:\d+:")  # of what XGBoost warns of: when, and where it stands in its code


@dataclass(frozen=True)
class Fit:
    """A fitted pipeline as serving will have it, the parameters that were given or found, and what a search tried."""

    pipeline: Pipeline
    params: Mapping[str, object]
    search: Search | None


@dataclass(frozen=True)
class Fitting:
    """What every fit of one model needs.

    `cluster` is a context in which many fits run elsewhere than in processes of this machine; `report` is called
    with the fits done and those to do.
    """

    spec: ModelSpec
    pipeline: Pipeline
    assessor: Assessor
    cluster: Callable[[], Any]
    report: Report

    @property
    def _task(self) -> TaskFit:
        return FITS[self.assessor.kind]

    def fit(self, x: np.ndarray, y: np.ndarray) -> Fit:
        """Fit to rows, shape (rows, features), and their truth, shape (rows,).

        Raises:
            FitFailed: the estimator refuses its parameters or the rows, or warns.
            DataInvalid: a class has fewer rows than a search has folds.
        """
        found: dict[str, object] = {}
        told = None
        extra = self._task.arguments(self.spec, self.pipeline.named_steps["model"], y)
        pipeline = clone(self.pipeline)
        if self.spec.search:
            self._task.check_folds(y, FOLDS, "search")
            if self.spec.scoring == "mape" and y.min() <= 0:
                raise DataInvalid("scoring is mape, which needs a target above 0 in every row")
            search, total = make_search(self.spec, self.assessor.kind, pipeline, y)
            with self._failures("search"), self._many(total):
                search.fit(x, y, **extra)
            found = {key.removeprefix("model__"): value for key, value in search.best_params_.items()}
            told = tried(search, self.spec, self.assessor.kind)
            pipeline.set_params(**search.best_params_)
        with self._failures("fit"):
            fitted = _on_all_cores(pipeline, self.spec, x.size).fit(x, y, **extra)
        if isinstance(fitted, StoppingPipeline):
            found |= {"n_estimators": fitted.rounds_used}
        return Fit(_for_serving(fitted), {**self.spec.params, **found}, told)

    def predict(self, fitted: Pipeline, x: np.ndarray, y: np.ndarray) -> Predictions:
        """The fitted pipeline's answers to held-out rows."""
        with self._failures("predict the held-out rows"):
            return Predictions(y, self.assessor.answers(fitted, x))

    def cross_validate(self, x: np.ndarray, y: np.ndarray, folds: int) -> Predictions:
        """Answers to all rows, each by a model that was fitted on the other folds, with a search of its own if any."""
        self._task.check_folds(y, folds, "cv")
        splits = list(self._task.folds(folds, self.spec.random_state).split(x, y))
        if self.spec.search:
            self._task.check_folds(y[splits[0][0]], FOLDS, "the search within a fold of cv")
        weights = self._task.arguments(self.spec, self.pipeline.named_steps["model"], y)
        with self._failures("cross-validate"), self._many(folds):
            parts = joblib.Parallel(n_jobs=-1)(
                joblib.delayed(_fit_fold)(self.spec, clone(self.pipeline), self.assessor, x, y, weights, *split)
                for split in splits
            )
        joined = parts[0].task.joined([part.answers for part in parts])
        order = np.argsort(np.concatenate([held_out for _, held_out in splits]))
        return Predictions(y, joined[order])

    @contextmanager
    def _many(self, total: int) -> Iterator[None]:
        """Run many fits, on the cluster where there is one, and report each that is done."""
        with fits_reported(self.report, total), self.cluster(), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a candidate that fits badly loses by its score
            yield

    @contextmanager
    def _failures(self, doing: str) -> Iterator[None]:
        """Estimators raise whatever they like, and warn where they do not converge; neither is published."""
        try:
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("ignore", FutureWarning)
                warnings.simplefilter("error", UserWarning)
                # XGBoost warns from within its library, where nothing can be raised.
                warnings.filterwarnings("always", category=UserWarning, module="xgboost")
                yield
            for warned in told:
                if issubclass(warned.category, UserWarning):
                    raise FitFailed(str(warned.message))
        except Exception as exc:
            text = words_of(PREFIX.sub("", str(exc)), 400)
            asks = isinstance(exc, ConvergenceWarning) and self.spec.scale == "auto"
            hint = UNSCALED if asks and not is_scaled(self.spec, self.pipeline.named_steps["model"]) else ""
            raise FitFailed(f"{self.spec.estimator} did not {doing}: {text}{hint}") from exc


@dataclass(frozen=True)
class _Fold:
    task: AnyTask
    answers: AnyAnswers


def _fit_fold(
    spec: ModelSpec,
    pipeline: Pipeline,
    assessor: Assessor,
    x: np.ndarray,
    y: np.ndarray,
    weights: Mapping[str, np.ndarray],
    train: np.ndarray,
    held_out: np.ndarray,
) -> _Fold:
    """Answers to the held-out fold; runs in a process of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model: Any = pipeline
        if spec.search:
            model = make_search(spec, assessor.kind, pipeline, y[train])[0].set_params(refit=True, n_jobs=None)
        model.fit(x[train], y[train], **{key: value[train] for key, value in weights.items()})
        return _Fold(assessor.task(model, y[train]), assessor.answers(model, x[held_out]))


def _on_all_cores(pipeline: Pipeline, spec: ModelSpec, cells: int) -> Pipeline:
    """One fit alone may use every core, where its estimator can and was not told otherwise.

    Boosters share out every round, and wait for each other longer than they work where there are few cells.
    """
    model = pipeline.named_steps["model"]
    told = {*spec.params, *(spec.search or ())}
    if "n_jobs" not in told and (
        (is_booster(model) and cells >= MANY_CELLS)
        or (type(model).__module__.startswith("sklearn.ensemble") and model.get_params().get("n_jobs", 1) is None)
    ):
        model.set_params(n_jobs=-1)
    return pipeline


def _for_serving(fitted: Pipeline) -> Pipeline:
    """Leave out of the pickle what is for training alone: Lambda has no processes to share, and nobody to talk to."""
    settings: dict[str, object] = fitted.without_stopping if isinstance(fitted, StoppingPipeline) else {}
    given = fitted.get_params()
    for key, value in given.items():
        of, _, name = key.rpartition("__")
        if name == "n_jobs":
            settings[key] = 1 if is_booster(given.get(of)) else None  # boosters take None for all processors
        elif name == "verbose":
            settings[key] = False if isinstance(value, bool) else min(value, 0)  # each kind refuses the other in a fit
    changed = {key: value for key, value in settings.items() if value != given[key]}  # CatBoost lets nothing be set
    return Pipeline(fitted.set_params(**changed).steps)
