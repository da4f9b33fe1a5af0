"""What fitting asks of the task. A new task is a class beside the others, and a row here."""

from typing import Any, Protocol

import numpy as np

from training.fit.classification import ClassificationFit
from training.fit.regression import RegressionFit
from training.spec import ModelSpec


class TaskFit(Protocol):
    """One task's part; `y` is the truth of rows, shape (rows,)."""

    def hold_out(self, spec: ModelSpec, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows to fit on and rows to measure on; DataInvalid where they cannot be split so."""
        ...

    def folds(self, count: int, random_state: int) -> Any:
        """A splitter of scikit-learn."""
        ...

    def check_folds(self, y: np.ndarray, count: int, what: str) -> None:
        """Raise DataInvalid where so many folds cannot be made; `what` says whose they are."""
        ...

    def classes(self, y: np.ndarray) -> int:
        """How many classes there are, 0 of numbers; scorers are named by it."""
        ...

    def smallest_sample(self, y: np.ndarray, folds: int) -> int:
        """How many rows a halving search may begin with."""
        ...

    def arguments(self, spec: ModelSpec, model: Any, y: np.ndarray) -> dict[str, np.ndarray]:
        """Arguments of `fit` for the pipeline whose last step is `model`, each of shape (rows,)."""
        ...


FITS: dict[str, TaskFit] = {"classification": ClassificationFit(), "regression": RegressionFit()}
