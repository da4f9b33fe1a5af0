"""Shares of rows on which two versions differ, with their intervals, and whether these are enough to decide."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from brinery.monitoring.agreement import STEPS
from brinery.monitoring.challenge import Compared

Z = float(stats.norm.isf(0.025))  # of an interval of 95 %
NEAR = 0.1  # deviations of the target within which two numbers count as the same answer
Verdict = Literal["alike", "differ", "cannot tell"]


@dataclass(frozen=True)
class Share:
    """A share of rows, with its interval of 95 %, and what that says of a largest share that is allowed.

    `needed` are the rows in all with which the same share could be told from that; None where no number could.
    """

    rows: int
    part: int
    within: float

    @property
    def value(self) -> float:
        return self.part / self.rows if self.rows else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.value, self.rows) if self.rows else (0.0, 1.0)

    @property
    def verdict(self) -> Verdict:
        low, high = self.interval
        return "alike" if high <= self.within else "differ" if low > self.within else "cannot tell"

    @property
    def needed(self) -> int | None:
        share = self.value if self.rows else 0.0
        for rows in (math.ceil(1.05**power) for power in range(1, 570)):  # to some 10^12, in steps of 5 %
            low, high = wilson(share, rows)
            if high <= self.within or low > self.within:
                return rows
        return None


def wilson(share: float, rows: float) -> tuple[float, float]:
    """The interval of a share of so many rows, of 95 % (Wilson 1927)."""
    middle = (share + Z**2 / (2 * rows)) / (1 + Z**2 / rows)
    half = Z / (1 + Z**2 / rows) * math.sqrt(share * (1 - share) / rows + Z**2 / (4 * rows**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def differing(compared: Compared, within: float) -> tuple[Share, dict[str, Share]]:
    """Of the rows that both were asked: how many they answered otherwise, of all and by the champion's label.

    What the challenger refuses or fails to answer is answered otherwise, by no label.

    Args:
        within: the largest share that is allowed.
    """
    lost = compared.refused + compared.failed
    if compared.differences is not None:
        _, lower, higher = next(each for each in steps_of(compared.differences) if each[0] == NEAR)
        return Share(compared.rows + lost, lower + higher + lost, within), {}
    others = sum(rows - agreed for rows, agreed in compared.labels.values())
    order = sorted(compared.labels.items(), key=lambda each: -each[1][0])
    found = {label: Share(rows, rows - agreed, within) for label, (rows, agreed) in order}
    return Share(compared.rows + lost, others + lost, within), found


def steps_of(differences: Sequence[int] | None) -> list[tuple[float, int, int]]:
    """For each step of a number's difference the rows whose challenger's number is lower, or higher, by more."""
    if differences is None:
        return []
    middle = len(STEPS)
    return [
        (step, sum(differences[: middle - place]), sum(differences[middle + place + 1 :]))
        for place, step in enumerate(STEPS)
    ]


@dataclass(frozen=True)
class Frequency:
    """How often a label was the answer of either version, of rows that each answered for itself."""

    ours: Share
    theirs: Share

    @property
    def difference(self) -> tuple[float, float]:
        """The interval of the challenger's share less the champion's, of 95 % (Newcombe 1998)."""
        one, other = self.theirs, self.ours
        (low, high), (low_of_other, high_of_other) = one.interval, other.interval
        apart = one.value - other.value
        return (
            apart - math.hypot(one.value - low, high_of_other - other.value),
            apart + math.hypot(high - one.value, other.value - low_of_other),
        )

    @property
    def verdict(self) -> Verdict:
        return verdict_of(*self.difference, self.ours.within)


def frequencies(ours: Mapping[str, int], theirs: Mapping[str, int], within: float) -> dict[str, Frequency]:
    """By label, of the rows that each version answered, where these are split between the two."""
    totals = sum(ours.values()), sum(theirs.values())
    if not all(totals):
        return {}
    return {
        label: Frequency(Share(totals[0], ours.get(label, 0), within), Share(totals[1], theirs.get(label, 0), within))
        for label in {**ours, **theirs}
    }


def mean_apart(
    ours: tuple[np.ndarray, np.ndarray], theirs: tuple[np.ndarray, np.ndarray], deviation: float
) -> tuple[float, float]:
    """The interval of 95 % of how much higher the challenger's numbers are in the mean, in deviations.

    Args:
        ours, theirs: rows in the bins of the answers of each version, and what a number in each is, shape (bins,).
    """
    means = [float(counts @ centers / counts.sum()) for counts, centers in (ours, theirs)]
    variance = sum(
        float(counts @ (centers - mean) ** 2 / counts.sum() ** 2)
        for mean, (counts, centers) in zip(means, (ours, theirs), strict=True)
    )
    apart, half = means[1] - means[0], Z * math.sqrt(variance)
    return (apart - half) / deviation, (apart + half) / deviation


def verdict_of(low: float, high: float, within: float) -> Verdict:
    """What the interval of a difference says of a largest one that is allowed, either way."""
    if -within <= low and high <= within:
        return "alike"
    return "differ" if low > within or high < -within else "cannot tell"
