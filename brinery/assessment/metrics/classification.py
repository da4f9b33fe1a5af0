"""The metrics of classifiers, those of scikit-learn; ROC AUC is one-vs-rest, macro-averaged."""

from typing import TYPE_CHECKING

from brinery.assessment.metrics.metric import Metric

if TYPE_CHECKING:
    from brinery.assessment.classification import Draw
    from brinery.assessment.predictions import Predictions


PROBABILITIES = "probabilities, which this estimator does not give"


def _accuracy(predictions: "Predictions") -> float:
    from sklearn.metrics import accuracy_score

    return float(accuracy_score(predictions.truth, predictions.labels))


def _balanced_accuracy(predictions: "Predictions") -> float:
    from sklearn.metrics import balanced_accuracy_score

    return float(balanced_accuracy_score(predictions.truth, predictions.labels))


def _macro_f1(predictions: "Predictions") -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(predictions.truth, predictions.labels, average="macro", zero_division=0.0))


def _roc_auc(predictions: "Predictions") -> float | None:
    """None also where a class has no row."""
    from sklearn.metrics import roc_auc_score

    probabilities, classes = predictions.probabilities, predictions.classes
    if probabilities is None or len(set(predictions.truth.tolist())) < len(classes):
        return None
    if len(classes) == 2:
        return float(roc_auc_score(predictions.truth, probabilities[:, 1]))
    return float(roc_auc_score(predictions.truth, probabilities, multi_class="ovr", labels=classes))


def _log_loss(predictions: "Predictions") -> float | None:
    from sklearn.metrics import log_loss

    if predictions.probabilities is None:
        return None
    return float(log_loss(predictions.truth, predictions.probabilities, labels=predictions.classes))


def _resampled_accuracy(draw: "Draw") -> float:
    return float(draw.hits.sum() / draw.rows.sum())


def _resampled_balanced_accuracy(draw: "Draw") -> float:
    return float(draw.recall[draw.seen].mean())


def _resampled_macro_f1(draw: "Draw") -> float:
    return float(draw.f1[draw.named].mean())


def _scorer_of_area(classes: int) -> str:
    return "roc_auc" if classes == 2 else "roc_auc_ovr"


CLASSIFICATION = (
    Metric("accuracy", "higher", 0.0, 1.0, lambda _: "accuracy", _accuracy, _resampled_accuracy),
    Metric(
        "balanced_accuracy",
        "higher",
        0.0,
        1.0,
        lambda _: "balanced_accuracy",
        _balanced_accuracy,
        _resampled_balanced_accuracy,
    ),
    Metric("macro_f1", "higher", 0.0, 1.0, lambda _: "f1_macro", _macro_f1, _resampled_macro_f1),
    Metric("roc_auc", "higher", 0.0, 1.0, _scorer_of_area, _roc_auc, lambda draw: float(draw.area), PROBABILITIES),
    Metric(
        "log_loss",
        "lower",
        0.0,
        None,
        lambda _: "neg_log_loss",
        _log_loss,
        lambda draw: float(draw.log_loss),
        PROBABILITIES,
    ),
)
