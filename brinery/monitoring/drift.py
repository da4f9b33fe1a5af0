"""Drift: whether what is served still looks like what training saw, told from bins alone, with few false alarms."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from brinery.monitoring.lines import Tally
from brinery.monitoring.sketch import Bins, Column, Profile, Values

FALSE_ALARMS = 0.001  # of the looks at data that did not move, over all tests of a look
SHIFT = 0.25  # of a standard deviation, that a look shall see …
POWER = 0.8  # … with this probability
LEAST_EXPECTED = 5.0  # rows in a cell of a chi-squared test
ANSWERS = "answers"  # what they are called among the features

Verdict = Literal["drift", "no drift", "cannot tell"]


@dataclass(frozen=True)
class Found:
    """One feature, or the answers: the counts of training and of the window, and what the tests say of them.

    `tests` are probabilities of such a difference by chance, each multiplied by the number of tests of the look and at
    most 1. `stability` is the population stability index, which people know and which is no test. `moved` is the
    difference in words. `needed` rows would show a shift of a quarter of a deviation; None where no number would, since
    training had too few.
    """

    name: str
    column: Column
    counts: tuple[int, ...]
    tests: Mapping[str, float]
    stability: float
    moved: str
    needed: int | None

    @property
    def rows(self) -> int:
        """Of the window."""
        return sum(self.counts)

    @property
    def verdict(self) -> Verdict:
        if any(probability < FALSE_ALARMS for probability in self.tests.values()):
            return "drift"
        return "no drift" if self.needed is not None and self.rows >= self.needed else "cannot tell"


def look(profile: Profile, tally: Tally) -> list[Found]:
    """Compare a window with the profile of its version: each feature in order, and the answers last.

    Bins that are not the profile's are left out, as those of a feature that has no rows.
    """
    columns = {**profile.features, ANSWERS: profile.answers}
    counted = {name: tally.answers if name == ANSWERS else tally.features.get(name, []) for name in columns}
    pairs = {
        name: (np.array(column.counts, dtype=float), np.array(counted[name], dtype=float))
        for name, column in columns.items()
        if len(counted[name]) == len(column.counts) and any(counted[name])
    }
    raw = {name: _tests(columns[name], *pair) for name, pair in pairs.items()}
    number = max(1, sum(map(len, raw.values())))
    return [
        Found(
            name=name,
            column=columns[name],
            counts=tuple(counted[name]),
            tests={test: min(1.0, probability * number) for test, probability in raw[name].items()},
            stability=_stability(*pairs[name]),
            moved=_moved(columns[name], *pairs[name]),
            needed=rows_needed(int(pairs[name][0].sum()), number),
        )
        for name in pairs
    ]


def rows_needed(reference: int, tests: int) -> int | None:
    """How many rows show a shift of `SHIFT` deviations of a mean with `POWER`; None where no number does.

    Args:
        reference: rows of training.
        tests: of one look, over which its false alarms are counted.
    """
    effective = ((stats.norm.isf(FALSE_ALARMS / tests / 2) + stats.norm.isf(1 - POWER)) / SHIFT) ** 2
    return None if reference <= effective else math.ceil(1 / (1 / effective - 1 / reference))


def _tests(column: Column, ours: np.ndarray, theirs: np.ndarray) -> dict[str, float]:
    """Probabilities by test, each for itself."""
    tests = {}
    if isinstance(column, Bins):
        before, now = ours[:-1], theirs[:-1]
        if before.sum() and now.sum():
            tests = {"mean": _mean_test(np.array(column.centers), before, now), "distribution": _ks_test(before, now)}
        if ours[-1] or theirs[-1]:
            table = [[ours[-1], before.sum()], [theirs[-1], now.sum()]]
            tests["missing"] = float(stats.fisher_exact(np.array(table, dtype=int)).pvalue)
        return tests
    return {"values": _chi_squared_test(ours, theirs)}


def _mean_test(centers: np.ndarray, before: np.ndarray, now: np.ndarray) -> float:
    """Two-sided, of the means of two samples whose values are known by their bins."""
    together = before + now
    mean = together @ centers / together.sum()
    variance = together @ (centers - mean) ** 2 / together.sum()
    if variance == 0:
        return 1.0
    shift = now @ centers / now.sum() - before @ centers / before.sum()
    return float(2 * stats.norm.sf(abs(shift) / math.sqrt(variance * (1 / now.sum() + 1 / before.sum()))))


def _ks_test(before: np.ndarray, now: np.ndarray) -> float:
    """Kolmogorov and Smirnov's, at the edges of the bins, between which more could differ: so rather too careful."""
    distance = np.abs(np.cumsum(before) / before.sum() - np.cumsum(now) / now.sum()).max()
    effective = 1 / (1 / before.sum() + 1 / now.sum())
    return float(stats.kstwobign.sf(distance * math.sqrt(effective)))


def _chi_squared_test(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Of a table of two rows; values that are rare in both together are counted as one."""
    together = ours + theirs
    expected = together * min(ours.sum(), theirs.sum()) / together.sum()
    rare = (expected < LEAST_EXPECTED) & (together > 0)
    table = np.array([[*each[~rare & (together > 0)], each[rare].sum()] for each in (ours, theirs)])
    table = table[:, table.sum(axis=0) > 0]
    return float(stats.chi2_contingency(table, correction=False).pvalue) if table.shape[1] > 1 else 1.0


def _stability(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Half a row is added to each bin, so that an empty one does not make it endless."""
    before, now = ((each + 0.5) / (each.sum() + 0.5 * len(each)) for each in (ours, theirs))
    return float(((now - before) * np.log(now / before)).sum())


def _moved(column: Column, ours: np.ndarray, theirs: np.ndarray) -> str:
    """What moved, and by how much."""
    missing = ours[-1] / ours.sum(), theirs[-1] / theirs.sum()
    parts = [f"missing {missing[0]:.1%} → {missing[1]:.1%}"] if missing[0] != missing[1] else []
    if isinstance(column, Bins):
        if theirs[:-1].sum():
            mean = theirs[:-1] @ np.array(column.centers) / theirs[:-1].sum()
            by = f" ({(mean - column.mean) / column.deviation:+.2f} deviations)" if column.deviation else ""
            parts.insert(0, f"mean {column.mean:.6g} → {mean:.6g}{by}")
        outside = theirs[0] + theirs[-2]
        parts += [f"{outside / theirs.sum():.1%} outside the training range"] if outside else []
        return "; ".join(parts)
    return "; ".join([*_shares(column, ours, theirs), *parts])


def _shares(column: Values, ours: np.ndarray, theirs: np.ndarray) -> Sequence[str]:
    """The value whose share changed most, the others among them."""
    before, now = ours[:-1] / ours.sum(), theirs[:-1] / theirs.sum()
    place = int(np.argmax(np.abs(now - before)))
    name = column.values[place] if place < len(column.values) else "values that training did not see"
    return [f"{name} {before[place]:.1%} → {now[place]:.1%}"]
