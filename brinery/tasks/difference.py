"""How two models' answers to the same rows differ, whatever the task."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Difference:
    """What a task says of two models' answers to so many rows, of which `differing` differ.

    `alike`: within the tolerance of one model in two forms. `largest` is the largest difference of a number, None
    where there is none to compare. `text` and `facts` are the same for people and for machines.
    """

    rows: int
    differing: int
    alike: bool
    largest: float | None
    text: str
    facts: Mapping[str, Any]
