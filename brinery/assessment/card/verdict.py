"""The verdict: what a person wants to know first, from what the manifest says."""

from dataclasses import dataclass
from typing import Literal

from brinery.assessment.evaluate import beats_baseline, main_metric
from brinery.assessment.metrics.table import METRICS
from brinery.output.table import figure_text
from brinery.versions.manifest import ManifestContent


@dataclass(frozen=True)
class Finding:
    """The answer to one question, in a word or two, in a sentence's part, and by the figures behind it."""

    asked: str
    word: str
    mood: Literal["passed", "failed", "open"]
    phrase: str
    figures: str


def verdict(content: ManifestContent) -> tuple[Finding, ...]:
    """Whether it beats its baseline, passed its gate, and is better than what was promoted."""
    return _baseline(content), _gate(content), _promoted(content)


def sentence(findings: tuple[Finding, ...]) -> str:
    """The verdict as one sentence, for people."""
    *before, last = [finding.phrase for finding in findings]
    return f"It {', '.join(before)}, and {last}."


def _baseline(content: ManifestContent) -> Finding:
    name, evaluation = main_metric(content), content.evaluation
    value, baseline = content.metrics[name], evaluation.baseline[name]
    interval = evaluation.intervals.get(name)
    figures = f"{name} {figure_text(value)}{_interval(content, name)}, baseline {figure_text(baseline)}"
    if not beats_baseline(content):
        return Finding("Baseline", "not beaten", "failed", f"does not beat its baseline by {name}", figures)
    if interval and interval[0] <= baseline <= interval[1]:
        figures += ": the interval holds the baseline"
        return Finding("Baseline", "cannot be told", "open", f"cannot be told from its baseline by {name}", figures)
    return Finding("Baseline", "beaten", "passed", f"beats its baseline by {name}", figures)


def _gate(content: ManifestContent) -> Finding:
    checks = content.gate.checks
    if not checks:
        return Finding("Gate", "not set", "open", "has no gate", "this model has no limits, so that none was checked")
    failed = [check for check in checks if not check.passed]
    if failed:
        more = f"; {len(failed) - 1} more failed" if len(failed) > 1 else ""
        return Finding("Gate", "failed", "failed", "fails its gate", f"{failed[0].text}{more}")
    figures = checks[0].text if len(checks) == 1 else f"all of its {len(checks)} checks passed"
    return Finding("Gate", "passed", "passed", "passes its gate", figures)


def _promoted(content: ManifestContent) -> Finding:
    promoted, name = content.evaluation.promoted, main_metric(content)
    if promoted is None or name not in promoted.metrics:
        why = content.evaluation.not_compared or "there was no promoted version to be measured beside it"
        phrase = "was not compared with a promoted version"
        return Finding("Promoted version", "not compared", "open", phrase, why)
    other, value, metric = promoted.metrics[name], content.metrics[name], METRICS[name]
    who = promoted.reference.partition("@")[0]
    figures = f"{name} {figure_text(value)}{_interval(content, name)}, {who} {figure_text(other)} on the same rows"
    if figure_text(other) == figure_text(value):
        return Finding("Promoted version", "as good", "open", f"is as good as {who}, which is promoted", figures)
    interval = content.evaluation.intervals.get(name)
    if interval and interval[0] <= other <= interval[1]:
        phrase = f"cannot be told from {who}, which is promoted"
        return Finding("Promoted version", "cannot be told", "open", phrase, f"{figures}: within the interval")
    if metric.no_worse(other, value):
        return Finding("Promoted version", "worse", "failed", f"is worse than {who}, which is promoted", figures)
    return Finding("Promoted version", "better", "passed", f"is better than {who}, which is promoted", figures)


def _interval(content: ManifestContent, name: str) -> str:
    interval = content.evaluation.intervals.get(name)
    return f" ({figure_text(interval[0], 3)} to {figure_text(interval[1], 3)})" if interval else ""
