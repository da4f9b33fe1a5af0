"""The model card: one self-contained page, made at training and stored with the version."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

import numpy as np
from markupsafe import Markup

from brinery.assessment.card import classification, regression
from brinery.assessment.card.pictures.dependence import dependence_plot, ends_of
from brinery.assessment.card.pictures.plots import histogram_plot, importance_plot, metrics_plot
from brinery.assessment.card.templates import names, shortened, templates
from brinery.assessment.card.verdict import sentence, verdict
from brinery.assessment.columns.histogram import Histogram
from brinery.assessment.inspection.dependence import Dependence
from brinery.assessment.inspection.importance import Importance
from brinery.assessment.metrics.table import METRICS
from brinery.assessment.note import Note
from brinery.assessment.predictions import Predictions
from brinery.output.page import STYLE
from brinery.output.write import visible
from brinery.rows.feature import Feature
from brinery.versions.manifest import Evaluation, GateCheck, ManifestContent
from brinery.versions.reference import Reference

IMPORTANT = 20
FEATURES = 200
NOTES, FEATURE_NOTES = 20, 3  # in one place
LONGEST = 2000  # letters of the parameters
MOST_BYTES = 5_000_000  # what these bounds keep a card below, whatever its texts are; most have some 50 to 100 kB


class TaskCard(Protocol):
    """What a module gives that knows one kind of task.

    Its template, `<kind>.html`, extends `card.html` and fills the blocks of the task's own words, sections and limits.
    """

    def shown(self, content: ManifestContent, predictions: Predictions, rows: np.ndarray) -> Mapping[str, object]:
        """What the template shows beside what `make_card` gives every one."""

    def averaged(self, predictions: Predictions) -> tuple[str, bool]:
        """What the mean answer is called that partial dependence shows, and whether it is a share of 1."""


TASKS: Mapping[str, TaskCard] = {"classification": classification, "regression": regression}


def make_card(
    content: ManifestContent,
    predictions: Predictions,
    rows: np.ndarray,
    histograms: Sequence[Histogram],
    importance: Sequence[Importance],
    dependence: Sequence[Dependence] = (),
    notes: Sequence[str] = (),
) -> Callable[[Reference], str]:
    """The page of one version, but for its number: all is drawn here, and what is returned puts the page together.

    Args:
        predictions: answers to the held-out rows, which the curves are drawn from.
        rows: the held-out rows themselves, shape (rows, features).
        histograms: one a feature, in the features' order.
        importance: none where it was not measured.
        dependence: of the strongest features, the strongest first.
        notes: sentences that a person should read, each shown beside the figure that it explains, if it does.
    """
    kind, evaluation = content.task.kind, content.evaluation
    bounded = {metric: value for metric, value in content.metrics.items() if METRICS[metric].is_share}
    ranked = sorted(importance, key=lambda each: -each.mean)
    found, placed = verdict(content), _Placed(notes, {feature.name for feature in content.features[:FEATURES]})
    shown: dict[str, object] = {
        "content": content,
        "style": Markup(STYLE),  # noqa: S704 (it is our own)
        "verdict": found,
        "sentence": sentence(found),
        "notes": placed,
        "asked": _asked(content.gate.checks),
        "less": [metric for metric in content.metrics if METRICS[metric].better == "lower"],
        "metrics_picture": metrics_plot(bounded, evaluation) if bounded else None,
        "undecided": _undecided(evaluation),
        "importance": ranked,
        "important": IMPORTANT,
        "importance_picture": importance_plot(ranked[:IMPORTANT]) if ranked else None,
        "features": [
            (feature, _range(feature), _missing(feature, found), histogram_plot(found, feature))
            for feature, found in zip(content.features[:FEATURES], histograms, strict=False)
        ],
        "seen": "the training rows" if content.data.train_rows else "the held-out rows",
        "parameters": ", ".join(f"{key}={value!r}" for key, value in content.spec.get("params", {}).items())[:LONGEST],
        **_dependence(dependence, *TASKS[kind].averaged(predictions)),
        **TASKS[kind].shown(content, predictions, rows),
    }
    template = templates.get_template(f"{kind}.html")

    def card(reference: Reference) -> str:
        return template.render(shown, reference=f"{reference.name}:{reference.version}")

    return card


class _Placed:
    """Notes by the figure that they explain, so many in one place, each up to so many letters."""

    def __init__(self, notes: Sequence[str], features: Collection[str]) -> None:
        self._notes = [(*self._place(note, features), shortened(visible(note))) for note in notes]

    @staticmethod
    def _place(note: str, features: Collection[str]) -> tuple[str, str | None]:
        if not isinstance(note, Note):
            return "all", None
        return ("feature", note.feature) if note.feature in features else (note.figure or "all", None)

    def about(self, figure: str, feature: str | None = None) -> list[str]:
        """The notes beside a figure or a feature; the last says how many more there are."""
        found = [text for where, which, text in self._notes if (where, which) == (figure, feature)]
        most = NOTES if feature is None else FEATURE_NOTES
        return found if len(found) <= most else [*found[:most], f"and {len(found) - most:,} more"]


def _dependence(found: Sequence[Dependence], answer: str, is_share: bool) -> dict[str, object]:
    ends = ends_of(found, is_share) if found else (0.0, 1.0)
    return {
        "averaged": answer,
        "dependence": [(each.feature.name, dependence_plot(each, answer, ends)) for each in found],
        "dependence_rows": found[0].rows if found else 0,
        "dependence_answers": len(found[0].means) if found else 0,
    }


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
