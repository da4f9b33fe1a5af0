"""The join: which captured rows the ids of labels name, ours or the caller's."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from brinery.errors import DataInvalid
from brinery.monitoring.captures import Request

PLACE = re.compile(r"0|[1-9][0-9]{0,7}")  # of a row, as error paths write it
SHOWN = 10
Row = tuple[str, int]  # our id of its request, and its place there


@dataclass
class Joined:
    """Labels by the row that they are of, and how many were of no use."""

    labels: dict[Row, Any] = field(default_factory=dict)
    without_capture: int = 0  # labels
    ambiguous: int = 0  # labels whose id a caller gave to several requests that differ
    refused: int = 0  # labels of rows that were not answered


class Ids:
    """Captured requests by all ids that may name them.

    A row of a request of many is named by the request and its place there, as in `REQUEST/3`; one by itself by the
    request alone. What a caller calls several requests that differ names none of them; equal ones, as of a retry, are
    one.
    """

    def __init__(self, requests: Iterable[Request]) -> None:
        self._ours: dict[str, Request] = {}
        self._clients: defaultdict[str, list[Request]] = defaultdict(list)
        for request in sorted(requests, key=lambda each: (each.at, each.id)):
            self._ours[request.id] = request
            if request.client is not None:
                self._clients[request.client].append(request)

    def rows(self, id: str) -> Row | str:
        """The row that an id names, or why it names none: an attribute of Joined."""
        name, slash, place = id.partition("/")
        request = self._ours.get(name)
        if request is None:
            several = self._clients.get(name, [])
            if not several:
                return "without_capture"
            request = several[0]
            if any(_differs(request, each) for each in several[1:]):
                return "ambiguous"
        if request.of == 1 and not slash:
            row = 0
        elif request.single or not PLACE.fullmatch(place):
            return "without_capture"
        else:
            row = int(place)
        if row not in request.answers:
            return "without_capture"
        return (request.id, row) if "prediction" in request.answers[row] else "refused"


def join(ids: Ids, labels: Mapping[str, Any]) -> Joined:
    """Find the row of each label.

    Raises:
        DataInvalid: two ids name one row, with different labels.
    """
    joined = Joined()
    twice: list[str] = []
    for id, label in labels.items():
        row = ids.rows(id)
        if isinstance(row, str):
            setattr(joined, row, getattr(joined, row) + 1)
        elif joined.labels.setdefault(row, label) != label:
            twice.append(id)
    if twice:
        raise DataInvalid(f"ids name rows that have another label by another id: {_some(twice)}")
    return joined


def _differs(one: Request, other: Request) -> bool:
    same = ("reference", "single", "of", "asked")
    return any(getattr(one, name) != getattr(other, name) for name in same)


def _some(names: Sequence[str]) -> str:
    return ", ".join(map(ascii, names[:SHOWN])) + (", …" if len(names) > SHOWN else "")
