"""The page of quality: each metric of each version by day, beside what it was on held-out rows."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from brinery.assessment.quality.judge import Day, Judged
from brinery.assessment.quality.look import Look, Version
from brinery.output import svg as shapes
from brinery.output.page import page, section
from brinery.output.svg import WIDTH, bars, dot, line, path, svg, text
from brinery.output.table import figure_text
from brinery.versions.manifest import utc_text

TOP, HEIGHT, LEFT, RIGHT = 10, 96, 52, 8
MOST_DAYS = 92  # that are drawn
STYLE = (
    (Path(shapes.__file__).parent / "svg.css").read_text()
    + """
svg .band { fill: var(--c0); fill-opacity: .2; } svg .held { stroke: var(--c0); }
svg .span { stroke: var(--c1); stroke-width: 2; } svg .day { fill: var(--c1); }
svg .limit { stroke: var(--ink); stroke-dasharray: 6 3; }
figure { margin: 1.5rem 0; } figcaption { overflow-wrap: anywhere; }
.look { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)); gap: 0 2rem; }
.key { display: inline-block; width: 1em; height: .8em; background: var(--c0); opacity: .35; }
.key.now { background: var(--c1); opacity: 1; border-radius: 50%; width: .7em; height: .7em; }
@media (min-width: 60rem) { body { max-width: 64rem; } }
"""
)


def quality_page(model: str, seen: Look, notes: Sequence[str], facts: Mapping[str, Any] | None = None) -> str:
    """The whole page; `notes` are sentences about the log, `facts` the same for machines, which the page carries."""
    bad = sum(each.verdict == "worse" or each.broken for version in seen.versions for each in version.judged)
    said = f"{bad} metrics are worse or beyond the gate" if bad else "nothing was seen to be worse"
    told = "".join(f"<p>{escape(each)}</p>" for each in [*seen.verdict.split("\n"), *notes, *seen.notes])
    parts = [told, _versions(seen.versions)]
    for version in seen.versions:
        parts += _version(version)
    return page(f"Quality of {model}: {said}", "", parts, STYLE, facts)


def _versions(versions: Sequence[Version]) -> str:
    rows = []
    for version in versions:
        main = version.judged[0] if version.judged else None
        ends = (utc_text(each)[:16] if each else "-" for each in (version.first, version.last))
        rows.append(
            [
                f"{version.reference.name}:{version.reference.version}",
                f"{version.rows:,}",
                f"{version.without_label:,}",
                " to ".join(ends) if main else "-",
                f"{main.metric.name} {figure_text(main.value)}" if main else "-",
                ", ".join(dict.fromkeys(word for each in version.judged for word in each.words)) or "-",
            ]
        )
    heads = ["version", "rows with labels", "without", "answered (UTC)", "main metric", "verdicts"]
    return section("Versions", heads, rows)


def _version(version: Version) -> list[str]:
    if not version.judged:
        return []
    heads = ["metric", "answered", "95 %", "held out", "95 %", "gate", "verdict", "would have seen"]
    rows = [each.cells for each in version.judged]
    return [
        section(f"{version.reference.name}:{version.reference.version}", heads, rows),
        *(f"<p>{escape(each)}</p>" for each in version.notes),
        '<p><span class="key now"></span> each day with its 95 % interval &nbsp; '
        '<span class="key"></span> held-out rows, with theirs &nbsp; dashed: the gate</p>',
        '<div class="look">',
        *(_figure(each, version.days[-MOST_DAYS:]) for each in version.judged),
        "</div>",
    ]


def _figure(judged: Judged, days: Sequence[Day]) -> str:
    css = ' class="failed"' if judged.verdict == "worse" or judged.broken else ""
    words = ", ".join(judged.words)
    said = f"<strong{css}>{escape(judged.metric.name)}: {escape(words)}.</strong> {escape(_caption(judged))}"
    return f"<figure>{_drawn(judged, days)}<figcaption>{said}</figcaption></figure>"


def _caption(judged: Judged) -> str:
    held_out = "none" if judged.held_out is None else figure_text(judged.held_out)
    return f"{figure_text(judged.value)} in all, {held_out} on held-out rows"


def _drawn(judged: Judged, days: Sequence[Day]) -> str:
    name = judged.metric.name
    there = [(day, day.values[name], day.intervals.get(name)) for day in days if name in day.values]
    marks = [judged.value, judged.held_out, *(judged.held_out_interval or ()), judged.limit]
    marks += [value for _, value, span in there for value in (value, *(span or ()))]
    known = [each for each in marks if each is not None]
    low, high = float(min(known)), float(max(known))
    room = 0.06 * (high - low) or 0.05 * (abs(high) or 1.0)
    low, high = low - room, high + room

    def height(value: float) -> float:
        return TOP + (high - value) / (high - low) * HEIGHT

    first = there[0][0].day.toordinal() if there else 0
    length = (there[-1][0].day.toordinal() - first) if there else 0
    width = WIDTH - LEFT - RIGHT

    def place(day: Day) -> float:
        return float(LEFT) + width * ((day.day.toordinal() - first + 0.5) / (length + 1))

    parts = [line(LEFT, TOP + HEIGHT, WIDTH - RIGHT, TOP + HEIGHT, "axis")]
    parts += [text(LEFT - 6, height(each) + 4, figure_text(each, 3), "quiet end") for each in _ticks(low, high)]
    if judged.held_out_interval is not None:
        upper, lower = height(judged.held_out_interval[1]), height(judged.held_out_interval[0])
        parts.append(bars([(LEFT, upper, width, max(1.0, lower - upper))], "band"))
    for value, css in ((judged.held_out, "held"), (judged.limit, "limit")):
        if value is not None:
            parts.append(line(LEFT, height(value), WIDTH - RIGHT, height(value), css))
    for day, value, span in there:
        if span is not None:
            parts.append(path([(place(day), height(span[0])), (place(day), height(span[1]))], "span"))
        parts.append(dot(place(day), height(value), 3.5, "day"))
    bottom = TOP + HEIGHT + 18
    if there:
        parts.append(text(LEFT, bottom, there[0][0].day.isoformat(), "quiet"))
    if length:
        parts.append(text(WIDTH - RIGHT, bottom, there[-1][0].day.isoformat(), "quiet end"))
    said = "; ".join(f"{day.day}: {figure_text(value)} of {day.rows:,} rows" for day, value, _ in there)
    return str(svg(WIDTH, bottom + 6, f"{name} by day", said, parts))


def _ticks(low: float, high: float) -> list[float]:
    """Near both ends of the axis, and in the middle."""
    return [low + part * (high - low) for part in (0.08, 0.5, 0.92)]
