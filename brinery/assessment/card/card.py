"""The model card: one self-contained page, made at training and stored with the version."""

from collections.abc import Iterable, Sequence

from brinery.assessment.card import confusion, svg
from brinery.assessment.card.curves import label_text
from brinery.assessment.card.facts import data_part, lineage_part, trained_at
from brinery.assessment.card.figures import importance_part, probabilities_part
from brinery.assessment.card.limits import limits, names_of
from brinery.assessment.card.plots import histogram_plot
from brinery.assessment.card.results import classes_part, metrics_part
from brinery.assessment.columns.histogram import Histogram
from brinery.assessment.evaluate import Importance, Predictions
from brinery.output.page import Html, html, name, page, table, two
from brinery.rows.feature import Feature
from brinery.versions.manifest import ManifestContent

STYLE = """
body { color: var(--ink); } h2 { margin: 2.25rem 0 .5rem; } p { margin: .5rem 0; }
h3 { margin: 1.25rem 0 .25rem; font-size: 1rem; } figcaption, .note { color: var(--quiet); font-size: 14px; }
tbody th { font-weight: normal; overflow-wrap: anywhere; } thead th { font-size: 14px; vertical-align: bottom; }
td small, th small { display: block; color: var(--quiet); font-weight: normal; font-size: 13px; }
.numbers td, .numbers thead th:not(:first-child) { text-align: right; padding: .25rem 0 .25rem 1.5rem; }
.numbers td, .last td { font-variant-numeric: tabular-nums; } .last :last-child { text-align: right; padding-right: 0; }
.numbers td { white-space: nowrap; } .numbers th:first-child { min-width: 5rem; max-width: 20rem; }
.figures { display: flex; flex-wrap: wrap; gap: .5rem 2rem; align-items: flex-start; }
figure { margin: .75rem 0; max-width: 360px; break-inside: avoid; } figure figcaption { margin-top: .25rem; }
.features { table-layout: fixed; width: 100%; } .features td { overflow-wrap: anywhere; }
.features th:last-child, .features td:last-child { width: 144px; padding-right: 0; } .features svg { margin: .2rem 0; }
.facts { table-layout: fixed; width: 100%; } .facts th { width: 8.5rem; color: var(--quiet); }
.verdict { font-size: 1.15rem; } ul { padding-left: 1.2rem; margin: .5rem 0; } li { overflow-wrap: anywhere; }
@media (max-width: 32rem) {
  body { margin: 1rem auto; } th, td { padding-right: .5rem; font-size: 14px; } td small, th small { font-size: 12px; }
  .numbers td, .numbers thead th:not(:first-child) { padding-left: .6rem; } .facts th { width: 6.5rem; }
}
@media print {
  body { font-size: 11pt; max-width: none; margin: 0; padding: 0; } tr { break-inside: avoid; }
  h2, h3, .note { break-after: avoid; } .scroll { overflow: visible; }
  .figures { display: block; }
  .figures figure { display: inline-block; width: 47%; margin-right: 2%; vertical-align: top; }
  details .numbers small { display: inline; padding-left: .5rem; }
  details::details-content { content-visibility: visible; block-size: auto; }
}
"""


def render_card(
    content: ManifestContent,
    predictions: Predictions,
    histograms: Sequence[Histogram],
    importance: Sequence[Importance],
) -> str:
    """The page of one version; its number is that of the folder it is stored in.

    Args:
        predictions: answers to the held-out rows, which the curves are drawn from.
        histograms: one a feature, in the features' order.
        importance: none where it was not measured.
    """
    evaluation = content.evaluation
    where = (
        f"rows held out in turn, in {evaluation.folds} folds" if evaluation and evaluation.folds else "held-out rows"
    )
    classes = [label_text(label) for label in content.classes]
    parts = [
        _summary(content),
        _part("Gate", _verdict(content)),
        _part(f"Metrics on {content.data.test_rows:,} {where}", metrics_part(content)),
        _part("Classes", classes_part(content, evaluation)) if evaluation else "",
        _part("Confusion matrix", confusion.confusion_part(classes, evaluation.confusion, predictions))
        if evaluation
        else "",
        _part("Probabilities", probabilities_part(predictions)),
        _part("Permutation importance", importance_part(importance, content)) if importance else "",
        _part("Features", _features(content, histograms)),
        _part("Data", data_part(content)),
        _part("Lineage", lineage_part(content)),
        _part("Limits", _list(limits(content, predictions, importance))),
    ]
    style = svg.STYLE + confusion.STYLE + STYLE
    return page(f"{content.name}: model card", content.description, filter(None, parts), style)


def _part(title: str, body: str) -> str:
    return f"<section><h2>{html(title)}</h2>\n{body}</section>"


def _list(items: Iterable[str]) -> Html:
    return Html(f"<ul>{''.join(f'<li>{html(item)}</li>' for item in items)}</ul>")


def _summary(content: ManifestContent) -> str:
    estimator = str(content.spec.get("estimator", "")).rpartition(".")[2]
    count = len(content.features)
    by = f", {estimator}" if estimator else ""
    what = (
        f"{len(content.classes)} classes from {count} feature{'s'[: count != 1]}{by}; trained at {trained_at(content)}."
    )
    return f'<p class="note">{html(what)}</p>'


def _verdict(content: ManifestContent) -> str:
    gate = content.gate
    verdict = "passed" if gate.passed else "failed"
    checks = [
        Html(f'<span class="{said}">{said}</span>: {html(check.text)}')
        for check in gate.checks
        for said in ["passed" if check.passed else "failed"]
    ]
    rules = (
        _list(checks) if checks else "<p>models.json sets no limits for this model, so that nothing was checked.</p>"
    )
    promoted = content.evaluation.promoted if content.evaluation else None
    reason = content.evaluation.not_compared if content.evaluation else None
    beside = f"<p>It was not compared with a promoted version{': ' + html(reason) if reason else ''}.</p>"
    if promoted:
        beside = (
            f"<p>Compared with {names_of([promoted.reference])}, which was promoted when this version was trained, "
            "on the same held-out rows.</p>"
        )
    return f'<p class="verdict"><strong class="{verdict}">{verdict.capitalize()}</strong></p>{rules}{beside}'


def _features(content: ManifestContent, histograms: Sequence[Histogram]) -> str:
    features = content.features
    rows = [
        (
            two(name(feature.name), feature.kind),
            two(_range(feature), _missing(feature, found)),
            histogram_plot(found, feature),
        )
        for feature, found in zip(features, histograms, strict=True)
    ]
    notes = [
        "The pictures show all rows, those held out among them.",
        "Dates are numbers of days since 1970-01-01." if any(feature.kind == "date" for feature in features) else "",
        "" if any(feature.nullable for feature in features) else "No value is missing.",
    ]
    head = ("feature", "training range", "values")
    return f'<p class="note">{" ".join(filter(None, notes))}</p>{table(head, rows, "features")}'


def _range(feature: Feature) -> str:
    low, high = feature.minimum, feature.maximum
    if feature.categories is not None:
        return names_of(feature.categories)
    if low is None or high is None or feature.kind == "date":
        return feature.range_text
    return f"{_number(low)} to {_number(high)}" if low < high else f"always {_number(low)}"


def _number(value: float) -> str:
    """Six digits, or the whole part of what has more."""
    return f"{value:,.0f}" if 1e5 <= abs(value) < 1e15 else f"{value:,.6g}"


def _missing(feature: Feature, found: Histogram) -> str:
    return f"{found.missing:,} missing ({found.missing / (found.rows + found.missing):.1%})" if feature.nullable else ""
