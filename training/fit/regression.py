"""What fitting a regressor asks of its target: splits that spread it alike."""

from typing import Any

import numpy as np
from sklearn.model_selection import KFold, train_test_split

from brinery.errors import DataInvalid
from training.spec import ModelSpec

STRATA = 10
ROWS_OF_FOLD = 2  # for R², which needs two
ROWS_OF_SAMPLE = 10  # in each fold of the smallest sample of a halving search


class RegressionFit:
    """See `training.fit.task.TaskFit`."""

    def hold_out(self, spec: ModelSpec, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Stratified by quantiles of the target, as many as the rows allow."""
        rows = np.arange(len(y))
        options: dict[str, Any] = {"test_size": spec.test_size, "random_state": spec.random_state}
        for strata in range(STRATA, 0, -1):
            try:
                train, test = train_test_split(rows, **options, stratify=_strata(y, strata) if strata > 1 else None)
            except ValueError as exc:
                if strata == 1:
                    raise DataInvalid(f"{len(y)} rows cannot be split by test_size {spec.test_size}: {exc}") from exc
            else:
                break
        if len(np.unique(y[train])) < 2:
            raise DataInvalid("the rows to fit on have one value of the target only; gather more rows")
        return train, test

    def folds(self, count: int, random_state: int) -> KFold:
        return KFold(count, shuffle=True, random_state=random_state)

    def check_folds(self, y: np.ndarray, count: int, what: str) -> None:
        if len(y) < ROWS_OF_FOLD * count:
            raise DataInvalid(f"{len(y)} rows are fewer than {ROWS_OF_FOLD} for each of the {count} folds of {what}")

    def classes(self, y: np.ndarray) -> int:
        return 0

    def smallest_sample(self, y: np.ndarray, folds: int) -> int:
        return min(len(y), ROWS_OF_SAMPLE * folds)

    def arguments(self, spec: ModelSpec, model: Any, y: np.ndarray) -> dict[str, np.ndarray]:
        return {}


def _strata(y: np.ndarray, count: int) -> np.ndarray:
    """Which of so many ranges of about equally many rows each row is in, shape (rows,)."""
    edges = np.unique(np.quantile(y, np.linspace(0, 1, count + 1)[1:-1]))
    return np.searchsorted(edges, y, side="left")
