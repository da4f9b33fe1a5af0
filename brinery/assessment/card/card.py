"""The model card: one self-contained page, made at training and stored with the version."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from markupsafe import Markup

from brinery.assessment.card import classification, regression
from brinery.assessment.card.pictures.plots import histogram_plot, importance_plot, metrics_plot
from brinery.assessment.card.templates import names, templates
from brinery.assessment.columns.histogram import Histogram
from brinery.assessment.inspection.importance import Importance
from brinery.assessment.metrics.table import METRICS
from brinery.assessment.predictions import Predictions
from brinery.output.page import STYLE
from brinery.output.write import visible
from brinery.rows.feature import Feature
from brinery.versions.manifest import Evaluation, GateCheck, ManifestContent

IMPORTANT = 20
NOTES, NOTE_LENGTH = 20, 500


class TaskCard(Protocol):
    """What a module gives that knows one kind of task.

    Its template, `<kind>.html`, extends `card.html` and fills the blocks of the task's own words, sections and limits.
    """

    def shown(self, content: ManifestContent, predictions: Predictions, rows: np.ndarray) -> Mapping[str, object]:
        """What the template shows beside what `render_card` gives every one."""


TASKS: Mapping[str, TaskCard] = {"classification": classification, "regression": regression}


def render_card(
    content: ManifestContent,
    predictions: Predictions,
    rows: np.ndarray,
    histograms: Sequence[Histogram],
    importance: Sequence[Importance],
    notes: Sequence[str] = (),
) -> str:
    """The page of one version; its number is that of the folder it is stored in.

    Args:
        predictions: answers to the held-out rows, which the curves are drawn from.
        rows: the held-out rows themselves, shape (rows, features).
        histograms: one a feature, in the features' order.
        importance: none where it was not measured.
        notes: sentences that a person should read first; so many are shown, each up to so many letters.
    """
    kind, evaluation = content.task.kind, content.evaluation
    bounded = {metric: value for metric, value in content.metrics.items() if METRICS[metric].is_share}
    ranked = sorted(importance, key=lambda each: -each.mean)
    template = templates.get_template(f"{kind}.html")
    return template.render(
        content=content,
        style=Markup(STYLE),  # noqa: S704 (it is our own)
        notes=[_shortened(visible(note)) for note in notes[:NOTES]],
        more_notes=max(0, len(notes) - NOTES),
        asked=_asked(content.gate.checks),
        less=[metric for metric in content.metrics if METRICS[metric].better == "lower"],
        metrics_picture=metrics_plot(bounded, evaluation) if bounded else None,
        undecided=_undecided(evaluation),
        importance=ranked,
        important=IMPORTANT,
        importance_picture=importance_plot(ranked[:IMPORTANT]) if ranked else None,
        features=[
            (feature, _range(feature), _missing(feature, found), histogram_plot(found, feature))
            for feature, found in zip(content.features, histograms, strict=True)
        ],
        seen="the training rows" if content.data.train_rows else "the held-out rows",
        parameters=", ".join(f"{key}={value!r}" for key, value in content.spec.get("params", {}).items()),
        **TASKS[kind].shown(content, predictions, rows),
    )


def _shortened(note: str) -> str:
    return note if len(note) <= NOTE_LENGTH else f"{note[:NOTE_LENGTH]}…"


def _asked(checks: Sequence[GateCheck]) -> dict[str, str]:
    """What the gate asks of each metric."""
    asked: dict[str, str] = {}
    for check in checks:
        if check.limit is not None:
            before = f"{asked[check.metric]}, " if check.metric in asked else "gate "
            asked[check.metric] = f"{before}{'≤' if check.side == 'most' else '≥'}\u00a0{check.limit:.6g}"
    return asked


def _undecided(evaluation: Evaluation) -> list[str]:
    """The metrics by which the baseline may be as good."""
    return [
        metric
        for metric, (low, high) in evaluation.intervals.items()
        if metric in evaluation.baseline and low <= evaluation.baseline[metric] <= high
    ]


def _range(feature: Feature) -> str:
    low, high = feature.minimum, feature.maximum
    if feature.categories is not None:
        return names(feature.categories)
    if low is None or high is None or feature.kind == "date":
        return feature.range_text
    return f"{_number(low)} to {_number(high)}" if low < high else f"always {_number(low)}"


def _number(value: float) -> str:
    """Six digits, or the whole part of what has more."""
    return f"{value:,.0f}" if 1e5 <= abs(value) < 1e15 else f"{value:,.6g}"


def _missing(feature: Feature, found: Histogram) -> str:
    return f"{found.missing:,} missing ({found.missing / (found.rows + found.missing):.1%})" if feature.nullable else ""
