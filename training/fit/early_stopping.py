"""Early stopping: rounds of boosting are added until a part of the training rows is answered no better."""

import warnings
from importlib import import_module
from typing import Any, Self

import numpy as np
from sklearn.base import is_classifier
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline

from training.fit.boosters import library, names_of_rounds

SHARE = 0.1  # of the rows of a fit, to stop by


class StoppingPipeline(Pipeline):  # type: ignore[misc]
    """A pipeline whose last step, of XGBoost or LightGBM, stops by rows that are held out of each fit anew."""

    def __init__(self, steps: Any, rounds: int, random_state: int) -> None:
        """Stop after so many rounds without improvement; `random_state` chooses the rows."""
        super().__init__(steps)
        self.rounds = rounds
        self.random_state = random_state

    def fit(self, X: np.ndarray, y: np.ndarray, **params: np.ndarray) -> Self:
        """Fit on rows, shape (rows, features).

        Args:
            params: the last step's `sample_weight`, as `Pipeline.fit` takes it, shape (rows,), if any.
        """
        model = self.steps[-1][1]
        try:
            train, held_out = train_test_split(
                np.arange(len(y)),
                test_size=SHARE,
                random_state=self.random_state,
                stratify=y if is_classifier(model) else None,
            )
        except ValueError as exc:
            raise ValueError(f"early_stopping holds out {SHARE:.0%} of {len(y)} rows to stop by: {exc}") from exc
        before = Pipeline(self.steps[:-1]) if len(self.steps) > 1 else None
        fitted_on = X[train] if before is None else before.fit_transform(X[train], y[train])
        stopped_by = X[held_out] if before is None else before.transform(X[held_out])
        more: dict[str, Any] = {"verbose": False} if library(model) == "xgboost" else {}
        weights = params.get(f"{self.steps[-1][0]}__sample_weight")
        if weights is not None:
            stopping = "sample_weight_eval_set" if library(model) == "xgboost" else "eval_sample_weight"
            more |= {"sample_weight": weights[train], stopping: [weights[held_out]]}
        if library(model) == "lightgbm":
            more["callbacks"] = [import_module("lightgbm").early_stopping(self.rounds, verbose=False)]
        else:
            model.set_params(early_stopping_rounds=self.rounds)
        with warnings.catch_warnings():
            # LightGBM 4.7 would have `eval_X` and `eval_y`, and then fails on labels that are texts.
            warnings.simplefilter("ignore", FutureWarning)
            model.fit(fitted_on, y[train], eval_set=[(stopped_by, y[held_out])], **more)
        return self

    @property
    def rounds_used(self) -> int:
        """The rounds of the fitted model that its answers are made of."""
        model = self.steps[-1][1]
        return int(model.best_iteration_ if hasattr(model, "best_iteration_") else model.best_iteration + 1)

    @property
    def without_stopping(self) -> dict[str, Any]:
        """Parameters by which a clone fits as many rounds as were used, on all rows; the fitted model answers alike."""
        name, model = self.steps[-1]
        own = model.get_params()
        told: dict[str, Any] = {key: self.rounds_used for key in names_of_rounds(model) & own.keys()}
        if library(model) == "xgboost":
            told["early_stopping_rounds"] = None
        return {f"{name}__{key}": value for key, value in told.items()}
