"""Drift: whether what is served still looks like what training saw, told from bins alone, with few false alarms."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from brinery.monitoring.lines import Tally
from brinery.monitoring.sketch import Bins, Column, Profile, Values
from brinery.rows.dates import text_of_days

FALSE_ALARMS = 0.001  # of the looks at data that did not move, over all tests of a look
SHIFT = 0.25  # of a standard deviation, that a look shall see …
POWER = 0.8  # … with this probability
LEAST_EXPECTED = 25.0  # rows in a cell of a chi-squared test, whose law holds at such small probabilities then
ANSWERS = "answers"  # what they are called

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
    of_answers: bool = False

    @property
    def rows(self) -> int:
        """Of the window."""
        return sum(self.counts)

    @property
    def chance(self) -> float:
        """The least of the tests' probabilities; 1 where there is no test."""
        return min(self.tests.values(), default=1.0)

    @property
    def shares(self) -> np.ndarray:
        """Of the rows of training, and of the window, in each bin, shape (2, bins)."""
        pairs = np.array([self.column.counts, self.counts], dtype=float)
        return np.asarray(pairs / np.maximum(pairs.sum(axis=1, keepdims=True), 1))

    @property
    def verdict(self) -> Verdict:
        if self.chance < FALSE_ALARMS:
            return "drift"
        return "no drift" if self.needed is not None and self.rows >= self.needed else "cannot tell"


def look(profile: Profile, tally: Tally, dates: Collection[str] = ()) -> list[Found]:
    """Compare a window with the profile of its version: each feature in order, and the answers last.

    Bins that are not the profile's are left out.

    Args:
        dates: names of the features that are dates.
    """
    columns = [(name, column, tally.features.get(name, {})) for name, column in profile.features.items()]
    columns.append((ANSWERS, profile.answers, tally.answers))
    pairs = []
    for _, column, counted in columns:
        counts = counted.get(len(column.counts), [0] * len(column.counts))
        pairs.append((np.array(column.counts, dtype=float), np.array(counts, dtype=float)))
    raw = [_tests(column, *pair) if pair[1].sum() else {} for (_, column, _), pair in zip(columns, pairs, strict=True)]
    number = max(1, sum(map(len, raw)))
    return [
        Found(
            name=name,
            column=column,
            counts=tuple(map(int, pair[1])),
            tests={test: min(1.0, probability * number) for test, probability in tests.items()},
            stability=_stability(*pair),
            moved=_moved(column, *pair, is_date=name in dates) if pair[1].sum() else "no rows",
            needed=rows_needed(int(pair[0].sum()), number),
            of_answers=place == len(profile.features),
        )
        for place, ((name, column, _), pair, tests) in enumerate(zip(columns, pairs, raw, strict=True))
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
    if isinstance(column, Values):
        return _of_values(ours, theirs)
    tests, before, now = {}, ours[:-1], theirs[:-1]
    if before.sum() and now.sum():
        tests = {
            "mean": _mean_test(np.array(column.centers), before, now),
            "distribution": _ks_test(before, now),
            "range": _range_test(before.sum(), now.sum(), now[0] + now[-1]),
        }
    if ours[-1] or theirs[-1]:
        tests["missing"] = _exact([[ours[-1], before.sum()], [theirs[-1], now.sum()]])
    return tests


def _exact(table: Sequence[Sequence[float]]) -> float:
    """Fisher's test of two rows and two columns."""
    return float(stats.fisher_exact(np.array(table, dtype=int)).pvalue)


def _mean_test(centers: np.ndarray, before: np.ndarray, now: np.ndarray) -> float:
    """Two-sided, of the means of two samples whose values are known by their bins.

    Where values are skewed or far off, a few rows deviate more often than the normal law has it: the probability is
    raised by the first terms of Cramér's series (Cramér 1938; Petrov, Sums of Independent Random Variables, VIII).
    """
    scale = np.abs(centers).max() or 1.0
    values, together = centers / scale, before + now
    total, n, reference = together.sum(), now.sum(), before.sum()
    mean = together @ values / total
    variance = together @ (values - mean) ** 2 / total
    if variance == 0:
        return 1.0
    shift = now @ values / n - before @ values / reference
    z = float(abs(shift) / math.sqrt(variance * (1 / n + 1 / reference)))
    normed = (values - mean) / math.sqrt(variance)
    few = min(n, reference)
    skewness = abs(float(together @ normed**3 / total)) / math.sqrt(few)
    excess = max(0.0, float(together @ normed**4 / total) - 3) / few
    return min(1.0, math.exp(min(0.0, math.log(2) + stats.norm.logsf(z) + skewness * z**3 / 6 + excess * z**4 / 24)))


def _range_test(before: float, now: float, outside: float) -> float:
    """Of so many rows beyond all of training: the chance that the outermost of all rows, on either side, are of now."""
    rows = np.arange(min(outside, 10_000))
    chance = float(np.log((now - rows) / (now + before - rows)).sum())
    return min(1.0, math.exp(min(0.0, chance + math.log(outside + 1))))


def _ks_test(before: np.ndarray, now: np.ndarray) -> float:
    """Kolmogorov and Smirnov's, at the edges of the bins, between which more could differ: so rather too careful."""
    distance = np.abs(np.cumsum(before) / before.sum() - np.cumsum(now) / now.sum()).max()
    effective = 1 / (1 / before.sum() + 1 / now.sum())
    return float(stats.kstwobign.sf(distance * math.sqrt(effective)))


def _of_values(ours: np.ndarray, theirs: np.ndarray) -> dict[str, float]:
    """The chi-squared test of the values that are common in both together, the others as one of them, and of each rare
    value Fisher's."""
    together = ours + theirs
    expected = together * min(ours.sum(), theirs.sum()) / together.sum()
    rare = (expected < LEAST_EXPECTED) & (together > 0)
    common = [*np.flatnonzero(~rare & (together > 0))]
    tests = {}
    if len(common) > 1 or (common and rare.any()):
        table = np.array([[*each[common], each[rare].sum()] for each in (ours, theirs)])
        few = table[:, -1].sum() * min(ours.sum(), theirs.sum()) / together.sum() < LEAST_EXPECTED
        table = table[:, :-1] if few else table
        if table.shape[1] > 1:
            tests["values"] = float(stats.chi2_contingency(table, correction=False).pvalue)
    if rare.any():
        each = [
            _exact([[a, ours.sum() - a], [b, theirs.sum() - b]]) for a, b in zip(ours[rare], theirs[rare], strict=True)
        ]
        tests["rare values"] = min(1.0, min(each) * len(each))
    return tests


def _stability(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Half a row is added to each bin, so that an empty one does not make it endless."""
    before, now = ((each + 0.5) / (each.sum() + 0.5 * len(each)) for each in (ours, theirs))
    return float(((now - before) * np.log(now / before)).sum())


def _moved(column: Column, ours: np.ndarray, theirs: np.ndarray, is_date: bool) -> str:
    """What moved, and by how much."""
    missing = ours[-1] / ours.sum(), theirs[-1] / theirs.sum()
    parts = [f"missing {missing[0]:.1%} → {missing[1]:.1%}"] if missing[0] != missing[1] else []
    if isinstance(column, Bins):
        if theirs[:-1].sum():
            mean = float((theirs[:-1] / theirs[:-1].sum()) @ np.array(column.centers))
            by = f" ({(mean - column.mean) / column.deviation:+.2f} deviations)" if column.deviation else ""
            texts = [text_of_days(math.floor(each)) if is_date else f"{each:.6g}" for each in (column.mean, mean)]
            parts.insert(0, f"mean {' → '.join(texts)}{by}")
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
