"""Permutation importance: which feature a model needs."""

import numpy as np
import pytest
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from brinery.assessment.assessor import ASSESSORS
from brinery.assessment.inspection import importance
from brinery.assessment.inspection.importance import REPEATS, importances
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

    first, *others = importances(CLASSIFICATION, predict, array, truth, features, 0)
    assert first.feature == "b" and first.mean > 0.3
    assert all(abs(other.mean) < 0.02 for other in others)


@pytest.mark.parametrize("cells", [1, 5000, 10**9])
def test_importances_are_those_of_scikit_learn_in_few_calls(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importance, "CELLS", cells)
    random = np.random.default_rng(0)
    array = random.normal(size=(300, 4))
    truth = (array[:, 1] + array[:, 2] / 2 > 0).astype(int)
    features = tuple(Feature(name=name, kind="number", minimum=0, maximum=1) for name in "abcd")
    fitted = make_pipeline(LogisticRegression()).fit(array, truth)
    asked: list[int] = []

    def predict(rows: np.ndarray) -> AnyAnswers:
        asked.append(len(rows))
        return CLASSIFICATION.answers(fitted, rows)

    found = importances(CLASSIFICATION, predict, array, truth, features, 7)
    picked = np.random.default_rng(7).permutation(300)
    theirs = permutation_importance(fitted, array[picked], truth[picked], n_repeats=REPEATS, random_state=7)
    for each in found:
        j = "abcd".index(each.feature)
        assert each.mean == pytest.approx(theirs.importances_mean[j], abs=1e-12)
        assert each.deviation == pytest.approx(theirs.importances_std[j], abs=1e-12)
    assert len(asked) == 1 + {1: 4, 5000: 4, 10**9: 1}[cells]
