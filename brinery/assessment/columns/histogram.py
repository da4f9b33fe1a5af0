"""Histograms: how the values of each feature are spread, in few bars."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from brinery.assessment.columns.arrays import columns_of
from brinery.rows.dates import text_of_days
from brinery.rows.feature import Feature

BINS = 20
CATEGORIES = 8
AT_ONCE = 16_384  # values, which the processor's cache holds


@dataclass(frozen=True)
class Histogram:
    """Rows a bar, and the rows without a value.

    Where `binned`, the bars are neighbouring ranges of equal width from the feature's minimum to its maximum;
    else each bar is one value, which `labels` names. `others` is how many categories the last bar stands for, 0
    where each category has a bar of its own.
    """

    feature: str
    labels: tuple[str, ...]
    counts: tuple[int, ...]
    missing: int
    binned: bool = False
    others: int = 0

    @property
    def rows(self) -> int:
        """Rows with a value."""
        return sum(self.counts)


def histograms(array: np.ndarray, features: Sequence[Feature]) -> tuple[Histogram, ...]:
    """One histogram a feature.

    Args:
        array: shape (rows, features): float64 with NaN where a value is missing, or object where a feature is a
            category, with None where a category is missing.
    """
    return tuple(_histogram(column, feature) for column, feature in zip(columns_of(array), features, strict=True))


def _histogram(column: np.ndarray, feature: Feature) -> Histogram:
    if feature.kind == "category":
        return _of_categories(column, feature)
    if feature.kind == "text":
        return _of_lengths(column, feature)
    values = np.ascontiguousarray(column, dtype=np.float64)
    missing = int(np.count_nonzero(np.isnan(values)))
    if missing:
        values = values[~np.isnan(values)]
    if feature.kind == "boolean":
        true = int(np.count_nonzero(values))
        return Histogram(feature.name, ("true", "false"), (true, len(values) - true), missing)
    return _of_numbers(values, feature, missing)


def _of_categories(column: np.ndarray, feature: Feature) -> Histogram:
    found = Counter(column.tolist())
    missing = found.pop(None, 0)
    ranked = sorted(found.items(), key=lambda item: (-item[1], str(item[0])))
    shown, rest = (ranked, []) if len(ranked) <= CATEGORIES else (ranked[:CATEGORIES], ranked[CATEGORIES:])
    labels = [str(category) for category, _ in shown] + ([f"{len(rest):,} others"] if rest else [])
    counts = [count for _, count in shown] + ([sum(count for _, count in rest)] if rest else [])
    return Histogram(feature.name, tuple(labels), tuple(counts), missing, others=len(rest))


def _of_lengths(column: np.ndarray, feature: Feature) -> Histogram:
    """Of texts by how many letters they have; those without any are missing."""
    lengths = np.array([len(text) for text in column], dtype=np.float64)
    present = lengths[lengths > 0]
    low, high = float(present.min(initial=0)), float(present.max(initial=0))
    of_length = Feature(name=feature.name, kind="integer", minimum=low, maximum=high)
    return _of_numbers(present, of_length, len(lengths) - len(present))


def _of_numbers(values: np.ndarray, feature: Feature, missing: int) -> Histogram:
    low, high = float(feature.minimum or 0), float(feature.maximum or 0)
    whole = feature.kind == "integer"
    if low == high or (whole and high - low < BINS):
        bars = int(high - low) + 1
        counts = _counts(values, low, bars, bars)
        return Histogram(feature.name, tuple(f"{low + i:g}" for i in range(bars)), counts, missing)
    if whole:  # bars of equally many whole numbers, or the histogram would be a comb
        step = np.ceil((high - low + 1) / BINS)
        bars = int(np.ceil((high - low + 1) / step))
        edges = [low + step * i for i in range(bars)]
        labels = [f"{edge:.10g} to {min(edge + step - 1, high):.10g}" for edge in edges]
        return Histogram(feature.name, tuple(labels), _counts(values, low, step * bars, bars), missing, binned=True)
    shares = [i / BINS for i in range(BINS + 1)]
    marks = [_mark(low * (1 - share) + high * share, feature) for share in shares]
    labels = [f"{left} to {right}" for left, right in zip(marks, marks[1:], strict=False)]
    if not np.isfinite(high - low):
        values, low, high = values / 4, low / 4, high / 4
    return Histogram(feature.name, tuple(labels), _counts(values, low, high - low, BINS), missing, binned=True)


def _mark(value: float, feature: Feature) -> str:
    return text_of_days(float(int(value))) if feature.kind == "date" else f"{value:.4g}"


def _counts(values: np.ndarray, low: float, span: float, bars: int) -> tuple[int, ...]:
    """How many values fall into each of the bars, which share `span` from `low` on; the last takes its upper edge."""
    found = np.zeros(bars, dtype=np.intp)
    for start in range(0, len(values), AT_ONCE):
        places = values[start : start + AT_ONCE] - low
        places /= span
        places *= bars
        found += np.bincount(np.clip(places.astype(np.intp), 0, bars - 1), minlength=bars)
    return tuple(found.tolist())
