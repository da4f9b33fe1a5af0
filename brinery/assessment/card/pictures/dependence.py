"""The picture of partial dependence: lines over a number, bars beside categories."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from markupsafe import Markup

from brinery.assessment.card.pictures.axis import tick_text, ticks
from brinery.assessment.inspection.dependence import Dependence
from brinery.output.svg import LINE, WIDTH, bars, fit, line, path, svg, text, text_width
from brinery.rows.dates import text_of_days

TOP, HEIGHT = 24, 190
BAR, GAP = 9, 10
NAMED = 130
Ends = tuple[float, float]


def ends_of(found: Sequence[Dependence], is_share: bool) -> Ends:
    """The range that all pictures share, so that a flat line is a feature that changes little; shares begin at 0."""
    means = np.concatenate([mean for each in found for mean in each.means.values()])
    low, high = float(means.min()), float(means.max())
    if is_share:
        return 0.0, next(share for share in (0.1, 0.2, 0.5, 1.0) if high <= share or share == 1)
    room = (high - low) * 0.05 or abs(high) * 0.05 or 1.0
    return low - room, high + room


def dependence_plot(found: Dependence, answer: str, ends: Ends) -> Markup:
    """The mean answer at each value of one feature; `answer` says what it is, such as a probability."""
    named = found.feature.kind in ("category", "boolean")
    parts, bottom = _bars(found, answer, ends) if named else _lines(found, answer, ends)
    if len(found.means) > 1:
        legend, bottom = _legend(list(found.means), bottom, named)
        parts += legend
    return svg(WIDTH, bottom - 8, f"Partial dependence on {found.feature.name}", _finding(found, answer), parts)


def _legend(names: Sequence[str], bottom: float, filled: bool) -> tuple[list[str], float]:
    """What each line or bar is, as many beside each other as there is room for; and the first free line below."""
    parts, x, y = [], 4.0, bottom
    for k, name in enumerate(names):
        shown = fit(name, WIDTH - 48)
        if x > 4 and x + 36 + text_width(shown) > WIDTH:
            x, y = 4.0, y + LINE
        mark = bars([(x, y - 8, 32, BAR - 1)], f"bar f{k}") if filled else line(x, y - 4, x + 32, y - 4, f"curve k{k}")
        parts += [mark, text(x + 40, y, shown)]
        x += 56 + text_width(shown)
    return parts, y + LINE


def _lines(found: Dependence, answer: str, ends: Ends) -> tuple[list[str], float]:
    """Lines over the feature's range, with its deciles as ticks; and the first free line below."""
    numbers = [float(value) for value in found.values]
    (low, high), (least, most) = ends, (numbers[0], numbers[-1])
    marks = ticks(low, high, 5)
    left = 10 + max(text_width(tick_text(mark)) for mark in marks)
    width, bottom = WIDTH - left - 14, TOP + HEIGHT

    def x_of(value: float) -> float:
        return left + width * (value - least) / (most - least)

    def y_of(value: float) -> float:
        return TOP + HEIGHT * (high - value) / (high - low)

    parts = [text(4, 12, answer)]
    for mark in marks:
        parts += [
            line(left, y_of(mark), left + width, y_of(mark), "rule"),
            text(left - 6, y_of(mark) + 4, tick_text(mark), "quiet end"),
        ]
    parts.append(line(left, bottom, left + width, bottom, "axis"))
    parts += [line(x_of(tick), bottom - 7, x_of(tick), bottom, "thin") for tick in found.ticks]
    end = 0.0
    for mark in ticks(least, most, 5):
        label = text_of_days(mark)[:10] if found.feature.kind == "date" else tick_text(mark)
        half = text_width(label) / 2
        if x_of(mark) - half >= end and x_of(mark) + half <= WIDTH:
            parts.append(text(x_of(mark), bottom + 16, label, "quiet mid"))
            end = x_of(mark) + half + 6
    for k, means in enumerate(found.means.values()):
        points = [(x_of(value), y_of(mean)) for value, mean in zip(numbers, means.tolist(), strict=True)]
        parts.append(path(points, f"curve k{k}"))
    parts.append(text(left + width, bottom + 33, fit(found.feature.name, width), "end"))
    return parts, bottom + 54


def _bars(found: Dependence, answer: str, ends: Ends) -> tuple[list[str], float]:
    """A bar a value and an answer, from the least that is shown; and the first free line below."""
    low, high = ends
    names = [fit(str(value), NAMED) for value in found.values]
    left = 12 + max(map(text_width, names))
    width, tall = WIDTH - left - 52, max(LINE, BAR * len(found.means)) + GAP
    bottom = TOP + tall * len(names)
    parts = [text(4, 12, answer), line(left, TOP - 4, left, bottom, "axis")]
    end = 0.0
    for mark in ticks(low, high, 4):
        x, half = left + width * (mark - low) / (high - low), text_width(tick_text(mark)) / 2
        parts.append(line(x, TOP - 4, x, bottom, "rule"))
        if x - half >= end:
            parts.append(text(x, bottom + 14, tick_text(mark), "quiet mid"))
            end = x + half + 6
    for row, name in enumerate(names):
        middle = TOP + tall * (row + 0.5) - GAP / 2
        parts.append(text(left - 6, middle + 4, name, "end"))
        for k, means in enumerate(found.means.values()):
            share, y = (float(means[row]) - low) / (high - low), middle + BAR * (k - len(found.means) / 2)
            parts.append(bars([(left, y, max(1.0, width * share), BAR - 1)], f"bar f{k}"))
        if len(found.means) == 1:
            only = float(next(iter(found.means.values()))[row])
            parts.append(text(WIDTH - 2, middle + 4, f"{only:.4g}".replace("-", "\u2212"), "end"))
    return parts, bottom + 38


def _finding(found: Dependence, answer: str) -> str:
    """What there is to see: each line's ends and its way, or the most and the least of the bars."""
    told = []
    for name, means in found.means.items():
        of = f"{answer} of {name}" if len(found.means) > 1 else answer
        low, high = int(np.argmin(means)), int(np.argmax(means))
        if found.feature.kind in ("category", "boolean"):
            least, most = (f"{means[k]:.4g} at {found.values[k]}" for k in (low, high))
            told.append(f"{of} is from {least} to {most}")
            continue
        first, last = (f"{means[k]:.4g} at {_value(found, k)}" for k in (0, -1))
        steps = [b - a for a, b in pairwise(means.tolist())]
        way = "rises" if min(steps) >= 0 < max(steps) else "falls" if max(steps) <= 0 > min(steps) else "goes"
        between = "" if way != "goes" else f", between {means[low]:.4g} and {means[high]:.4g}"
        told.append(f"{of} {way} from {first} to {last}{between}")
    return "; ".join(told) + "."


def _value(found: Dependence, place: int) -> str:
    value = float(found.values[place])
    return text_of_days(value)[:10] if found.feature.kind == "date" else tick_text(value)
