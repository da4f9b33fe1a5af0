"""The estimate without labels: how often answers of such probabilities were right on held-out rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from brinery.errors import DataInvalid
from brinery.tasks.classification import CalibrationBin, ClassificationDetails
from brinery.versions.manifest import Interval, Manifest

RESAMPLES = 2000


@dataclass(frozen=True)
class Estimate:
    """The accuracy that is expected of so many rows, with its 95 % interval; an estimate, and no measurement."""

    rows: int
    accuracy: float
    interval: Interval


def calibration_of(manifest: Manifest) -> tuple[CalibrationBin, ...]:
    """A version's table of how often its answers were right by their probability.

    Raises:
        DataInvalid: it has none; the message says why.
    """
    details, name = manifest.evaluation.details, f"{manifest.name}:{manifest.version}"
    if not isinstance(details, ClassificationDetails):
        raise DataInvalid(f"{name} is a regressor, of which no quality can be estimated without --labels")
    if "log_loss" not in manifest.metrics:
        raise DataInvalid(f"{name} gives no probabilities, by which its quality could be estimated; give --labels")
    if details.calibration is None:
        raise DataInvalid(f"{name} was published before versions had a table of calibration; give --labels")
    return details.calibration


def estimate(calibration: Sequence[CalibrationBin], sure: np.ndarray, seed: int = 0) -> Estimate:
    """The share that is expected to be right.

    The interval is of both resampled: of the rows, and of how many held-out ones were right in each bin, by Jeffreys'
    law, so that a bin in which all were right is no certainty.

    Args:
        sure: the probability of what each row was answered with, shape (rows,).
    """
    random = np.random.default_rng(seed)
    least = np.array([each.least for each in calibration])
    rows, right = (np.array([getattr(each, name) for each in calibration], dtype=float) for name in ("rows", "right"))
    places = np.clip(np.searchsorted(least, sure, side="right") - 1, 0, None)
    shares = np.bincount(places, minlength=len(least)) / len(sure)
    expected = float(shares @ (right / rows))
    drawn = random.multinomial(len(sure), shares, RESAMPLES) / len(sure)
    held_out = random.beta(right + 0.5, rows - right + 0.5, (RESAMPLES, len(least)))
    low, high = np.percentile((drawn * held_out).sum(axis=1), (2.5, 97.5))
    return Estimate(len(sure), expected, (min(float(low), expected), max(float(high), expected)))
