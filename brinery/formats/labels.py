"""XGBoost's classifier for labels of any kind; its own takes the numbers from 0 to n-1 alone."""

from typing import Any, Self

import numpy as np
import xgboost


class XGBClassifier(xgboost.XGBClassifier):
    """The same model: labels are numbered in their order before a fit, and come back as they were."""

    @property
    def classes_(self) -> np.ndarray:
        """The labels, sorted, shape (classes,)."""
        return self.labels_ if "labels_" in self.__dict__ else super().classes_

    def fit(self, X: Any, y: Any, *, sample_weight: Any = None, **more: Any) -> Self:
        labels, numbers = np.unique(np.asarray(y), return_inverse=True)
        if "eval_set" in more:
            more["eval_set"] = [(rows, np.searchsorted(labels, truth)) for rows, truth in more["eval_set"]]
        self.__dict__.pop("labels_", None)
        super().fit(X, numbers, sample_weight=sample_weight, **more)
        self.labels_ = labels
        return self

    def predict(self, X: Any, *, output_margin: bool = False, **more: Any) -> np.ndarray:
        found: np.ndarray = super().predict(X, output_margin=output_margin, **more)
        return found if output_margin else self.labels_[found]
