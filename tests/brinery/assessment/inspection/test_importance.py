"""Permutation importance: which feature a model needs."""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from brinery.assessment.assessor import ASSESSORS
from brinery.assessment.inspection.importance import importances
from brinery.rows.feature import Feature
from brinery.tasks.task import AnyAnswers

CLASSIFICATION = ASSESSORS["classification"]


def test_importance_finds_the_feature_that_matters() -> None:
    random = np.random.default_rng(0)
    array = random.normal(size=(500, 3))
    truth = (array[:, 1] > 0).astype(int)
    features = tuple(Feature(name=name, kind="number", minimum=0, maximum=1) for name in "abc")
    fitted = make_pipeline(LogisticRegression()).fit(array, truth)

    def predict(rows: np.ndarray) -> AnyAnswers:
        return CLASSIFICATION.answers(fitted, rows)

    first, *others = importances(CLASSIFICATION, fitted, predict, array, truth, features, 0)
    assert first.feature == "b" and first.mean > 0.3
    assert all(abs(other.mean) < 0.02 for other in others)
