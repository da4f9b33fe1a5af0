"""Agreement: how the answers of two versions to the same rows compare, in counts; nothing else is kept of them."""

from collections import Counter
from typing import Any, Protocol

import numpy as np

from brinery.monitoring.sketch import AT_ONCE, counted, labels_of
from brinery.tasks.task import AnyAnswers, AnyTask

# A number's difference, in deviations of the target: the ranges in which differences are counted, both ways.
STEPS = (1e-5, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0)
EDGES = (*(-step for step in reversed(STEPS)), *STEPS)
MOST_PAIRS = 200  # of differing labels that are told, the most frequent ones


class _Compared(Protocol):
    def add(self, ours: AnyAnswers, theirs: AnyAnswers) -> None: ...

    def take(self) -> dict[str, Any]: ...


class Agreement:
    """Counts of rows that a champion and a challenger both answered; one thread at a time may use it."""

    def __init__(self, champion: AnyTask, challenger: AnyTask) -> None:
        ours, theirs = labels_of(champion), labels_of(challenger)
        self._compared: _Compared
        if ours is None or theirs is None:
            self._compared = _Numbers(float(getattr(champion, "deviation", 1.0)))
        else:
            self._compared = _Labels(ours, theirs)
        self.rows = 0

    def add(self, ours: AnyAnswers, theirs: AnyAnswers) -> None:
        """Count the champion's and the challenger's answers to the same rows."""
        self._compared.add(ours, theirs)
        self.rows += len(ours)

    def take(self) -> dict[str, Any]:
        """What was counted since this was last called; begin anew.

        Returns: `rows`, and of classifiers `labels`: by the champion's label how many rows and how many of them the
            challenger answered with the same, and `pairs` [champion's, challenger's, rows] of labels that differ; of
            regressors `differences`: rows whose challenger's number less the champion's is in each of the ranges
            between `EDGES`, in deviations of the champion's target.
        """
        rows, self.rows = self.rows, 0
        return {"rows": rows, **self._compared.take()}


class _Labels:
    """Pairs of places of labels; a few rows are held until there are more, as counting many at once is quicker."""

    def __init__(self, ours: tuple[str, ...], theirs: tuple[str, ...]) -> None:
        self._ours, self._theirs = ours, theirs
        self._waiting: list[np.ndarray] = []
        self._held = 0
        self._pairs = Counter[int]()

    def add(self, ours: AnyAnswers, theirs: AnyAnswers) -> None:
        self._waiting.append(ours.indices * len(self._theirs) + theirs.indices)
        self._held += len(ours)
        if self._held >= AT_ONCE:
            self._count()

    def _count(self) -> None:
        if self._waiting:
            found, counts = np.unique(np.concatenate(self._waiting), return_counts=True)
            self._pairs.update(dict(zip(found.tolist(), counts.tolist(), strict=True)))
        self._waiting, self._held = [], 0

    def take(self) -> dict[str, Any]:
        self._count()
        labels: dict[str, list[int]] = {}
        differing: list[tuple[str, str, int]] = []
        for place, count in self._pairs.most_common():
            ours, theirs = self._ours[place // len(self._theirs)], self._theirs[place % len(self._theirs)]
            sums = labels.setdefault(ours, [0, 0])
            sums[0] += count
            if ours == theirs:
                sums[1] += count
            elif len(differing) < MOST_PAIRS:
                differing.append((ours, theirs, count))
        self._pairs.clear()
        return {"labels": labels, "pairs": differing}


class _Numbers:
    """Differences in ranges."""

    def __init__(self, deviation: float) -> None:
        self._deviation = deviation
        self._waiting: list[np.ndarray] = []
        self._held = 0
        self._counts = [0] * (len(EDGES) + 1)

    def add(self, ours: AnyAnswers, theirs: AnyAnswers) -> None:
        with np.errstate(over="ignore"):
            self._waiting.append((theirs.values - ours.values) / self._deviation)
        self._held += len(ours)
        if self._held >= AT_ONCE:
            self._count()

    def _count(self) -> None:
        if self._waiting:
            found = counted(np.concatenate(self._waiting), EDGES)
            self._counts = [old + new for old, new in zip(self._counts, found, strict=False)]  # (none is missing)
        self._waiting, self._held = [], 0

    def take(self) -> dict[str, Any]:
        self._count()
        counts, self._counts = self._counts, [0] * len(self._counts)
        return {"differences": counts}
