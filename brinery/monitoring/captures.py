"""Captures as serving logs them, read from logs: which rows were asked in which request, and what was answered."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    StringConstraints,
    ValidationError,
    model_validator,
)

from brinery.errors import ReferenceInvalid
from brinery.monitoring.logs import is_believed, lines_of_kind, reference_told
from brinery.versions.reference import Reference

KIND = "capture"
LONGEST = 16_000_000  # characters of a line, more than a request's largest row and its answer
MOST = 10**7  # rows of a request
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:=-]{1,100}$")]


class Line(BaseModel):
    """One line: the rows of a request from `first` on, of as many as `of` says, and what each was answered with."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    brinery: Literal["capture"]
    request: Identifier
    client: Identifier | None = None
    at: AwareDatetime
    share: Annotated[FiniteFloat, Field(gt=0, le=1)]
    model: str
    digest: str
    format: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,40}$")]
    single: bool
    of: Annotated[int, Field(ge=1, le=MOST)]
    first: Annotated[int, Field(ge=0, le=MOST)]
    rows: Annotated[list[Any], Field(min_length=1)]
    answers: list[dict[str, Any]]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.rows) != len(self.answers) or self.first + len(self.rows) > self.of:
            raise ValueError("it has not an answer for each row, or more rows than the request")
        if self.single and self.of != 1:
            raise ValueError("one row by itself is one")
        return self


@dataclass
class Request:
    """What is known of one captured request.

    `single` says that it asked for one row by itself, `of` how many rows it had. `rows` and `answers` are by the place
    of the row in the request; of rows only those are kept that were asked for. `asked` identifies what was asked and
    answered by the place of each part.
    """

    id: str
    client: str | None
    at: datetime
    reference: Reference
    format: str
    single: bool
    of: int
    rows: dict[int, Any] = field(default_factory=dict)
    answers: dict[int, dict[str, Any]] = field(default_factory=dict)
    asked: dict[int, str] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Whether all its rows are there."""
        return len(self.answers) == self.of


@dataclass
class Captures:
    """What was found: requests by their ids, and what could not be used.

    `contradicted` are requests of which two lines tell different things; they are left out.
    """

    requests: dict[str, Request] = field(default_factory=dict)
    shares: Counter[float] = field(default_factory=Counter)  # lines by the share of requests that was captured
    unreadable: int = 0
    doubled: int = 0
    contradicted: set[str] = field(default_factory=set)
    seen: int = 0  # requests of all models and ids in the window

    @property
    def torn(self) -> int:
        """Requests of which not all rows are there."""
        return sum(not request.whole for request in self.requests.values())

    @property
    def lines(self) -> dict[str, int]:
        """What could not be used, for machines."""
        return {
            "unreadable": self.unreadable,
            "doubled": self.doubled,
            "contradicted": len(self.contradicted),
            "torn": self.torn,
        }

    @property
    def notes(self) -> list[str]:
        """… and for people."""
        told = (
            (self.unreadable, "lines of captures could not be read"),
            (len(self.contradicted), "requests are left out, of which lines tell different things"),
            (self.torn, "requests are not whole, as lines of them are missing"),
        )
        return [f"{count:,} {what}" for count, what in told if count]


def read_captures(
    texts: Iterable[str],
    model: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    request: str | None = None,
) -> Captures:
    """Gather the captures of a window by request; each line counts once, in whatever order they come.

    Args:
        texts: lines of logs, of which others than those of captures are left alone.
        model: only its requests.
        until: the end of the window, for which it is now; lines of later days are not believed.
        request: only those of that id, ours or the caller's, with their rows.
    """
    found, ids = Captures(), set[str]()
    for text in lines_of_kind(texts, KIND):
        read = _read(text, until)
        if read is None:
            found.unreadable += 1
            continue
        line, reference = read
        if (since and line.at < since) or (until and line.at >= until) or model not in (None, reference.name):
            continue
        ids.add(line.request)
        found.shares[line.share] += 1
        if request in (None, line.request, line.client):
            _add(found, line, reference, request is not None)
    found.seen = len(ids)
    for each in found.contradicted:
        found.requests.pop(each, None)
    return found


def _read(text: str, until: datetime | None) -> tuple[Line, Reference] | None:
    if len(text) > LONGEST:
        return None
    try:
        decoded, _ = json.JSONDecoder().raw_decode(text)
        line = Line.model_validate(decoded)
        reference = reference_told(line.model, line.digest)
    except (ValueError, RecursionError, ValidationError, ReferenceInvalid):
        return None
    return (line, reference) if is_believed(line.at, until) else None


def _add(found: Captures, line: Line, reference: Reference, with_rows: bool) -> None:
    fresh = Request(line.request, line.client, line.at, reference, line.format, line.single, line.of)
    request = found.requests.setdefault(line.request, fresh)
    same = ("client", "reference", "format", "single", "of")
    asked = hashlib.sha256(json.dumps([line.rows, line.answers], sort_keys=True).encode()).hexdigest()
    if any(getattr(request, name) != getattr(fresh, name) for name in same):
        found.contradicted.add(line.request)
    elif request.asked.get(line.first) == asked:
        found.doubled += 1
    elif any(line.first + place in request.answers for place in range(len(line.rows))):
        found.contradicted.add(line.request)
    else:
        request.asked[line.first] = asked
        request.answers |= dict(enumerate(line.answers, line.first))
        if with_rows:
            request.rows |= dict(enumerate(line.rows, line.first))
