"""Every classifier of scikit-learn that can be declared, alone and in the usual wrappers, and data to fit them on."""

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any

import numpy as np
import pandas as pd
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import all_estimators

SCALES = ("0.001", "1", "1000", "1000000", "seconds")
COLUMNS = ("numeric", "mixed")
ROWS = 240
# What they are told, so that they are fitted without a warning and in little time.
PARAMS: Mapping[str, Mapping[str, Any]] = {
    "AdaBoostClassifier": {"n_estimators": 10},
    "BaggingClassifier": {"n_jobs": 1},
    "ExtraTreesClassifier": {"n_estimators": 20},
    "GradientBoostingClassifier": {"n_estimators": 10},
    "HistGradientBoostingClassifier": {"max_iter": 10},
    "LogisticRegression": {"max_iter": 10_000},
    "LogisticRegressionCV": {"Cs": 3, "cv": 3, "max_iter": 10_000, "scoring": "accuracy"},
    "MLPClassifier": {"hidden_layer_sizes": [8], "max_iter": 5000, "tol": 1e-3},
    "NuSVC": {"nu": 0.1},
    "RadiusNeighborsClassifier": {"outlier_label": "most_frequent"},
    "RandomForestClassifier": {"n_estimators": 20},
}
NOT_TRIED = {("CategoricalNB", "1000000"), ("CategoricalNB", "seconds")}  # it counts each whole number from 0 on
TWO_CLASSES = ("FixedThresholdClassifier", "TunedThresholdClassifierCV")


def _logistic() -> Any:
    return LogisticRegression(max_iter=10_000)


def _tree() -> Any:
    return DecisionTreeClassifier(max_depth=4, random_state=0)


WRAPPED: Mapping[str, Callable[[], Any]] = {
    "AdaBoostClassifier of logistic regressions": lambda: AdaBoostClassifier(_logistic(), n_estimators=5),
    "BaggingClassifier of logistic regressions": lambda: BaggingClassifier(_logistic(), n_jobs=1, random_state=0),
    "BaggingClassifier of support vectors": lambda: BaggingClassifier(SVC(), n_jobs=1, random_state=0),
    "CalibratedClassifierCV of linear support vectors, sigmoid": lambda: CalibratedClassifierCV(LinearSVC(), cv=3),
    "CalibratedClassifierCV of a naive Bayes, isotonic": lambda: CalibratedClassifierCV(
        GaussianNB(), method="isotonic", cv=3
    ),
    "CalibratedClassifierCV of a forest, isotonic": lambda: CalibratedClassifierCV(
        RandomForestClassifier(10, random_state=0), method="isotonic", cv=3
    ),
    "CalibratedClassifierCV of a forest, sigmoid": lambda: CalibratedClassifierCV(
        RandomForestClassifier(10, random_state=0), cv=3
    ),
    "FixedThresholdClassifier of a logistic regression": lambda: FixedThresholdClassifier(_logistic(), threshold=0.3),
    "OneVsOneClassifier of linear support vectors": lambda: OneVsOneClassifier(LinearSVC(random_state=0)),
    "OneVsOneClassifier of logistic regressions": lambda: OneVsOneClassifier(_logistic()),
    "OneVsRestClassifier of linear support vectors": lambda: OneVsRestClassifier(LinearSVC(random_state=0)),
    "OneVsRestClassifier of logistic regressions": lambda: OneVsRestClassifier(_logistic()),
    "OneVsRestClassifier of support vectors": lambda: OneVsRestClassifier(SVC()),
    "OutputCodeClassifier of logistic regressions": lambda: OutputCodeClassifier(_logistic(), random_state=0),
    "SelfTrainingClassifier of a logistic regression": lambda: SelfTrainingClassifier(_logistic()),
    "StackingClassifier of a logistic regression and a tree": lambda: StackingClassifier(
        [("a", _logistic()), ("b", _tree())], n_jobs=1
    ),
    "TunedThresholdClassifierCV of a logistic regression": lambda: TunedThresholdClassifierCV(
        _logistic(), random_state=0
    ),
    "VotingClassifier of a logistic regression and a tree, hard": lambda: VotingClassifier(
        [("a", _logistic()), ("b", _tree())], n_jobs=1
    ),
    "VotingClassifier of a logistic regression and a tree, soft": lambda: VotingClassifier(
        [("a", _logistic()), ("b", _tree())], voting="soft", n_jobs=1
    ),
}
# All that can be made without another estimator, one that answers for several targets apart.
ALONE: Mapping[str, Any] = {
    name: kind
    for name, kind in all_estimators(type_filter="classifier")
    if name != "SelfTrainingClassifier"
    and all(parameter.default is not parameter.empty for parameter in signature(kind).parameters.values())
}
NAMES = tuple(sorted([*ALONE, *WRAPPED]))


def declared(name: str) -> dict[str, Any]:
    """The estimator and its parameters, as models.json would declare them."""
    if name in WRAPPED:
        return {"estimator": f"{__name__}:wrapped", "params": {"name": name}}
    kind = ALONE[name]
    return {"estimator": f"{kind.__module__}.{kind.__name__}", "params": dict(PARAMS.get(name, {}))}


def wrapped(name: str) -> Any:
    """The factory that models.json names."""
    return WRAPPED[name]()


def frame(columns: str, scale: str, name: str) -> tuple[pd.DataFrame, np.ndarray]:
    """Positive numbers of a scale, or an hour in seconds since 1970, alone for three classes, or beside categories, a
    boolean and missing values for two; two for what knows no more.
    """
    random = np.random.default_rng(0)
    numbers = random.uniform(0, 4, (ROWS, 3))
    noise = random.normal(0, 0.3, ROWS)
    if scale == "seconds":
        made = pd.DataFrame({f"x{j}": 1.76e9 + np.round(900 * numbers[:, j], 1) for j in range(3)})
    else:
        made = pd.DataFrame({f"x{j}": float(scale) * numbers[:, j] for j in range(3)})
    score = numbers[:, 0] + (numbers[:, 1] - 2) ** 2 + noise
    if columns == "numeric":
        two = name.split()[0] in TWO_CLASSES
        return made, np.array(["low", "mid", "top"])[np.digitize(score, [3.0] if two else [2.4, 4.2])]
    town, member = random.integers(0, 6, ROWS), random.random(ROWS) < 0.5
    names = np.array(["a", "b", "c", "d", "e", None], dtype=object)
    made = made.assign(town=names[town], member=member, x2=made["x2"].mask(random.random(ROWS) < 0.1))
    return made, np.digitize(score + town / 3 + member, [4.0])
