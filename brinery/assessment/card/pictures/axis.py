"""Axes: round numbers within a range, and how they are written."""

from math import ceil, floor, log10

CLOSE = 1e-9  # a step's share by which a number may miss a tick, as floats do


def ticks(low: float, high: float, about: int = 6) -> list[float]:
    """Some round numbers within the range, at most one more than `about`."""
    step = _step(low, high, about)
    return [step * k for k in range(ceil(low / step), floor(high / step) + 1)]


def spanning(low: float, high: float, about: int) -> list[float]:
    """Round numbers from one at or below `low` to one at or above `high`, at most two more than `about`."""
    step = _step(low, high, about)
    return [step * k for k in range(floor(low / step + CLOSE), ceil(high / step - CLOSE) + 1)]


def _step(low: float, high: float, about: int) -> float:
    rough = (high - low) / about
    power = 10.0 ** floor(log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)


def tick_text(value: float) -> str:
    return f"{value:.3g}" if abs(value) >= 1e6 or 0 < abs(value) < 1e-3 else f"{value:,.6g}".replace("-", "\u2212")
