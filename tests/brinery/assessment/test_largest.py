"""Labels from probabilities: those of the estimator's own `predict`, ties among them, at half the cost."""

from typing import Any

import numpy as np
import pytest
from sklearn.base import ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import all_estimators

from brinery.assessment.classification import ClassificationAssessor
from brinery.assessment.largest import OF_LARGEST, labels_of

ESTIMATORS = {name: kind for name, kind in all_estimators("classifier") if name in OF_LARGEST}
FEW = {"max_iter": 20, "n_estimators": 9, "cv": 2}  # so that ties are many, and fits short


def made(name: str) -> Any:
    estimator = ESTIMATORS[name]()
    known = estimator.get_params()
    return estimator.set_params(**{key: value for key, value in FEW.items() if key in known})


def rows_of_few_values(random: np.random.Generator, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows that are often the same, and mirrored beside what they are labelled, so that a model ties."""
    x = random.integers(-2, 3, (120, 2)).astype(float)
    y = (x.sum(axis=1) > 0).astype(int) + (classes > 2) * (x[:, 0] > 1)
    return np.concatenate([x, -x]), np.concatenate([y, y[::-1]])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", sorted(OF_LARGEST))
def test_labels_are_those_of_predict_on_ties_too(name: str, classes: int) -> None:
    random = np.random.default_rng(classes)
    x, y = rows_of_few_values(random, classes)
    names = np.array(["c", "a", "b"])
    fitted = make_pipeline(StandardScaler(), made(name)).fit(x, names[y])
    asked = np.concatenate([x, random.normal(size=(2000, 2)), np.zeros((1, 2))])
    found = labels_of(fitted, asked, fitted.predict_proba(asked))
    assert found.tolist() == fitted.predict(asked).tolist()


def test_estimator_settles_ties_itself() -> None:
    """A boosted tree says 1 where its score is above 0, were the probabilities of it the same."""
    fitted = DecisionTreeClassifier().fit([[0.0], [0.0]], [0, 1])
    fitted.predict = lambda rows: np.ones(len(rows), dtype=int)
    assert labels_of(fitted, np.zeros((3, 1)), fitted.predict_proba(np.zeros((3, 1)))).tolist() == [1, 1, 1]


class Contrary(ClassifierMixin):  # type: ignore[misc]
    """Answers otherwise than its probabilities say."""

    classes_ = np.array([0, 1])

    def predict_proba(self, rows: np.ndarray) -> np.ndarray:
        return np.tile([0.9, 0.1], (len(rows), 1))

    def predict(self, rows: np.ndarray) -> np.ndarray:
        return np.ones(len(rows), dtype=int)


class LikeScikitLearns(LogisticRegression):  # type: ignore[misc]
    predict = Contrary.predict


LikeScikitLearns.__name__ = "LogisticRegression"


def test_other_estimators_are_asked() -> None:
    ours = LikeScikitLearns().fit([[0.0], [1.0]], [0, 1])
    for fitted in (Contrary(), ours):
        rows = np.full((2, 1), -50.0)
        assert labels_of(fitted, rows, fitted.predict_proba(rows)).tolist() == [1, 1]


def test_known_estimator_is_asked_for_probabilities_alone() -> None:
    fitted = make_pipeline(StandardScaler(), LogisticRegression()).fit([[0.0], [1.0]], [0, 1])
    fitted.named_steps["logisticregression"].predict = None
    rows = np.array([[0.0], [5.0]])
    assert ClassificationAssessor().answers(fitted, rows).labels.tolist() == [0, 1]
    assert ClassificationAssessor(threshold=0.999).answers(fitted, rows).labels.tolist() == [0, 0]
