"""The metrics of regressors, those of scikit-learn, in the target's unit but for the last two."""

from typing import TYPE_CHECKING

from brinery.assessment.metrics.metric import Metric

if TYPE_CHECKING:
    from brinery.assessment.predictions import Predictions


def _rmse(predictions: "Predictions") -> float:
    from sklearn.metrics import root_mean_squared_error

    return float(root_mean_squared_error(predictions.truth, predictions.predicted))


def _mae(predictions: "Predictions") -> float:
    from sklearn.metrics import mean_absolute_error

    return float(mean_absolute_error(predictions.truth, predictions.predicted))


def _median_absolute_error(predictions: "Predictions") -> float:
    from sklearn.metrics import median_absolute_error

    return float(median_absolute_error(predictions.truth, predictions.predicted))


def _r2(predictions: "Predictions") -> float | None:
    """None where all rows have one value."""
    from sklearn.metrics import r2_score

    if predictions.truth.min() == predictions.truth.max():
        return None
    return float(r2_score(predictions.truth, predictions.predicted))


def _mape(predictions: "Predictions") -> float | None:
    """A share, not a percentage; None where it says little: where a value is 0 or below."""
    from sklearn.metrics import mean_absolute_percentage_error

    if predictions.truth.min() <= 0:
        return None
    return float(mean_absolute_percentage_error(predictions.truth, predictions.predicted))


REGRESSION = (
    Metric("rmse", "lower", 0.0, None, lambda _: "neg_root_mean_squared_error", _rmse, lambda draw: float(draw.rmse)),
    Metric("mae", "lower", 0.0, None, lambda _: "neg_mean_absolute_error", _mae, lambda draw: float(draw.mae)),
    Metric(
        "median_absolute_error",
        "lower",
        0.0,
        None,
        lambda _: "neg_median_absolute_error",
        _median_absolute_error,
        lambda draw: float(draw.median_absolute_error),
    ),
    Metric(
        "r2",
        "higher",
        None,
        1.0,
        lambda _: "r2",
        _r2,
        lambda draw: float(draw.r2),
        "held-out rows of more than one value",
    ),
    Metric(
        "mape",
        "lower",
        0.0,
        None,
        lambda _: "neg_mean_absolute_percentage_error",
        _mape,
        lambda draw: float(draw.mape),
        "a target above 0 in every held-out row",
    ),
)
