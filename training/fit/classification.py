"""What fitting a classifier asks of its labels: splits by class, folds that hold each class, and weights of classes."""

from collections.abc import Mapping
from math import ceil
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.utils import compute_sample_weight
from sklearn.utils.validation import has_fit_parameter

from brinery.errors import DataInvalid
from brinery.tasks.classification import label_text
from training.errors import SpecInvalid
from training.spec import ModelSpec

ROWS_OF_RAREST = 10  # in the smallest sample of a halving search, on average


class ClassificationFit:
    """See `training.fit.task.TaskFit`."""

    def hold_out(self, spec: ModelSpec, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rows = np.arange(len(y))
        try:
            train, test = train_test_split(rows, test_size=spec.test_size, random_state=spec.random_state, stratify=y)
        except ValueError as exc:
            raise DataInvalid(f"{len(y)} rows cannot be split by test_size {spec.test_size}: {exc}") from exc
        return train, test

    def folds(self, count: int, random_state: int) -> StratifiedKFold:
        return StratifiedKFold(count, shuffle=True, random_state=random_state)

    def check_folds(self, y: np.ndarray, count: int, what: str) -> None:
        labels, counts = np.unique(y, return_counts=True)
        if counts.min() < count:
            rarest = label_text(labels.tolist()[counts.argmin()])
            raise DataInvalid(
                f'class "{rarest}" has {counts.min()} rows, fewer than the {count} folds of {what}; '
                "leave the class out, or gather more of it"
            )

    def classes(self, y: np.ndarray) -> int:
        return len(np.unique(y))

    def smallest_sample(self, y: np.ndarray, folds: int) -> int:
        rarest = np.unique(y, return_counts=True)[1].min()
        return min(len(y), ceil(ROWS_OF_RAREST * folds * len(y) / rarest))

    def arguments(self, spec: ModelSpec, model: Any, y: np.ndarray) -> dict[str, np.ndarray]:
        """The class weights."""
        if spec.class_weight is None:
            return {}
        if not has_fit_parameter(model, "sample_weight"):
            raise SpecInvalid(
                f"class_weight is given, and {type(model).__name__} takes no weights; "
                "leave it out, or choose another estimator"
            )
        return {"model__sample_weight": compute_sample_weight(_by_label(spec.class_weight, y), y)}


def _by_label(weight: str | Mapping[str, float], y: np.ndarray) -> Any:
    """Weights by the labels themselves; JSON has them as texts, and classes left out weigh 1."""
    if isinstance(weight, str):
        return weight
    labels = {label_text(label): label for label in np.unique(y).tolist()}
    for key in weight:
        if key not in labels:
            shown = ", ".join(list(labels)[:20])
            raise SpecInvalid(f'class_weight names "{key}"; the classes are {shown}')
    return {label: weight.get(text, 1.0) for text, label in labels.items()}
