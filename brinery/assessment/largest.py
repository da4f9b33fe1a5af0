"""Labels that follow from probabilities, so that a model need not be asked for both."""

from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from brinery.formats.frames import unwrapped
from brinery.formats.pickle import LABELS_ARE_LARGEST

# Of scikit-learn, beside those that serving knows, ties and all: in these `predict` is the class of the largest
# probability, or of the largest score of which probabilities are made by what only rises.
OF_LARGEST = frozenset(
    """
    AdaBoostClassifier BaggingClassifier CalibratedClassifierCV ExtraTreeClassifier GaussianNB
    GradientBoostingClassifier HistGradientBoostingClassifier KNeighborsClassifier LinearDiscriminantAnalysis
    LogisticRegressionCV MLPClassifier
    """.split()
).union(LABELS_ARE_LARGEST)
CLOSE = 1e-6  # of the two largest probabilities: what rounding might turn, or the estimator settles otherwise


def labels_of(fitted: Any, array: np.ndarray, probabilities: np.ndarray | None) -> np.ndarray:
    """What `predict` of a fitted classifier says to rows, shape (rows,).

    Where its labels are those of the largest probabilities, only rows on which two of these are close are asked.

    Args:
        array: shape (rows, features).
        probabilities: what its `predict_proba` says to them, shape (rows, classes), if it has that.
    """
    if probabilities is None or not _follow(fitted):
        return _predicted(fitted, array)
    labels = np.asarray(fitted.classes_)[probabilities.argmax(axis=1)]
    largest = np.partition(probabilities, -2, axis=1)
    close = ~(largest[:, -1] - largest[:, -2] > CLOSE)  # or no number
    if close.any():
        labels[close] = _predicted(fitted, array[close])
    return labels


def _follow(fitted: Any) -> bool:
    last = unwrapped(fitted)
    while type(last) is Pipeline:
        last = last.steps[-1][1]
    return type(last).__module__.startswith("sklearn.") and type(last).__name__ in OF_LARGEST


def _predicted(fitted: Any, array: np.ndarray) -> np.ndarray:
    return np.asarray(fitted.predict(array)).reshape(len(array))  # CatBoost's are a column
