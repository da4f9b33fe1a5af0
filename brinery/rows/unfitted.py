"""Unfitted: values that are accepted and that the model was not fitted on the like of."""

from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np

from brinery.rows.feature import Feature


class Unfitted:
    """Finds such values in arrays of checked rows."""

    def __init__(self, features: Sequence[Feature]) -> None:
        self._features = features
        ranged = [
            (j, f.minimum, f.maximum) for j, f in enumerate(features) if f.minimum is not None and f.maximum is not None
        ]
        self._numeric = not any(feature.of_texts for feature in features)
        self._ranged = [j for j, _, _ in ranged]
        self._ranges = [(low, high) for _, low, high in ranged]
        self._minimum = np.array([low for low, _ in self._ranges], dtype=np.float64)
        self._maximum = np.array([high for _, high in self._ranges], dtype=np.float64)
        self._fitted_texts = {
            j: frozenset({*(feature.categories or ()), *([None] if feature.nullable else ())} - {*feature.unfitted})
            for j, feature in enumerate(features)
            if feature.kind == "category" and (feature.unfitted or feature.unknown_categories == "accept")
        }
        self._unfitted_numbers = {
            j: [np.nan if value is None else float(value) for value in feature.unfitted]
            for j, feature in enumerate(features)
            if feature.kind != "category" and feature.unfitted
        }

    def first(self, array: np.ndarray, most: int) -> list[tuple[int, int, str]]:
        """Row, column and what to say of the first of such values, by rows, at most so many.

        Args:
            array: shape (rows, features), as the parser makes it.
        """
        found = [(i, j, self._said(j)) for i, j in islice(self._outside(array), most)]
        for j, texts in self._fitted_texts.items():
            said = f"{self._features[j].name} is a value that the model was not fitted on"
            odd = (i for i, value in enumerate(array[:, j].tolist()) if value not in texts)
            found += [(i, j, said) for i in islice(odd, most)]
        for j, numbers in self._unfitted_numbers.items():
            column, said = array[:, j].astype(np.float64), f"{self._features[j].name} is a value that the model was"
            odd_rows = np.isin(column, numbers) | (np.isnan(column) if np.isnan(numbers).any() else False)
            found += [(int(i), j, f"{said} not fitted on") for i in np.flatnonzero(odd_rows)[:most]]
        return sorted(found)[:most]

    def _outside(self, array: np.ndarray) -> Iterable[tuple[int, int]]:
        """Row and column of values outside the training range."""
        if not self._ranged:
            return ()
        values = array if len(self._ranged) == len(self._features) else array[:, self._ranged]
        if len(values) == 1:  # numpy takes longer to be asked than one row does
            row = zip(self._ranged, values[0].tolist(), self._ranges, strict=True)
            return [(0, j) for j, value, (low, high) in row if value < low or value > high]
        if not self._numeric:
            values = values.astype(np.float64)
        outside = (values < self._minimum) | (values > self._maximum)
        return ((int(i), self._ranged[k]) for i, k in np.argwhere(outside)) if outside.any() else ()

    def _said(self, column: int) -> str:
        feature = self._features[column]
        return f"{feature.name} is outside the training range {feature.range_text}"
