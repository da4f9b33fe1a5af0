"""Challenges: what lines of counts tell of a champion and its challenger, summed."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from brinery.monitoring.agreement import EDGES

MOST = 10**12  # of anything that is counted
LONGEST = 10_000  # letters of a label
Count = Annotated[int, Field(ge=0, le=MOST)]
Label = Annotated[str, Field(max_length=LONGEST)]


class ChallengerTold(BaseModel):
    """What a line tells of the challenger; see `brinery.monitoring.agreement`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    digest: str
    share: Annotated[float, Field(ge=0, le=1)]
    rows: Count = 0
    refused: Count = 0
    failed: Count = 0
    labels: dict[Label, tuple[Count, Count]] = {}
    pairs: list[tuple[Label, Label, Count]] = []
    differences: Annotated[list[Count], Field(min_length=len(EDGES) + 1, max_length=len(EDGES) + 1)] | None = None


@dataclass
class Compared:
    """Sums of what lines told of one challenger.

    `requests` and `answers`, these as in `Tally`, are the champion's while it was challenged.
    """

    shares: set[float] = field(default_factory=set)
    rows: int = 0
    refused: int = 0
    failed: int = 0
    labels: dict[str, tuple[int, int]] = field(default_factory=dict)
    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    differences: list[int] | None = None
    requests: int = 0
    last: datetime | None = None
    answers: dict[int, list[int]] = field(default_factory=dict)

    def add(self, told: ChallengerTold) -> None:
        self.shares.add(told.share)
        self.rows += told.rows
        self.refused += told.refused
        self.failed += told.failed
        for label, (rows, agreed) in told.labels.items():
            before = self.labels.get(label, (0, 0))
            self.labels[label] = before[0] + rows, before[1] + agreed
        self.pairs.update({(ours, theirs): rows for ours, theirs, rows in told.pairs})
        if told.differences is not None:
            sums = self.differences or [0] * len(told.differences)
            self.differences = [a + b for a, b in zip(sums, told.differences, strict=True)]
