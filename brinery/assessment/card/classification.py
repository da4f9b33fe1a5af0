"""What the card of a classifier shows beside what every card has: its classes, their confusion, its probabilities."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from brinery.assessment.card.pictures.curves import (
    EACH_CLASS,
    calibration,
    confused_pairs,
    roc_curves,
    threshold_curves,
)
from brinery.assessment.card.pictures.plots import calibration_plot, heat_map, roc_plot, threshold_plot
from brinery.assessment.predictions import Predictions
from brinery.output.svg import fit
from brinery.tasks.classification import label_text
from brinery.versions.manifest import ManifestContent

CELLS = 12
LONG = 44
MANY_CLASSES = 20
LOWEST = 10
FEW_ROWS = 20


def shown(content: ManifestContent, predictions: Predictions, rows: np.ndarray) -> Mapping[str, object]:
    """What `classification.html` shows."""
    task: Any = content.task
    details = content.evaluation.details
    classes: list[str] = task.keys
    measured = list(zip(classes, details.classes, strict=True))
    support = [each.support for each in details.classes]
    return {
        "classes": classes,
        "measured": measured,
        "lowest": sorted(measured, key=lambda row: row[1].recall)[:LOWEST] if len(measured) > MANY_CLASSES else [],
        "certain": any(each.recall_interval[0] == each.recall_interval[1] for each in details.classes),
        "few_rows": FEW_ROWS,
        "few": [label for label, rows in zip(classes, support, strict=True) if rows < FEW_ROWS],
        "largest": classes[int(np.argmax(support))],
        "largest_share": max(support) / max(1, sum(support)),
        "silent": list(map(label_text, np.setdiff1d(predictions.classes, predictions.labels))),
        "threshold": task.threshold,
        "threshold_picture": threshold_plot(threshold_curves(predictions), task.threshold) if task.threshold else None,
        **_mistakes(classes, details.confusion, predictions),
        **_probabilities(predictions),
    }


def averaged(predictions: Predictions) -> tuple[str, bool]:
    """Partial dependence is of probabilities, or of how often a class is answered."""
    return ("share of answers" if predictions.probabilities is None else "mean probability"), True


def _mistakes(
    classes: list[str], confusion: tuple[tuple[int, ...], ...] | None, predictions: Predictions
) -> Mapping[str, object]:
    """The confusion matrix: shaded cells for a few classes, a heat map for many, the worst pairs alone for more."""
    short = [fit(label, 110) for label in classes]
    matrix = list(zip(classes, short, confusion, strict=True)) if confusion and len(classes) <= CELLS else None
    wrong, pairs = int((predictions.truth != predictions.labels).sum()), confused_pairs(predictions)
    said = "; ".join(f"{truth} was taken for {answer} in {count} rows" for truth, answer, count in pairs[:3])
    finding = f"{wrong} rows lie off the diagonal. Most often confused: {said}."
    picture = heat_map(classes, confusion, finding) if confusion and not matrix else None
    tall = sum(map(len, short)) > LONG
    return {"matrix": matrix, "tall": tall, "heat_map": picture, "wrong": wrong, "pairs": pairs}


def _probabilities(predictions: Predictions) -> Mapping[str, object]:
    """The ROC and calibration curves, where there are any."""
    reliability, curves, seen = calibration(predictions), roc_curves(predictions), len(np.unique(predictions.truth))
    return {
        "calibration": reliability,
        "calibration_picture": calibration_plot(reliability) if reliability else None,
        "roc_picture": roc_plot(curves) if curves else None,
        "macro": seen > EACH_CLASS,
        "unseen": seen < len(predictions.classes),
    }
