"""Sparse columns: where they are made, and that answers are those of columns that are written out."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV, RidgeClassifier, SGDClassifier
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC, LinearSVC, NuSVC
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

from brinery.assessment.columns.arrays import to_array
from brinery.assessment.columns.infer import infer_features
from brinery.rows.feature import Feature
from training.fit.pipeline import make_pipeline_for
from training.fit.sparse import ALIKE, CATEGORIES, is_sparse
from training.spec import ModelSpec

LOGISTIC = LogisticRegression(max_iter=1000)
SPARSE = (
    *(
        LOGISTIC,
        LogisticRegressionCV(cv=2, max_iter=1000, l1_ratios=(0,), scoring="accuracy", use_legacy_attributes=False),
    ),
    *(
        LinearSVC(random_state=0),
        SVC(),
        NuSVC(nu=0.1),
        MLPClassifier((8,), tol=0.1, n_iter_no_change=2, random_state=0),
    ),
    *(BernoulliNB(), ComplementNB(), MultinomialNB(), DecisionTreeClassifier(random_state=0)),
    *(ExtraTreeClassifier(random_state=0), RandomForestClassifier(9, random_state=0)),
    *(ExtraTreesClassifier(9, random_state=0), BaggingClassifier(LOGISTIC, 3, random_state=0)),
    VotingClassifier([("a", LOGISTIC), ("b", BernoulliNB())], voting="soft"),
    *(CalibratedClassifierCV(SVC(), cv=2), OneVsOneClassifier(SVC()), OneVsRestClassifier(LOGISTIC)),
)
WRITTEN_OUT = (
    *(SGDClassifier(), RidgeClassifier(), KNeighborsClassifier(), GaussianNB(), HistGradientBoostingClassifier()),
    *(
        GradientBoostingClassifier(),
        AdaBoostClassifier(),
        LogisticRegression(solver="saga"),
        BaggingClassifier(GaussianNB()),
        make_pipeline(LOGISTIC),
    ),
    VotingClassifier([("a", LOGISTIC), ("b", GaussianNB())]),
)


def categories(count: int) -> tuple[Feature, ...]:
    return (
        Feature(name="x", kind="number", minimum=0, maximum=1),
        *(Feature(name=name, kind="category", categories=tuple(map(str, range(count // 2)))) for name in "ab"),
    )


def test_all_that_answers_alike_is_tried_here() -> None:
    assert {type(estimator) for estimator in SPARSE} == ALIKE


@pytest.mark.parametrize(("estimators", "sparse"), [(SPARSE, True), (WRITTEN_OUT, False)], ids=["alike", "others"])
def test_columns_are_sparse_where_categories_are_many_and_all_estimators_answer_alike(
    estimators: tuple[Any, ...], sparse: bool
) -> None:
    for estimator in estimators:
        assert is_sparse(estimator, categories(CATEGORIES)) == sparse, estimator
        assert not is_sparse(estimator, categories(CATEGORIES - 2)), estimator


@pytest.mark.slow
@pytest.mark.parametrize("estimator", SPARSE, ids=lambda estimator: type(estimator).__name__)
def test_answers_are_those_of_columns_that_are_written_out(estimator: Any) -> None:
    random = np.random.default_rng(0)
    shop, town, size = random.integers(0, 110, 900), random.integers(0, 110, 900), random.random(900)
    names = np.array([f"c{n}" for n in range(110)])
    frame = pd.DataFrame({"shop": names[shop], "size": size, "town": names[town]})
    target = np.digitize((shop % 7) + (town % 5) + 2 * size, [5, 8])
    features = infer_features(frame)
    array = to_array(frame, features)
    spec = ModelSpec(data="x", estimator="sklearn.linear_model.LogisticRegression", scale=False)
    pipeline = make_pipeline_for(spec, features).set_params(model=estimator)
    sparse = clone(pipeline).fit(array[::2], target[::2])
    assert hasattr(sparse[:-1].transform(array[:1]), "toarray")
    full = clone(pipeline).set_params(columns__categories__sparse_output=False, columns__sparse_threshold=0)
    full.fit(array[::2], target[::2])
    assert isinstance(full[:-1].transform(array[:1]), np.ndarray)
    np.testing.assert_array_equal(sparse.predict(array), full.predict(array))
    scores = "predict_proba" if hasattr(full, "predict_proba") else "decision_function"
    np.testing.assert_allclose(getattr(sparse, scores)(array), getattr(full, scores)(array), rtol=0, atol=1e-6)
