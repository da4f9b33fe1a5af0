"""Figures of numbers against numbers: answers over the truth, and how the errors are spread."""

from collections.abc import Callable

import numpy as np
from markupsafe import Markup

from brinery.assessment.card.pictures.axis import tick_text, ticks
from brinery.assessment.card.pictures.plots import shaded
from brinery.output.svg import WIDTH, bars, line, path, svg, text, text_width

DOTS = 1_000  # rows that are drawn one by one; of more, how many there are in each place
CELLS = 44
BARS = 31
INNER = (0.02, 0.98)  # the part of the rows that far-off ones must not squeeze together
BEYOND = 0.5  # of its width: what is shown on either side of it
Place = Callable[[float, float], tuple[float, float]]
TOP, HEIGHT = 24, 300


def scatter_plot(truth: np.ndarray, predicted: np.ndarray) -> Markup:
    """The answers over the truth, both of shape (rows,): dots, or for many rows shaded cells."""
    low, high = _range(np.concatenate([truth, predicted]))
    marks = ticks(low, high)
    left = 10 + max(text_width(tick_text(tick)) for tick in marks)
    width = WIDTH - left - 14

    def place(x: float, y: float) -> tuple[float, float]:
        return left + width * (x - low) / (high - low), TOP + HEIGHT * (1 - (y - low) / (high - low))

    parts = [text(4, 12, "answer"), text(left + width, TOP + HEIGHT + 33, "truth", "end")]
    for tick in marks:
        x, y = place(tick, tick)
        parts += [line(left, y, left + width, y, "rule"), line(x, TOP, x, TOP + HEIGHT, "rule")]
        parts.append(text(left - 6, y + 4, tick_text(tick), "quiet end"))
        if x + text_width(tick_text(tick)) / 2 < WIDTH:
            parts.append(text(x, TOP + HEIGHT + 16, tick_text(tick), "quiet mid"))
    parts.append(path([place(low, low), place(high, high)], "even"))
    inside = (np.minimum(truth, predicted) >= low) & (np.maximum(truth, predicted) <= high)
    rows = truth[inside], predicted[inside]
    parts.append(_dots(*rows, place) if len(truth) <= DOTS else _cells(*rows, place, low, high))
    beyond = int((~inside).sum())
    bottom = TOP + HEIGHT + 40
    if beyond:
        bottom += 18
        parts.append(
            text(4, bottom, f"{beyond:,} row{'s' if beyond > 1 else ''} lie{'' if beyond > 1 else 's'} beyond")
        )
    finding = f"{len(truth):,} rows; the closer to the dotted diagonal, the smaller the error."
    return svg(WIDTH, bottom + 6, "Answers over the truth", finding, parts)


def error_plot(errors: np.ndarray) -> Markup:
    """How many rows have an error of which size and sign, shape (rows,); the outermost bars hold all beyond them."""
    low, high = _range(np.append(errors, 0.0))
    edges = np.linspace(low, high, BARS + 1)
    counts = np.histogram(np.clip(errors, low, high), edges)[0]
    left, height, step = 6, 120, (WIDTH - 12) / BARS
    most = counts.max()
    boxes = [
        (left + step * k + 0.5, TOP + height * (1 - c / most), step - 1, height * c / most)
        for k, c in enumerate(counts)
    ]
    parts = [text(4, 12, "rows"), bars([box for box in boxes if box[3]], "bar soft")]
    bottom = TOP + height
    parts.append(line(left, bottom, WIDTH - 6, bottom, "axis"))
    zero = left + (WIDTH - 12) * (0 - low) / (high - low)
    parts.append(line(zero, TOP - 6, zero, bottom, "thin"))
    for tick in ticks(low, high):
        x = left + (WIDTH - 12) * (tick - low) / (high - low)
        half = text_width(tick_text(tick)) / 2
        if half < x < WIDTH - half:
            parts.append(text(x, bottom + 16, tick_text(tick), "quiet mid"))
    parts.append(text(WIDTH - 6, bottom + 34, "answer less truth", "end"))
    share = float((np.abs(errors) <= (high - low) / BARS).mean())
    return svg(WIDTH, bottom + 40, "Errors", f"{share:.0%} of the errors are smaller than one bar is wide.", parts)


def _range(values: np.ndarray) -> tuple[float, float]:
    """All of the values, but what lies far off the part that holds nearly all, with a little room."""
    low, high = float(values.min()), float(values.max())
    inner_low, inner_high = (float(edge) for edge in np.quantile(values, INNER))
    beyond = BEYOND * (inner_high - inner_low)
    if beyond > 0:
        low, high = max(low, inner_low - beyond), min(high, inner_high + beyond)
    room = (high - low) * 0.02 or abs(high) or 1.0
    return low - room, high + room


def _dots(truth: np.ndarray, predicted: np.ndarray, place: Place) -> str:
    """Dots as one line of many pieces without length, whose ends are round."""
    points = (place(x, y) for x, y in zip(truth.tolist(), predicted.tolist(), strict=True))
    return f'<path class="dots" d="{"".join(f"M{x:.1f} {y:.1f}h0" for x, y in points)}"/>'


def _cells(truth: np.ndarray, predicted: np.ndarray, place: Place, low: float, high: float) -> str:
    """Cells that are the darker, the more rows they hold beside the fullest one."""
    counts = np.histogram2d(predicted, truth, CELLS, [(low, high)] * 2)[0]
    most = counts.max(initial=1.0)
    shares = ((j, CELLS - 1 - i, counts[i, j] / most) for i, j in np.argwhere(counts).tolist())
    (x, y), (end, _) = place(low, high), place(high, high)
    wide, tall = (end - x) / CELLS, HEIGHT / CELLS
    return shaded(shares, f"translate({x:.1f} {y + tall / 2:.2f}) scale({wide:.3f} {tall:.3f})")
