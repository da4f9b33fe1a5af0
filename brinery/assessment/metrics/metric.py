"""A metric: all that is said of it anywhere, in one row of a task's table.

Nothing heavy is imported here, since the keys of models.json are made of the names.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

ROUNDING = 1e-12


@dataclass(frozen=True)
class Metric:
    """One metric of one task.

    `most` is the largest value that it can have, None where it has no end. `scorer` gives scikit-learn's name of it
    for a number of classes. `compute` takes the task's predictions and gives the value, or None where they have none;
    `resample` takes a draw of them, and gives the value of weighted rows.
    """

    name: str
    better: Literal["higher", "lower"]
    needs_probabilities: bool
    most: float | None
    scorer: Callable[[int], str]
    compute: Callable[[Any], float | None]
    resample: Callable[[Any], float]

    @property
    def side(self) -> Literal["least", "most"]:
        """Which of the values that are allowed a limit is, where one version is held to another."""
        return "most" if self.better == "lower" else "least"

    def no_worse(self, value: float, limit: float) -> bool:
        """Whether a value is at the limit or better; what rounding leaves of 0.9 - 0.02 is 0.88."""
        room = ROUNDING * max(1.0, abs(limit))
        return value <= limit + room if self.better == "lower" else value >= limit - room

    def worsened(self, value: float, allowance: float) -> float:
        """A value that is worse by the allowance."""
        return value + allowance if self.better == "lower" else value - allowance
