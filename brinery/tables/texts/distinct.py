"""Columns of texts: the distinct ones of a column of a CSV, and where each stands first."""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property

import numpy as np
import pyarrow as pa

SHOWN_CELLS = 3


class Texts:
    """A column by its distinct texts: `values` as they come first, and `codes`, by row the place of its text."""

    def __init__(self, name: str, column: pa.ChunkedArray, at: Callable[[int], str]) -> None:
        """Take a column of strings without nulls.

        Args:
            at: says for people where a row, counted from 0, stands, such as "line 2".
        """
        self.name, self._at = name, at
        coded = column.dictionary_encode().unify_dictionaries()
        self.values: list[str] = coded.chunk(0).dictionary.to_pylist() if coded.num_chunks else []
        self.codes = np.concatenate([chunk.indices.to_numpy() for chunk in coded.chunks] or [np.zeros(0, np.int32)])

    @cached_property
    def counts(self) -> np.ndarray:
        """Rows of each of the values."""
        return np.bincount(self.codes, minlength=len(self.values))

    def rows(self, places: Iterable[int]) -> int:
        """Rows that hold one of the values at these places."""
        return int(self.counts[list(places)].sum())

    def row(self, place: int) -> int:
        """The first row of a value."""
        return int(np.argmax(self.codes == place))

    def at(self, place: int) -> str:
        """Where a value stands first, for people."""
        return self._at(self.row(place))

    def told(self, places: Sequence[int]) -> str:
        """The first of some values, each with its line, for a message."""
        first = sorted(places)[:SHOWN_CELLS]
        parts = [f"{shown(self.values[place])} ({self.at(place)})" for place in first]
        more = len(places) - len(first)
        if more:
            return ", ".join(parts) + f" and {more} more"
        return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else parts[0]

    def replaced(self, values: Sequence[object], kind: pa.DataType) -> pa.Array:
        """The column with other values in place of its own, None where one is missing."""
        return pa.array(values, kind).take(pa.array(self.codes))


def shown(text: str) -> str:
    """A text for a message, in quotation marks and cut where it is long."""
    return f'"{text}"' if len(text) <= 60 else f'"{text[:57]}..."'
