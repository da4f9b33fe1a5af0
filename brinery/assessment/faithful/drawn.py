"""Rows drawn from what serving accepts: numbers within their ranges, categories, booleans and missing cells."""

from collections.abc import Sequence
from math import prod

import numpy as np

from brinery.assessment.faithful.probes import Probe
from brinery.rows.feature import RANGED, Feature

DRAWN = 2_000  # at least, where there are as many
WHOLE = 10_000  # different rows, up to which all are drawn at once
COUNTED = 1_000_000  # different rows, up to which each is drawn once
SHARE_MISSING = 0.1
KIND = "within the ranges"


class DrawnRows:
    """Rows in an order that the seed decides; of few different ones each comes once, and of fewer all at once."""

    def __init__(self, features: Sequence[Feature], of_texts: bool, seed: int) -> None:
        self._features, self._dtype = features, object if of_texts else np.float64
        self._random = np.random.default_rng([seed, 1])
        values = [_values(feature) for feature in features]
        self._values = [each for each in values if each is not None]
        self._places: np.ndarray | None = None
        if len(self._values) == len(values) and prod(map(len, self._values)) <= COUNTED:
            self._places = self._random.permutation(prod(map(len, self._values)))

    def draw(self, count: int) -> Probe:
        """So many rows, or those that are left."""
        if self._places is None:
            rows = np.empty((count, len(self._features)), dtype=self._dtype)
            for j, feature in enumerate(self._features):
                rows[:, j] = self._column(feature, count)
            return Probe(KIND, rows)
        count = max(count, WHOLE) if len(self._places) <= WHOLE else count
        places, self._places = self._places[:count], self._places[count:]
        rows = np.empty((len(places), len(self._values)), dtype=self._dtype)
        for j, found in enumerate(np.unravel_index(places, tuple(map(len, self._values)))):
            rows[:, j] = self._values[j][found]
        return Probe(KIND if len(self._places) else f"{KIND}, which are all that there are", rows)

    def _column(self, feature: Feature, count: int) -> np.ndarray:
        values = _values(feature)
        if values is not None:
            return np.asarray(values[self._random.integers(0, len(values), count)])
        low, high, share = float(feature.minimum or 0.0), float(feature.maximum or 0.0), self._random.random(count)
        found = low * (1 - share) + high * share
        if feature.kind == "integer":
            found = np.round(found)
        if feature.nullable:
            found[self._random.random(count) < SHARE_MISSING] = np.nan
        return found


def _values(feature: Feature) -> np.ndarray | None:
    """All values that a column accepts within its range, shape (values,); None where they are many."""
    low, high = feature.minimum, feature.maximum
    if feature.kind == "category":
        missing = [None] if feature.nullable else []
        return np.array([*(feature.categories or ()), *missing], dtype=object)
    if feature.kind == "integer" and low is not None and high is not None and high - low < COUNTED:
        found = np.arange(low, high + 1)
    elif feature.kind in RANGED and low != high:
        return None
    else:
        found = np.array([0.0, 1.0]) if low is None else np.array([low])
    return np.append(found, np.nan) if feature.nullable else found
