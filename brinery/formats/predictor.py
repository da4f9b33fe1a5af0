"""A predictor: a loaded model, in whichever format."""

from typing import Protocol

import numpy as np

from brinery.tasks.task import AnyAnswers


class Predictor(Protocol):
    """What a format's `load` gives."""

    def predict(self, array: np.ndarray) -> AnyAnswers:
        """Answers to checked rows, shape (rows, features)."""
        ...
