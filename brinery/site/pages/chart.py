"""Charts: a metric over a model's versions, with intervals, and the promotions among them."""

import math
from collections.abc import Collection, Sequence
from itertools import pairwise

from markupsafe import Markup

from brinery.assessment.card.pictures.axis import spanning
from brinery.output.svg import WIDTH, diamond, dot, line, path, svg, text
from brinery.output.table import figure_text
from brinery.site.facts import Version

NEWEST = 60  # versions that are drawn
TOP, HEIGHT, LEFT, RIGHT = 8, 120, 56, 10
LEAST = 1e-6  # of its size, by which values must differ to be several


def metric_chart(metric: str, versions: Sequence[Version], promoted: Collection[int]) -> Markup:
    """The metric of the newest versions, the newest on the right; `promoted` are numbers with a mark below."""
    points = [(each.number, *each.metrics[metric]) for each in versions[:NEWEST] if metric in each.metrics][::-1]
    ends = [each for _, *figure in points for each in figure if each is not None]
    ticks = _ticks(min(ends), max(ends))
    low, high = ticks[0], ticks[-1]
    width = WIDTH - LEFT - RIGHT

    def x(place: int) -> float:
        return LEFT + width * (place + 0.5) / len(points)

    def y(value: float) -> float:
        return TOP + HEIGHT * (high - value) / (high - low)

    parts = []
    for value in ticks:
        parts += [line(LEFT, y(value), WIDTH - RIGHT, y(value), "rule")]
        parts += [text(LEFT - 8, y(value) + 4, _tick(value, ticks[1] - ticks[0]), "quiet end")]
    for place, (_, _, least, most) in enumerate(points):
        if least is not None and most is not None:
            parts.append(line(x(place), y(least), x(place), y(most), "span"))
    if len(points) > 1:
        parts.append(path([(x(place), y(value)) for place, (_, value, _, _) in enumerate(points)], "trend"))
    radius = 3.5 if len(points) <= 30 else 2.5
    bottom = TOP + HEIGHT
    for place, (number, value, _, _) in enumerate(points):
        parts.append(dot(x(place), y(value), radius, "this"))
        if number in promoted:
            parts.append(diamond(x(place), bottom + 10, 5, "given"))
    marks = sorted({0, len(points) // 2, len(points) - 1}) if len(points) > 6 else range(len(points))
    parts.append(line(LEFT, bottom, WIDTH - RIGHT, bottom, "axis"))
    parts += [text(x(place), bottom + 32, str(points[place][0]), "quiet mid") for place in marks]
    return svg(WIDTH, bottom + 38, f"{metric} by version", _said(points, promoted), parts)


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers that span the values; those of shares end where shares end."""
    floor, ceiling = (0.0, 1.0) if 0 <= low and high <= 1 else (-math.inf, math.inf)
    size = max(abs(low), abs(high))
    if high - low <= LEAST * max(size, 1.0):  # they are one value
        room = 0.05 * size if size > LEAST else 1.0
        low, high = max(low - room, floor), min(high + room, ceiling)
    return spanning(low, high, 3)


def _tick(value: float, step: float) -> str:
    """As many places as tell the ticks apart."""
    places = max(0, -math.floor(math.log10(step) + LEAST))
    return f"{value:,.{places}f}" if abs(value) < 1e6 else figure_text(value, 1)


def _said(points: Sequence[tuple[int, float, float | None, float | None]], promoted: Collection[int]) -> str:
    values = {number: value for number, value, _, _ in points}
    first, last = points[0][0], points[-1][0]
    steps = [after - before for before, after in pairwise(values.values())]
    said = f"From {figure_text(values[first])} of version {first} to {figure_text(values[last])} of version {last}"
    said += f"; from {figure_text(min(values.values()))} to {figure_text(max(values.values()))} in all" if steps else ""
    marked = [str(number) for number in values if number in promoted]
    return f"{said}. Promoted: {', '.join(marked)}." if marked else f"{said}."
