"""The page of drift: for each feature what training saw beside what was answered, what moved, and when."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from brinery.monitoring.drift import Found
from brinery.monitoring.lines import Tally, Window
from brinery.monitoring.sketch import Bins
from brinery.output import svg as shapes
from brinery.output.page import page, section
from brinery.output.svg import WIDTH, bars, fit, line, path, text
from brinery.output.table import figure_text
from brinery.rows.dates import text_of_days
from brinery.versions.manifest import utc_text
from brinery.versions.reference import Reference

HEIGHT = 96
MOST_VALUES = 12  # that have bars of their own
MOST_FIGURES = 200  # features
STYLE = (
    (Path(shapes.__file__).parent / "svg.css").read_text()
    + """
svg .now { fill: var(--c1); fill-opacity: .75; }
figure { margin: 1.5rem 0; } figcaption { overflow-wrap: anywhere; }
.look { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)); gap: 0 2rem; }
.key { display: inline-block; width: 1em; height: .8em; background: var(--c0); opacity: .55; }
.key.now { background: var(--c1); opacity: .75; }
@media (min-width: 60rem) { body { max-width: 64rem; } }
"""
)


def drift_page(
    reference: Reference,
    window: Window,
    found: Sequence[Found],
    dates: Collection[str],
    facts: Mapping[str, Any] | None = None,
) -> str:
    """The whole page.

    Args:
        dates: names of the features that are dates.
        facts: the same for machines, which the page carries.
    """
    moved = [each for each in found if each.verdict == "drift"]
    order = sorted(found, key=lambda each: (each.verdict != "drift", each.chance))
    parts = [
        _summary(window, found),
        _table(order),
        "<h2>What training saw, and what was answered</h2>",
        '<p><span class="key"></span> training &nbsp; <span class="key now"></span> answered in this window</p>',
        '<div class="look">',
        *(_figure(each, window, each.name in dates) for each in order[:MOST_FIGURES]),
        "</div>",
    ]
    if len(order) > MOST_FIGURES:
        parts.append(f"<p>… and {len(order) - MOST_FIGURES} features more, of which the table tells.</p>")
    title = f"Drift of {reference.name}:{reference.version}"
    said = f"{len(moved)} of {len(found)} moved" if moved else "nothing was seen to move"
    return page(f"{title}: {said}", "", parts, STYLE, facts)


def _summary(window: Window, found: Sequence[Found]) -> str:
    first, last = (utc_text(moment) if moment else "-" for moment in (window.first, window.last))
    needed = [each.needed for each in found if each.needed is not None]
    unsure = sum(each.verdict == "cannot tell" for each in found)
    told = [f"{window.rows:,} rows in {window.requests:,} requests, from {first} to {last}."]
    if window.lost:
        told.append(f"{window.lost:,} rows more were answered, of which the log has no line.")
    if unsure:
        too_few = "no number of rows would show, as training had too few,"
        need = f"{max(needed):,} rows would show" if needed else too_few
        told.append(f"Of {unsure} it cannot be told: {need} a shift of a quarter of a deviation.")
    return f"<p>{escape(' '.join(told))}</p>"


def _table(order: Sequence[Found]) -> str:
    rows = [
        [each.name, each.verdict, each.moved, _chance(each), f"{each.stability:.3f}", f"{each.rows:,}"]
        for each in order
    ]
    return section("What moved", ["feature", "verdict", "what", "by chance", "stability index", "rows"], rows)


def _chance(found: Found) -> str:
    return "1" if found.chance >= 1 else figure_text(found.chance) if found.chance > 1e-300 else "0"


def _figure(found: Found, window: Window, is_date: bool) -> str:
    drawn = _bins(found, found.column, is_date) if isinstance(found.column, Bins) else _values(found)
    css = ' class="failed"' if found.verdict == "drift" else ""
    said = f"<strong{css}>{escape(found.name)}: {found.verdict}.</strong> {escape(found.moved)}"
    return f"<figure>{drawn}{_over_time(found, window)}<figcaption>{said}</figcaption></figure>"


def _bins(found: Found, column: Bins, is_date: bool) -> str:
    """Each range as wide as any other, since they hold about as many rows of training."""
    ends = [_mark(end, is_date) for end in (column.centers[0], column.centers[-1])]
    marks = [f"below {ends[0]}", f"above {ends[1]}", "missing"]
    return _drawn(found, found.shares, marks)


def _mark(value: float, is_date: bool) -> str:
    return text_of_days(float(int(value))) if is_date else f"{value:.4g}"


def _values(found: Found) -> str:
    shares, names = found.shares, _names(found)
    order = np.argsort(-shares.max(axis=0), kind="stable")[:MOST_VALUES]
    kept = [place for place in sorted(order.tolist()) if shares[:, place].any()]
    rows, top = [], 4.0
    scale = max(float(shares.max()), 1e-9)
    left = 110
    for place in kept:
        before, now = (float(share) / scale * (WIDTH - left - 60) for share in shares[:, place])
        rows += [
            text(left - 8, top + 15, fit(names[place], left - 12), "end"),
            bars([(left, top + 2, max(before, 0.5), 8)], "bar soft"),
            bars([(left, top + 11, max(now, 0.5), 8)], "now"),
            text(left + max(before, now) + 6, top + 15, f"{shares[1, place]:.1%}", "quiet"),
        ]
        top += 24
    said = "; ".join(f"{names[place]} {shares[0, place]:.1%} in training, {shares[1, place]:.1%} now" for place in kept)
    return str(shapes.svg(WIDTH, top + 4, f"Shares of {found.name}", said, rows))


def _drawn(found: Found, cells: np.ndarray, marks: Sequence[str]) -> str:
    width = (WIDTH - 8) / cells.shape[1]
    top = max(float(cells.max()), 1e-9)
    boxes: list[list[tuple[float, float, float, float]]] = [[], []]
    for row in (0, 1):
        for place, share in enumerate(cells[row]):
            tall = float(share) / top * HEIGHT
            x = 4 + place * width + (0.08 if row == 0 else 0.5) * width
            boxes[row].append((x, 4 + HEIGHT - tall, width * 0.42, tall))
    bottom = 4 + HEIGHT
    parts = [
        line(4, bottom, WIDTH - 4, bottom, "axis"),
        bars(boxes[0], "bar soft"),
        bars(boxes[1], "now"),
        text(4, bottom + 16, marks[0], "quiet"),
        text(4 + (cells.shape[1] - 1) * width, bottom + 16, marks[1], "quiet end"),
        *([text(WIDTH - 4, bottom + 30, marks[2], "quiet end")] if cells[:, -1].any() else []),
    ]
    title = f"Ranges of {found.name}, each with about as many rows of training"
    return str(shapes.svg(WIDTH, bottom + 36, title, found.moved, parts))


def _over_time(found: Found, window: Window) -> str:
    """The mean, or the share of the value that moved most, in each part of the window that has rows."""
    points = [(moment, _level(found, tally)) for moment, tally in sorted(window.slices.items())]
    known: list[tuple[datetime, float]] = [(moment, value) for moment, value in points if value is not None]
    if len(known) < 2:
        return ""
    what, usual = _usual(found)
    values = [value for _, value in known]
    low, high = min([*values, usual]), max([*values, usual])
    span = (high - low) or 1.0
    first, last = known[0][0], known[-1][0]
    seconds = (last - first).total_seconds()

    def place(moment: datetime, value: float) -> tuple[float, float]:
        return 4 + (moment - first).total_seconds() / seconds * (WIDTH - 8), 52 - (value - low) / span * 44

    parts = [
        line(4, place(first, usual)[1], WIDTH - 4, place(first, usual)[1], "even"),
        path([place(moment, value) for moment, value in known], "curve k1"),
        text(4, 70, utc_text(first)[:16], "quiet"),
        text(WIDTH - 4, 70, utc_text(last)[:16], "quiet end"),
    ]
    said = f"{what} from {values[0]:.4g} to {values[-1]:.4g}; in training {usual:.4g}, the dotted line"
    return str(shapes.svg(WIDTH, 76, f"{what} over time", said, parts))


def _usual(found: Found) -> tuple[str, float]:
    if isinstance(found.column, Bins):
        return "mean", found.column.mean
    place = _changed(found)
    return f"share of {_names(found)[place]}", float(found.shares[0, place])


def _names(found: Found) -> list[str]:
    """Of what is counted by itself, in the order of the counts."""
    return [*getattr(found.column, "values", ()), "others", "missing"]


def _changed(found: Found) -> int:
    """The place of the value whose share changed most."""
    before, now = found.shares
    return int(np.argmax(np.abs(now - before)))


def _level(found: Found, tally: Tally) -> float | None:
    counted = tally.answers if found.of_answers else tally.features.get(found.name, {})
    counts = np.array(counted.get(len(found.counts), []), dtype=float)
    if not len(counts):
        return None
    if isinstance(found.column, Bins):
        present = counts[:-1]
        return float(present @ np.array(found.column.centers) / present.sum()) if present.sum() else None
    return float(counts[_changed(found)] / counts.sum()) if counts.sum() else None
