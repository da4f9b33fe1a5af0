"""The card's tables of results: the metrics beside the baseline and the promoted version, and the classes."""

from collections.abc import Iterable

from brinery.assessment.card.curves import label_text
from brinery.assessment.card.plots import metrics_plot
from brinery.output.page import Html, html, name, table, two
from brinery.versions.manifest import LOWER_IS_BETTER, Evaluation, GateCheck, Interval, ManifestContent

MANY_CLASSES = 20
LOWEST = 10


def metrics_part(content: ManifestContent) -> Html:
    """Each metric with its interval, what the gate asks of it, the baseline's and the promoted version's."""
    evaluation = content.evaluation
    if evaluation is None:
        rows = [(_with_rules(metric, content.gate.checks), f"{value:.4f}") for metric, value in content.metrics.items()]
        return table(("metric", "value"), rows, "numbers")
    promoted = evaluation.promoted
    head = ["metric", two("value", "95 % interval"), "baseline"]
    if promoted:
        head.append(two(name(promoted.reference), "difference"))
    listed = []
    for metric, value in content.metrics.items():
        row: list[str] = [
            _with_rules(metric, content.gate.checks),
            _with_interval(value, evaluation.intervals.get(metric)),
        ]
        row.append(_or_dash(evaluation.baseline.get(metric)))
        if promoted:
            row.append(_compared(value, promoted.metrics.get(metric)))
        listed.append(row)
    return Html(table(head, listed, "numbers") + _explained(content, evaluation))


def classes_part(content: ManifestContent, evaluation: Evaluation) -> Html:
    """Precision, recall and held-out rows of each class; of many classes the lowest first, and all to unfold."""
    head = ("class", two("precision", "95 % interval"), two("recall", "95 % interval"), "rows")
    found = list(zip(map(label_text, content.classes), evaluation.classes, strict=True))
    rows = [
        (
            name(label),
            _with_interval(each.precision, each.precision_interval),
            _with_interval(each.recall, each.recall_interval),
            f"{each.support:,}",
        )
        for label, each in found
    ]
    if len(rows) <= MANY_CLASSES:
        return table(head, rows, "numbers")
    lowest = sorted(range(len(rows)), key=lambda k: found[k][1].recall)[:LOWEST]
    worst = table(head, [rows[k] for k in lowest], "numbers")
    every = f"<details><summary>All {len(rows)} classes</summary>{table(head, rows, 'numbers')}</details>"
    return Html(f"<p>The {LOWEST} of lowest recall:</p>{worst}{every}")


def _explained(content: ManifestContent, evaluation: Evaluation) -> Html:
    """The picture of the metrics, and what its marks and the table's columns mean."""
    note = (
        "The baseline looks at no feature: it always answers the training rows' most frequent class, with the shares "
        "of the classes as probabilities."
    )
    marks = "Dot with bar: this version with its 95 % interval. Circle: baseline."
    if evaluation.promoted:
        note += " A difference is this version's value less the promoted version's."
        marks += " Diamond: promoted version."
    for metric in LOWER_IS_BETTER:
        if metric in content.metrics:
            note += f" Less {metric} is better; it has no upper end, so the picture leaves it out."
    drawn = {metric: value for metric, value in content.metrics.items() if metric not in LOWER_IS_BETTER}
    picture = metrics_plot(drawn, evaluation)
    return Html(f'<p class="note">{html(note)}</p><figure>{picture}<figcaption>{html(marks)}</figcaption></figure>')


def _with_rules(metric: str, checks: Iterable[GateCheck]) -> Html:
    """A metric's name, and below it what the gate asks of it."""
    asked = []
    for check in checks:
        if check.metric == metric and check.limit is not None:
            most = check.rule == "max" or (check.rule != "min" and metric in LOWER_IS_BETTER)
            asked.append(f"{'≤' if most else '≥'}\u00a0{check.limit:.6g}")
    return two(name(metric), f"gate {', '.join(asked)}" if asked else "")


def _with_interval(value: float, interval: Interval | None) -> Html:
    return two(f"{value:.4f}", "" if interval is None else f"{interval[0]:.3f} to {interval[1]:.3f}")


def _compared(value: float, other: float | None) -> Html:
    if other is None:
        return _or_dash(other)
    return two(f"{other:.4f}", f"{value - other:+.4f}".replace("-", "\u2212"))


def _or_dash(value: float | None) -> Html:
    return html("–" if value is None else f"{value:.4f}")
