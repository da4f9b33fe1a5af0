"""What the card of a regressor shows beside what every card has: answers against the truth, and where it errs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from brinery.assessment.card.pictures.scatter import error_plot, scatter_plot
from brinery.assessment.card.templates import short
from brinery.assessment.predictions import Predictions
from brinery.rows.dates import text_of_days
from brinery.rows.feature import Feature
from brinery.versions.manifest import ManifestContent

DECILES = 10
GROUPS = 5
FEW_ROWS = 10  # whose mean error says little
FEATURES = 20
BIASED = 0.5  # of the mean size of an error


@dataclass(frozen=True)
class Errors:
    """Errors of some rows, each the answer less the truth: how many, mean size, root mean square, and mean."""

    name: str
    rows: int
    mae: float
    rmse: float
    bias: float

    @classmethod
    def of(cls, name: str, errors: np.ndarray) -> "Errors":
        """Of one row or more, shape (rows,)."""
        rmse = float(np.sqrt((errors**2).mean()))
        return cls(name, len(errors), float(np.abs(errors).mean()), rmse, float(errors.mean()))


@dataclass(frozen=True)
class Worst:
    """The group of one feature's values in which the mean size of the errors is largest, and that of all other rows."""

    feature: str
    group: Errors
    elsewhere: float


def shown(content: ManifestContent, predictions: Predictions, rows: np.ndarray) -> Mapping[str, object]:
    """What `regression.html` shows."""
    truth, predicted = predictions.truth, predictions.predicted
    errors = predicted - truth
    count = max(1, min(DECILES, len(truth) // FEW_ROWS))
    deciles = [Errors.of(name, errors[picked]) for name, picked in _ranges(truth, count)]
    details = content.evaluation.details
    return {
        "scatter": scatter_plot(truth, predicted),
        "errors": error_plot(errors),
        "deciles": deciles,
        "few_rows": FEW_ROWS,
        "worst": _worst(content.features, rows, errors),
        "details": details,
        "biased": [each for each in deciles if each.rows >= FEW_ROWS and abs(each.bias) > BIASED * each.mae],
        "beyond": (float(truth.min()), float(truth.max())),
    }


def averaged(predictions: Predictions) -> tuple[str, bool]:
    """Partial dependence is of the answer itself."""
    return "mean answer", False


def _ranges(values: np.ndarray, count: int) -> Iterator[tuple[str, np.ndarray]]:
    """At most so many ranges of about equally many rows, and the rows within each, shape (rows,)."""
    edges = np.unique(np.quantile(values, np.linspace(0, 1, count + 1)[1:-1]))
    places = np.searchsorted(edges, values, side="left")
    for place in np.unique(places):
        picked = places == place
        low, high = values[picked].min(), values[picked].max()
        yield (short(low) if low == high else f"{short(low)} to {short(high)}"), picked


def _worst(features: Sequence[Feature], rows: np.ndarray, errors: np.ndarray) -> list[Worst]:
    """The worst group of each feature that has two of enough rows, the most unlike the rest first."""
    sizes, found = np.abs(errors), []
    for j, feature in enumerate(features):
        groups = [(name, picked) for name, picked in _groups(feature, rows[:, j]) if picked.sum() >= FEW_ROWS]
        if len(groups) < 2:
            continue
        name, picked = max(groups, key=lambda group: sizes[group[1]].mean())
        found.append(Worst(feature.name, Errors.of(name, errors[picked]), float(sizes[~picked].mean())))
    return sorted(found, key=lambda each: each.elsewhere / (each.group.mae or 1.0))[:FEATURES]


def _groups(feature: Feature, column: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """The rows of each value of a few, or of ranges of values, shape (rows,), and those without a value."""
    missing = pd.isna(column)
    if missing.any():
        yield "missing", missing
    if feature.kind in ("category", "boolean"):
        for value in dict.fromkeys(column[~missing].tolist()):
            name = value if feature.kind == "category" else "true" if value else "false"
            yield str(name), column == value
        return
    if feature.kind == "text":
        return
    values = np.asarray(column, dtype=np.float64)
    if missing.all():
        return
    for name, picked in _ranges(values[~missing], GROUPS):
        within = np.zeros(len(values), dtype=bool)
        within[~missing] = picked
        if feature.kind == "date":
            name = f"{text_of_days(values[within].min())} to {text_of_days(values[within].max())}"
        yield name, within
