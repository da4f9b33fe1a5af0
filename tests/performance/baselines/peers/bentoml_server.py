"""BentoML's server of a scikit-learn model; started by `python -m bentoml serve bentoml_server:Wine`."""

from typing import Any

import bentoml  # type: ignore[import-not-found]
import joblib
import numpy as np


@bentoml.service(workers=1)
class Wine:
    def __init__(self) -> None:
        self.model = joblib.load("model.joblib")

    @bentoml.api  # type: ignore[untyped-decorator]
    def classify(self, data: list[float]) -> dict[str, Any]:
        row = np.array([data])
        return {
            "prediction": self.model.predict(row).tolist()[0],
            "probabilities": self.model.predict_proba(row).tolist()[0],
        }
