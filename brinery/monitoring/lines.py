"""Lines of counts as serving prints them, read from logs and summed over a window of time, by version."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from brinery.errors import ReferenceInvalid
from brinery.versions.reference import Reference

MARK = '{"brinery":"counts"'  # begins a line; a log may have put something in front
Count = Annotated[int, Field(ge=0)]


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
    bins: BinsTold | None = None


@dataclass
class Tally:
    """Counts of one version, or of a part of the window."""

    binned: int = 0
    features: dict[str, list[int]] = field(default_factory=dict)
    answers: list[int] = field(default_factory=list)

    def add(self, bins: BinsTold) -> None:
        for name, counts in bins.features.items():
            self.features[name] = _sum(self.features.get(name), counts)
        if bins.answers is not None:
            self.answers = _sum(self.answers or None, bins.answers)
            self.binned += bins.rows


@dataclass
class Window(Tally):
    """What one version answered in a window of time.

    `lost` are rows that were answered, and of which the log has no line.
    """

    requests: int = 0
    rows: int = 0
    warnings: int = 0
    lost: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    unfit: Counter[str] = field(default_factory=Counter)
    first: datetime | None = None
    last: datetime | None = None
    slices: dict[datetime, Tally] = field(default_factory=dict)


@dataclass
class Windows:
    """What was found: the windows by version, pinned, and what could not be used."""

    versions: dict[Reference, Window] = field(default_factory=dict)
    unreadable: int = 0
    doubled: int = 0


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
        slice_seconds: how long the parts of the window are that are summed by themselves, too.
    """
    found, seen = Windows(), set[tuple[Reference, str, int, int]]()
    told: dict[tuple[Reference, str], list[Line]] = {}
    for text in texts:
        if MARK not in text:
            continue
        read = _read(text)
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
        told.setdefault((reference, line.process), []).append(line)
    for (reference, _), lines in told.items():
        window = found.versions.setdefault(reference, Window())
        for line in lines:
            _add(window, line, slice_seconds)
        window.lost += _lost(lines)
    return found


def _read(text: str) -> tuple[Line, Reference] | None:
    try:
        decoded, _ = json.JSONDecoder().raw_decode(text[text.index(MARK) :])
        line = Line.model_validate(decoded)
        name, _, version = line.model.partition(":")
        return line, Reference.of(name, f"{version}@{line.digest}")
    except (ValueError, RecursionError, ValidationError, ReferenceInvalid):
        return None


def _add(window: Window, line: Line, slice_seconds: int) -> None:
    window.requests += line.requests
    window.rows += line.rows
    window.warnings += line.warnings
    window.refused.update(line.refused)
    window.unfit.update(line.unfit)
    window.first = min(window.first or line.start, line.start)
    window.last = max(window.last or line.to, line.to)
    if line.bins:
        window.add(line.bins)
        begin = int(line.to.timestamp()) // slice_seconds * slice_seconds
        window.slices.setdefault(datetime.fromtimestamp(begin, UTC), Tally()).add(line.bins)


def _lost(lines: list[Line]) -> int:
    """Rows of one process between its first and its last line that no line tells of."""
    firsts = sorted((line for line in lines if line.part == 0), key=lambda line: line.line)
    if not firsts:
        return 0
    before = firsts[0].all_rows - firsts[0].rows
    return max(0, firsts[-1].all_rows - before - sum(line.rows for line in firsts))


def _sum(old: list[int] | None, new: list[int]) -> list[int]:
    """Counts of the same bins; of others than before they are taken as those of a line that is not this version's."""
    if old is None:
        return list(new)
    if len(old) != len(new):
        return old
    return [a + b for a, b in zip(old, new, strict=True)]
