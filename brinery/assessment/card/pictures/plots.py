"""Plots: the figures of the model card, as SVG that follows the page's font, its colours and its width."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from markupsafe import Markup

from brinery.assessment.card.pictures.curves import BINS, Calibration, Curve
from brinery.assessment.columns.histogram import Histogram
from brinery.assessment.inspection.importance import Importance
from brinery.output.svg import LINE, WIDTH, bars, diamond, dot, fit, line, path, svg, text, text_width
from brinery.rows.feature import Feature
from brinery.versions.manifest import Evaluation

SMALL = 144
SHADES = (0.01, 0.05, 0.2, 0.5)


def metrics_plot(metrics: Mapping[str, float], evaluation: Evaluation) -> Markup:
    """Each metric from 0 to 1 with its interval, the baseline's and the promoted version's."""
    left = min(150, 16 + max(map(text_width, metrics)))
    room = WIDTH - left - 10
    parts, found = [], []
    promoted = evaluation.promoted.metrics if evaluation.promoted else {}
    bottom = 6 + 24 * len(metrics)
    for share in (0, 0.25, 0.5, 0.75, 1):
        x = left + room * share
        parts += [line(x, 4, x, bottom, "rule"), text(x, bottom + 14, f"{share:g}", "quiet mid")]
    for row, (name, value) in enumerate(metrics.items()):
        y = 18 + 24 * row
        parts.append(text(left - 10, y + 4, fit(name, left - 14), "end"))
        said = f"{name} {value:.4f}"
        if name in evaluation.intervals:
            low, high = evaluation.intervals[name]
            parts.append(line(left + room * low, y, left + room * high, y, "range"))
            said += f" ({low:.4f} to {high:.4f})"
        if name in evaluation.baseline:
            parts.append(dot(left + room * evaluation.baseline[name], y, 4, "other"))
            said += f", baseline {evaluation.baseline[name]:.4f}"
        if name in promoted:
            parts.append(diamond(left + room * promoted[name], y, 6, "open"))
            said += f", promoted {promoted[name]:.4f}"
        parts.append(dot(left + room * value, y, 3.5, "this"))
        found.append(said)
    return svg(WIDTH, bottom + 20, "Metrics and their 95 % intervals", "; ".join(found) + ".", parts)


def roc_plot(curves: Sequence[Curve]) -> Markup:
    """The curves, and below them the name and the area of each."""
    place, parts, bottom = _unit_square("true positive rate", "false positive rate")
    parts.append(path([place(0, 0), place(1, 1)], "even"))
    for k, curve in enumerate(curves):
        parts.append(path([place(x, y) for x, y in zip(curve.x, curve.y, strict=True)], f"curve k{k}"))
    for k, curve in enumerate(curves):
        y = bottom + LINE * k
        parts.append(line(4, y - 4, 36, y - 4, f"curve k{k}"))
        parts.append(text(44, y, fit(curve.name, WIDTH - 44 - 84)))
        parts.append(text(WIDTH - 4, y, f"AUC {curve.area:.4f}", "end"))
    said = "; ".join(f"{curve.name}: area under the curve {curve.area:.4f}" for curve in curves)
    finding = f"{said}. Chance, the dotted diagonal, has 0.5."
    return svg(WIDTH, bottom + LINE * (len(curves) - 1) + 6, "ROC curves", finding, parts)


def threshold_plot(curves: Sequence[tuple[str, np.ndarray, np.ndarray]], threshold: float) -> Markup:
    """The curves over the threshold, the one that is answered by, and below them the value of each there."""
    place, parts, bottom = _unit_square("share", "threshold")
    parts.append(path([place(threshold, 0), place(threshold, 1)], "thin"))
    parts += [
        path([place(a, b) for a, b in zip(x, y, strict=True)], f"curve k{k}") for k, (_, x, y) in enumerate(curves)
    ]
    found = []
    for k, (name, x, y) in enumerate(curves):
        at, value = bottom + LINE * k, float(np.interp(threshold, x, y))
        parts += [
            line(4, at - 4, 36, at - 4, f"curve k{k}"),
            text(44, at, name),
            text(WIDTH - 4, at, f"{value:.4f}", "end"),
        ]
        found.append(f"{name} {value:.4f}")
    finding = f"At the threshold of {threshold:g}: {', '.join(found)}."
    return svg(WIDTH, bottom + LINE * (len(curves) - 1) + 6, "Threshold", finding, parts)


def calibration_plot(found: Calibration) -> Markup:
    """The observed share over the predicted probability, and below it the rows of each bin."""
    observed = "share of correct answers" if found.of is None else f"share of class {fit(found.of, 150)}"
    place, parts, bottom = _unit_square(observed, "predicted probability")
    parts.append(path([place(0, 0), place(1, 1)], "even"))
    for x, low, high in zip(found.predicted, found.low, found.high, strict=True):
        parts.append(path([place(x, low), place(x, high)], "thin"))
    points = [place(x, y) for x, y in zip(found.predicted, found.observed, strict=True)]
    parts.append(path(points, "curve k0"))
    parts += [dot(x, y, 3.5, "this") for x, y in points]
    parts.append(text(4, bottom, "rows in each tenth", "quiet"))
    most, step = max(found.counts), place(1 / BINS, 0)[0] - place(0, 0)[0]
    top = bottom + LINE + 30
    for k, count in enumerate(found.counts):
        x, height = place(k / BINS, 0)[0], 26 * count / most
        parts.append(bars([(x + 1, top - height, step - 2, height)], "bar"))
        parts.append(text(x + step / 2, top + 14, _short(count), "quiet mid"))
    pairs = zip(found.predicted, found.observed, strict=True)
    said = "; ".join(f"{x:.2f} predicted, {y:.2f} observed" for x, y in pairs)
    finding = f"Expected calibration error {found.error:.4f}. Mean of each tenth of the probabilities: {said}."
    return svg(WIDTH, top + 20, "Calibration", finding, parts)


def importance_plot(found: Sequence[Importance]) -> Markup:
    """A bar a feature, from the most important on, with its deviation."""
    left, right = 150, 258
    low = min(0.0, *(each.mean - each.deviation for each in found))
    high = max(1e-9, *(each.mean + each.deviation for each in found))

    def place(value: float) -> float:
        return left + (right - left) * (value - low) / (high - low)

    parts = [line(place(0), 2, place(0), 20 * len(found) + 2, "axis")]
    for row, each in enumerate(found):
        y = 12 + 20 * row
        start, end = sorted((place(0), place(each.mean)))
        parts.append(text(left - 8, y + 4, fit(each.feature, left - 12), "end"))
        parts.append(bars([(start, y - 6, end - start, 12)], "bar soft"))
        parts.append(line(place(each.mean - each.deviation), y, place(each.mean + each.deviation), y, "thin"))
        parts.append(text(WIDTH - 2, y + 4, _signed(each.mean) + f" ± {each.deviation:.3f}", "end"))
    said = "; ".join(f"{each.feature} {each.mean:.4f}" for each in found[:3])
    return svg(WIDTH, 20 * len(found) + 6, "Permutation importance", f"Most important: {said}.", parts)


def heat_map(names: Sequence[str], confusion: Sequence[Sequence[int]], finding: str) -> Markup:
    """A confusion matrix of many classes: rows are true classes, shades are shares of a row."""
    count = len(names)
    side = min(110, 8 + max(text_width(fit(name, 100)) for name in names))
    cell = (WIDTH - side - 4) / count
    every = -int(-14 // cell)
    parts = []
    for k in range(0, count, every):
        middle = (k + 0.5) * cell + 4
        parts.append(text(side - 6, middle + 4, fit(names[k], 100), "end"))
        parts.append(text(side + middle, WIDTH - side + 12, fit(names[k], 100), "end", turned=True))
    shares = [(j, i, rows / sum(row)) for i, row in enumerate(confusion) for j, rows in enumerate(row) if rows]
    parts.append(shaded(shares, f"translate({side:.1f} {4 + cell / 2:.2f}) scale({cell:.3f})"))
    size = cell * count
    frame = [(side, 4.0), (side + size, 4.0), (side + size, 4 + size), (side, 4 + size), (side, 4.0)]
    parts.append(path(frame, "axis"))
    return svg(WIDTH, WIDTH + 4, "Confusion matrix", finding, parts)


def shaded(shares: Iterable[tuple[int, int, float]], transform: str) -> str:
    """Cells of a grid, by their column and row, that are the darker, the larger their share is."""
    runs: list[list[str]] = [[] for _ in range(len(SHADES) + 1)]
    for column, row, share in shares:
        runs[int(np.searchsorted(SHADES, share))].append(f"M{column} {row}h1")
    cells = "".join(f'<path class="s{shade}" d="{"".join(run)}"/>' for shade, run in enumerate(runs) if run)
    return f'<g class="cells" transform="{transform}">{cells}</g>'


def histogram_plot(found: Histogram, feature: Feature) -> Markup:
    """A small picture beside the feature's name: upright bars for numbers, named ones for categories."""
    most = max(found.counts, default=0) or 1
    named = feature.kind in ("category", "boolean")
    height, parts = (15 * len(found.counts) + 2, _named_bars(found, most)) if named else (36, _upright(found, most))
    rows = found.rows or 1
    top = int(np.argmax(found.counts))
    finding = f"{found.rows} rows with a value; the most frequent of {len(found.counts)} bars is {found.labels[top]}"
    return svg(
        SMALL, height, f"Values of {found.feature}", f"{finding}, {found.counts[top] / rows:.0%} of them.", parts
    )


def _upright(found: Histogram, most: int) -> list[str]:
    step = SMALL / len(found.counts)
    gap = 0.5 if found.binned else min(step / 4, 4)
    width = min(step - 2 * gap, SMALL / 4)
    heights = [max(1.0, 33 * count / most) if count else 0.0 for count in found.counts]
    boxes = [(k * step + gap, 35 - h, width, h) for k, h in enumerate(heights) if h]
    return [bars(boxes, "bar"), line(0, 35.5, SMALL, 35.5, "axis")]


def _named_bars(found: Histogram, most: int) -> list[str]:
    parts = [text(84, 12 + 15 * k, fit(label, 84), "end") for k, label in enumerate(found.labels)]
    boxes = [(90, 2 + 15 * k, (SMALL - 90) * count / most, 11) for k, count in enumerate(found.counts)]
    return [*parts, bars(boxes, "bar")]


def _unit_square(
    vertical: str, horizontal: str
) -> tuple[Callable[[float, float], tuple[float, float]], list[str], float]:
    """Where a point of 0 to 1 by 0 to 1 is drawn, the axes, and the first free line below them."""
    left, top, width, height = 38, 24, WIDTH - 38 - 14, 264

    def place(x: float, y: float) -> tuple[float, float]:
        return left + width * x, top + height * (1 - y)

    parts = [text(4, 12, vertical), text(left + width, top + height + 33, horizontal, "end")]
    for share in (0, 0.25, 0.5, 0.75, 1):
        (x, y), css = place(share, share), "rule" if share else "axis"
        parts += [line(left, y, left + width, y, css), line(x, top, x, top + height, css)]
        parts += [
            text(left - 6, y + 4, f"{share:g}", "quiet end"),
            text(x, top + height + 16, f"{share:g}", "quiet mid"),
        ]
    return place, parts, top + height + 58


def _signed(value: float) -> str:
    return f"{value:.3f}".replace("-", "\u2212")


def _short(count: int) -> str:
    """A count in at most four characters or so."""
    if count < 1000:
        return str(count)
    scale, unit = (1e6, "M") if count >= 999_500 else (1e3, "k")
    return f"{count / scale:.0f}{unit}" if count / scale >= 9.95 else f"{count / scale:.1f}{unit}"
