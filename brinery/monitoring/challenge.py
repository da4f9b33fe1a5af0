"""Challenges: what lines of counts tell of a champion and its challenger, summed."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from brinery.monitoring.agreement import EDGES
from brinery.monitoring.logs import reference_told
from brinery.versions.reference import Reference

MOST = 10**12  # of anything that is counted
LONGEST = 10_000  # letters of a label
Count = Annotated[int, Field(ge=0, le=MOST)]
Label = Annotated[str, Field(max_length=LONGEST)]


class OtherTold(BaseModel):
    """The other version that a line names: of a challenger's, the champion in whose place it answers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    digest: str
    share: Annotated[float, Field(ge=0, le=1)]

    @property
    def reference(self) -> Reference:
        """The version.

        Raises:
            ReferenceInvalid: it is none.
        """
        return reference_told(self.model, self.digest)


class ChallengerTold(OtherTold):
    """What a line tells of the challenger; see `brinery.monitoring.agreement`."""

    rows: Count = 0
    refused: Count = 0
    failed: Count = 0
    labels: dict[Label, tuple[Count, Count]] = {}
    pairs: list[tuple[Label, Label, Count]] = []
    differences: Annotated[list[Count], Field(min_length=len(EDGES) + 1, max_length=len(EDGES) + 1)] | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        of_labels = sum(rows for rows, _ in self.labels.values())
        if any(agreed > rows for rows, agreed in self.labels.values()) or of_labels not in (0, self.rows):
            raise ValueError("its labels are not of its rows")
        if sum(self.differences or ()) > self.rows:
            raise ValueError("its differences are not of its rows")
        return self


@dataclass
class Answered:
    """Requests that one of two versions answered in turns, and its answers, these as in `Tally`."""

    requests: int = 0
    answers: dict[int, list[int]] = field(default_factory=dict)


@dataclass
class Compared(Answered):
    """Sums of what the champion's lines told of one challenger at a share of 0, or above it.

    `requests` and `answers` are the champion's meanwhile.
    """

    shares: set[float] = field(default_factory=set)
    rows: int = 0
    refused: int = 0
    failed: int = 0
    labels: dict[str, tuple[int, int]] = field(default_factory=dict)
    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    differences: list[int] | None = None
    last: datetime | None = None

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
