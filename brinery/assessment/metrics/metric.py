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

    `least` and `most` are the ends of its range, None where it has none. `scorer` gives scikit-learn's name of it for a
    number of classes. `compute` takes the task's predictions and gives the value, or None where they have none;
    `resample` takes a draw of them, and gives the value of weighted rows. `needs` says what predictions lack that have
    none.
    """

    name: str
    better: Literal["higher", "lower"]
    least: float | None
    most: float | None
    scorer: Callable[[int], str]
    compute: Callable[[Any], float | None]
    resample: Callable[[Any], float]
    needs: str = ""

    @property
    def is_share(self) -> bool:
        """Whether it is a number from 0 to 1."""
        return (self.least, self.most) == (0.0, 1.0)

    @property
    def side(self) -> Literal["least", "most"]:
        """Which of the values that are allowed a limit is, where one version is held to another."""
        return "most" if self.better == "lower" else "least"

    def no_worse(self, value: float, limit: float) -> bool:
        """Whether a value is at the limit or better; what rounding leaves of 0.9 - 0.02 is 0.88."""
        room = ROUNDING * max(abs(value), abs(limit))
        return value <= limit + room if self.better == "lower" else value >= limit - room

    def worsened(self, value: float, allowance: float) -> float:
        """A value that is worse by the allowance."""
        return value + allowance if self.better == "lower" else value - allowance
