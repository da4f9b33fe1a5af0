"""Sparse columns: where categories are many, a one-hot matrix is nearly all zeros, and need not be written out."""

from collections.abc import Sequence
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.naive_bayes import BernoulliNB, ComplementNB, MultinomialNB
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC, LinearSVC, NuSVC
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

from brinery.rows.feature import Feature

WORDS = 1000  # of a column of texts, the most frequent ones
CATEGORIES = 200  # of all columns together; with fewer, forests fit faster where zeros are written out
# Those that answer alike from both, and fit faster. Not among them: stochastic gradients, which step otherwise in
# sparse rows; ridges, which take another solver; boosting, whose sums round otherwise, so that equal splits are taken
# otherwise; neighbours, which are as slow; and all that takes no sparse rows.
ALIKE = {
    *(LogisticRegression, LogisticRegressionCV, LinearSVC, SVC, NuSVC, MLPClassifier),
    *(BernoulliNB, ComplementNB, MultinomialNB),
    *(DecisionTreeClassifier, ExtraTreeClassifier, RandomForestClassifier, ExtraTreesClassifier),
    *(BaggingClassifier, VotingClassifier, CalibratedClassifierCV, OneVsOneClassifier, OneVsRestClassifier),
}
STEPPING = ("sag", "saga")  # solvers by stochastic gradients


def is_sparse(estimator: Any, features: Sequence[Feature]) -> bool:
    """Whether categories and words become sparse columns: where there are many, and the estimator, with all that it is
    made of, answers from sparse rows as it does from others.
    """
    categories = sum(WORDS if feature.kind == "text" else len(feature.categories or ()) for feature in features)
    parts = [part for part in estimator.get_params().values() if isinstance(part, BaseEstimator)]
    return categories >= CATEGORIES and all(
        type(part) in ALIKE and getattr(part, "solver", None) not in STEPPING for part in (estimator, *parts)
    )
