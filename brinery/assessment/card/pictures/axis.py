"""Axes: round numbers within a range, and how they are written."""

from math import ceil, floor, log10


def ticks(low: float, high: float, about: int = 6) -> list[float]:
    """Some round numbers within the range, at most one more than `about`."""
    rough = (high - low) / about
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    return [step * k for k in range(ceil(low / step), floor(high / step) + 1)]


def tick_text(value: float) -> str:
    return f"{value:.3g}" if abs(value) >= 1e6 or 0 < abs(value) < 1e-3 else f"{value:,.6g}".replace("-", "\u2212")
