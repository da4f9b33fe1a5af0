"""Bootstraps of many rows, by how many are drawn of each bin of rows that are alike, instead of row by row."""

import numpy as np

MANY_ROWS = 100_000  # above which rows are binned
RESAMPLES = 300
BINS, APART = 500, 100  # bins of as many rows each, and rows at either end that each have one of their own


class BinnedMean:
    """A figure that is a mean of what each row adds, by bins of rows that add about the same."""

    def __init__(self, values: np.ndarray) -> None:
        """`values` has what rows add, shape (rows,), more than twice `APART`."""
        rows = len(values)
        ends, middle = np.arange(APART), np.linspace(APART, rows - APART, BINS, endpoint=False, dtype=np.intp)
        starts = np.unique(np.concatenate([ends, middle, rows - APART + ends]))
        counts = np.diff(starts, append=rows)
        self._rows, self._shares = rows, counts / rows
        self._means = np.add.reduceat(np.sort(values), starts) / counts

    def draw(self, random: np.random.Generator) -> float:
        """The figure of as many rows, drawn with replacement."""
        return float(random.multinomial(self._rows, self._shares) @ self._means / self._rows)


def draw_median(ordered: np.ndarray, random: np.random.Generator) -> float:
    """The median of as many values, drawn with replacement from ascending ones, shape (rows,).

    Source: of n uniform numbers the k-th is of the beta distribution of k and n + 1 - k.
    """
    rows = len(ordered)
    middle = rows // 2 + rows % 2
    return float(ordered[int(random.beta(middle, rows + 1 - middle) * rows)])
