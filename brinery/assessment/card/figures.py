"""The card's figures of probabilities and of importance, with what they say below them."""

from collections.abc import Sequence

import numpy as np

from brinery.assessment.card import plots
from brinery.assessment.card.curves import EACH_CLASS, calibration, label_text, roc_curves
from brinery.assessment.evaluate import Importance, Predictions
from brinery.output.page import Html, html
from brinery.versions.manifest import ManifestContent

SHOWN = 20
NO_ROC = "<p>No ROC curve: the held-out rows are all of one class.</p>"


def figure(picture: Html, caption: str) -> Html:
    return Html(f"<figure>{picture}<figcaption>{html(caption)}</figcaption></figure>")


def probabilities_part(predictions: Predictions) -> Html:
    """The ROC and calibration curves, or why there are none."""
    reliability = calibration(predictions)
    if reliability is None:
        return Html("<p>No ROC and no calibration curve: this estimator gives no probabilities.</p>")
    two = len(predictions.classes) == 2
    of = "class " + label_text(predictions.classes[1]) if two else "the answer, whichever class that is"
    curves = roc_curves(predictions)
    roc = figure(plots.roc_plot(curves), _roc_note(predictions)) if curves else NO_ROC
    note = (
        f"Predicted probability of {of}, against how often it was right: on the diagonal both agree. Upright lines "
        f"are 95 % intervals. Expected calibration error {reliability.error:.4f}."
    )
    return Html(f'<div class="figures">{roc}{figure(plots.calibration_plot(reliability), note)}</div>')


def _roc_note(predictions: Predictions) -> str:
    count, seen = len(predictions.classes), len(np.unique(predictions.truth))
    if count == 2:
        return f"Class {label_text(predictions.classes[1])} against {label_text(predictions.classes[0])}."
    note = "Each class against all others."
    if seen > EACH_CLASS:
        note = "One class against all others: the mean of the classes, the best one and the two worst."
    return note + (" A class without a held-out row has no curve." if seen < count else "")


def importance_part(importance: Sequence[Importance], content: ManifestContent) -> Html:
    """The most important features, and on which rows they were measured."""
    ranked = sorted(importance, key=lambda each: -each.mean)
    folded = content.evaluation is not None and content.evaluation.folds is not None
    rows = f"{ranked[0].rows:,}"
    where = f"{rows} rows that the model was fitted on" if folded else f"{rows} held-out rows"
    note = f"How much accuracy falls when one feature is shuffled among {where}: mean and standard deviation."
    if len(ranked) > SHOWN:
        note += f" The {SHOWN} most important of {len(ranked)} features."
    return figure(plots.importance_plot(ranked[:SHOWN]), note)
