"""Lines of counts as serving prints them, read from logs and summed over a window of time, by version."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from brinery.errors import ReferenceInvalid
from brinery.monitoring.challenge import Answered, ChallengerTold, Compared, Count, OtherTold
from brinery.monitoring.logs import is_believed, lines_of_kind, reference_told
from brinery.versions.reference import Reference

KIND = "counts"


class BinsTold(BaseModel):
    """The bins of a line: counts by feature, and of the answers in the first part of those that were told together."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: Count
    features: dict[str, list[Count]]
    answers: list[Count] | None = None


class Line(BaseModel):
    """What is read of a line; the rest is CloudWatch's."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    brinery: Literal["counts"]
    model: str
    digest: str
    process: str
    line: Count
    part: Count
    start: Annotated[AwareDatetime, Field(alias="from")]
    to: AwareDatetime
    all_rows: Count
    requests: Annotated[Count, Field(alias="Requests")] = 0
    rows: Annotated[Count, Field(alias="Rows")] = 0
    warnings: Annotated[Count, Field(alias="Warnings")] = 0
    refused: dict[str, Count] = {}
    unfit: dict[str, Count] = {}
    challenger: ChallengerTold | None = None
    in_place_of: OtherTold | None = None
    bins: BinsTold | None = None


@dataclass
class Tally:
    """Counts of one version, or of a part of the window; those of a feature by how many bins a line told of it."""

    binned: int = 0
    features: dict[str, dict[int, list[int]]] = field(default_factory=dict)
    answers: dict[int, list[int]] = field(default_factory=dict)

    def add(self, bins: BinsTold) -> None:
        for name, counts in bins.features.items():
            _add(self.features.setdefault(name, {}), counts)
        if bins.answers is not None:
            _add(self.answers, bins.answers)
            self.binned += bins.rows


@dataclass
class Window(Tally):
    """What one version answered in a window of time.

    `shadowed` and `split` are what it told of challengers, at a share of 0 and above it; `in_place_of` is what it
    answered as a challenger, by the champion.
    """

    requests: int = 0
    rows: int = 0
    warnings: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    unfit: Counter[str] = field(default_factory=Counter)
    first: datetime | None = None
    last: datetime | None = None
    served: datetime | None = None  # last, in nobody's place
    slices: dict[datetime, Tally] = field(default_factory=dict)
    shadowed: dict[Reference, Compared] = field(default_factory=dict)
    split: dict[Reference, Compared] = field(default_factory=dict)
    in_place_of: dict[Reference, Answered] = field(default_factory=dict)
    told: dict[str, list[tuple[int, int, int]]] = field(default_factory=dict)  # number, rows and all rows by process

    @property
    def newest(self) -> tuple[datetime, datetime]:
        """What orders versions: who is served comes before who answers in its place."""
        never = datetime.min.replace(tzinfo=UTC)
        return self.served or never, self.last or never

    @property
    def lost(self) -> int:
        """Rows that processes answered between their first and last lines, and that no line tells of."""
        return sum(_lost(sorted(lines)) for lines in self.told.values())


@dataclass
class Windows:
    """What was found: the windows by version, pinned, and what could not be used."""

    versions: dict[Reference, Window] = field(default_factory=dict)
    unreadable: int = 0
    doubled: int = 0

    @property
    def unread(self) -> str:
        """What there is to say of lines that could not be read; nothing where all could."""
        if not self.unreadable:
            return ""
        return f"{self.unreadable:,} line{'s' * (self.unreadable != 1)} of counts could not be read"


def sum_lines(
    texts: Iterable[str],
    model: str,
    since: datetime | None = None,
    until: datetime | None = None,
    slice_seconds: int = 3600,
) -> Windows:
    """Sum the lines of a model that were printed in a window; each counts once, in whatever order they come.

    Args:
        texts: lines of logs, of which others than those of counts are left alone.
        until: the end of the window, for which it is now; lines of later days are not believed.
        slice_seconds: how long the parts of the window are that are summed by themselves, too.
    """
    found, seen = Windows(), set[tuple[Reference, str, int, int]]()
    for text in lines_of_kind(texts, KIND):
        read = _read(text, until)
        if read is None:
            found.unreadable += 1
            continue
        line, reference = read
        if reference.name != model or (since and line.to < since) or (until and line.to >= until):
            continue
        key = (reference, line.process, line.line, line.part)
        if key in seen:
            found.doubled += 1
            continue
        seen.add(key)
        _sum(found.versions.setdefault(reference, Window()), line, slice_seconds)
    return found


def _read(text: str, until: datetime | None) -> tuple[Line, Reference] | None:
    try:
        decoded, _ = json.JSONDecoder().raw_decode(text)
        line = Line.model_validate(decoded)
        reference = reference_told(line.model, line.digest)
        others = [each.reference for each in (line.challenger, line.in_place_of) if each]
        if any(each.name != reference.name for each in others):
            return None
    except (ValueError, RecursionError, ValidationError, ReferenceInvalid):
        return None
    return (line, reference) if is_believed(line.start, until) and is_believed(line.to, until) else None


def _sum(window: Window, line: Line, slice_seconds: int) -> None:
    window.requests += line.requests
    window.rows += line.rows
    window.warnings += line.warnings
    window.refused.update(line.refused)
    window.unfit.update(line.unfit)
    window.first = min(window.first or line.start, line.start)
    window.last = max(window.last or line.to, line.to)
    if line.challenger:
        challenged = window.split if line.challenger.share else window.shadowed
        compared = challenged.setdefault(line.challenger.reference, Compared())
        compared.add(line.challenger)
        compared.last = max(compared.last or line.to, line.to)
        _sum_answered(compared, line)
    if line.in_place_of:
        _sum_answered(window.in_place_of.setdefault(line.in_place_of.reference, Answered()), line)
    else:
        window.served = max(window.served or line.to, line.to)
    if line.part == 0:
        window.told.setdefault(line.process, []).append((line.line, line.rows, line.all_rows))
    if line.bins:
        window.add(line.bins)
        begin = int(line.to.timestamp()) // slice_seconds * slice_seconds
        window.slices.setdefault(datetime.fromtimestamp(begin, UTC), Tally()).add(line.bins)


def _sum_answered(sums: Answered, line: Line) -> None:
    sums.requests += line.requests
    if line.bins and line.bins.answers:
        _add(sums.answers, line.bins.answers)


def _lost(lines: list[tuple[int, int, int]]) -> int:
    """Of the lines of one process, in order."""
    _, rows, total = lines[0]
    return max(0, lines[-1][2] - (total - rows) - sum(rows for _, rows, _ in lines))


def _add(sums: dict[int, list[int]], counts: list[int]) -> None:
    old = sums.get(len(counts))
    sums[len(counts)] = counts if old is None else [a + b for a, b in zip(old, counts, strict=True)]
