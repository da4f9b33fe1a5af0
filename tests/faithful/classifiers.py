"""Every classifier of scikit-learn that can be declared, alone and in the usual wrappers, and data to fit them on."""

from collections.abc import Callable, Mapping
from pathlib import Path
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

from brinery.assessment.classification import ClassificationAssessor
from brinery.assessment.faithful.export import Export
from tests.faithful.family import Family, in_chunks, made_alone, table

CLASSIFICATION = ClassificationAssessor()
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


def wrapped(name: str) -> Any:
    """The factory that models.json names."""
    return WRAPPED[name]()


def frame(columns: str, scale: str, name: str) -> tuple[pd.DataFrame, np.ndarray]:
    """Three classes of numbers, two of mixed columns, and two for what knows no more."""
    made, score = table(columns, scale)
    if columns == "mixed":
        return made, np.digitize(score, [4.0])
    two = name.split()[0] in TWO_CLASSES
    return made, np.array(["low", "mid", "top"])[np.digitize(score, [3.0] if two else [2.4, 4.2])]


def apart(fitted: Any, found: Export, rows: np.ndarray, target: np.ndarray) -> tuple[float | None, int]:
    """The largest difference of a probability, and how many labels differ."""
    assert found.predict is not None
    difference, others = None, 0
    for some in in_chunks(rows):
        theirs, ours = CLASSIFICATION.answers(fitted, some), found.predict(some)
        tied, undecided = CLASSIFICATION.ties(fitted, some, theirs)
        others += int(((theirs.labels != ours.labels) & ~tied & ~undecided).sum())
        if theirs.probabilities is not None and ours.probabilities is not None:
            closed = ~undecided & np.isfinite(theirs.probabilities).all(axis=1)
            largest = np.abs(theirs.probabilities - ours.probabilities)[closed].max(initial=0.0)
            difference = max(difference or 0.0, float(largest))
    return difference, others


CLASSIFIERS = Family(
    file=Path(__file__).with_name("classifiers.md"),
    assessor=CLASSIFICATION,
    # One that answers for several targets apart.
    alone={name: kind for name, kind in made_alone("classifier").items() if name != "SelfTrainingClassifier"},
    params=PARAMS,
    wrapped=WRAPPED,
    factory=f"{__name__}:wrapped",
    frame=frame,
    apart=apart,
    words="""\
# Which ONNX file each classifier gets

Written by `python -m tests.faithful.table`, with scikit-learn {version}. Each classifier is declared and trained as
`train` does it: on numeric columns with three classes, and on mixed ones (numbers, a category, a boolean, missing
values) with two. The numbers are of five scales: up to 4 times 0.001, 1, 1000 or 1000000, or within an hour in seconds
since 1970.

A file in single or double precision answers as the fitted model does; without one the version is served as a
pickle. The difference is the largest of a probability over {rows:,} probe rows at each scale; where there are no
probabilities it is `labels`. No label differed on any of them, but where the model ties with itself.

""",
    rows=100_000,
    without_numbers="labels",
    not_tried=frozenset({("CategoricalNB", "1000000"), ("CategoricalNB", "seconds")}),  # it counts from 0 on
)
