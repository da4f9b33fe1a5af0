"""Captures: rows and answers of a share of the requests, logged as lines of JSON so that they can be looked at later.

They are what callers sent, and so as personal as that. `registry quality` and `registry answered` read them.
"""

import json
import logging
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from jiter import from_json

from brinery.loading.model import VerifiedModel
from serving.writer import Writer

LINE = 200_000  # bytes of a line, about: the rows beyond have lines of their own
END_SECONDS = 5.0  # that what waits is written in where the server ends
OF_THE_REQUEST = ("model", "warnings")  # and not of the answer to its row

log = logging.getLogger("brinery.serving")
_dumped = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def print_lines(lines: Sequence[str]) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


class Capture:
    """Draws requests at random, and logs what was asked in them and answered; any thread may use it."""

    def __init__(self, share: float, group: str | None = None, out: Callable[[Sequence[str]], None] | None = None):
        """Nothing connects, and no thread begins, before the first line.

        Args:
            group: the log group in CloudWatch that lines go to, or None for standard output.
            out: takes lines, in place of these two.
        """
        self._share = share
        if out is None and group is not None:
            from serving.log_group import LogGroup

            out = LogGroup(group)
        self._writer = Writer(out or print_lines)

    def draw(self, given: str | None, client: str | None) -> "Captured | None":
        """A request that is to be captured, or None.

        Args:
            given: its id, where Lambda gives one.
            client: the id by which its caller knows it.
        """
        if random.random() >= self._share:  # noqa: S311 (no secret)
            return None
        return Captured(given or str(uuid4()), client, self._share, self._writer)

    def flush(self) -> None:
        """Wait for what is to be written, as a Lambda function must before it answers and is frozen."""
        self._writer.flush()

    def end(self) -> None:
        self._writer.flush(END_SECONDS)


class Captured:
    """One request that was drawn; `request` is our id of it."""

    def __init__(self, request: str, client: str | None, share: float, writer: Writer) -> None:
        self.request = request
        self._client, self._share, self._writer = client, share, writer
        self._at = datetime.now(UTC)

    def take(self, model: VerifiedModel, body: bytes, content: dict[str, Any]) -> None:
        """Log the rows of a body `{"data": …}` that was answered with this content; no answer fails for it."""
        try:
            self._writer.put(list(self._lines(model, from_json(body)["data"], content)))
        except Exception as exc:
            log.warning("a request could not be captured", exc_info=exc, extra={"error": type(exc).__name__})

    def _lines(self, model: VerifiedModel, data: Any, content: dict[str, Any]) -> Iterator[str]:
        single = "predictions" not in content
        answer = {name: value for name, value in content.items() if name not in OF_THE_REQUEST}
        rows, answers = ([data], [answer]) if single else (data, content["predictions"])
        about = _dumped(
            {
                "brinery": "capture",
                "request": self.request,
                "client": self._client,
                "at": self._at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "share": self._share,
                "model": f"{model.reference.name}:{model.reference.version}",
                "digest": f"sha256:{model.reference.digest}",
                "format": model.format,
                "single": single,
                "of": len(rows),
            }
        )
        first = 0
        for texts in _parts(rows, answers):
            yield f'{about[:-1]},"first":{first},"rows":[{",".join(texts[0])}],"answers":[{",".join(texts[1])}]}}'
            first += len(texts[0])


def _parts(rows: Sequence[Any], answers: Sequence[Any]) -> Iterator[tuple[list[str], list[str]]]:
    """Rows and answers as JSON, as many together as fit into a line."""
    part: tuple[list[str], list[str]] = [], []
    size = 0
    for row, answer in zip(rows, answers, strict=True):
        texts = _row(row), _dumped(answer)
        more = len(texts[0]) + len(texts[1])
        if size and size + more > LINE:
            yield part
            part, size = ([], []), 0
        part[0].append(texts[0])
        part[1].append(texts[1])
        size += more
    yield part


def _row(row: Any) -> str:
    """A row as JSON; one that was refused may hold what JSON cannot say, and is null then."""
    try:
        return _dumped(row)
    except (ValueError, RecursionError):
        return "null"
