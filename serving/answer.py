"""Answers: from the bytes of a request to a status and a JSON object, for whatever carries them."""

import gc
import json
from collections.abc import Sequence
from threading import Lock
from typing import Any, Protocol

from jiter import from_json

from brinery.errors import RowInvalid, TooManyRows
from brinery.loading.model import Prediction, VerifiedModel
from serving.problem import Problem, problem_content

_dumped = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
PIECE = 500  # rows that are written at once, for a few milliseconds in which no other thread can run
SMALL = 4 * 1024  # bytes of a body of which the collector has little to scan


class Watching(Protocol):
    """Told of each request's rows, as they were given and as they were answered."""

    def answered(self, prediction: Prediction, data: Any) -> None: ...

    def refused(self, errors: Sequence[tuple[str, str]]) -> None: ...


def answer(
    model: VerifiedModel, body: bytes, max_rows: int, partial: bool = False, watching: Watching | None = None
) -> tuple[int, dict[str, Any]]:
    """The status, and the answer or the problem's content; returned, not raised, so that nothing keeps the body alive.

    Args:
        body: JSON, an object {"data": …}.
        max_rows: more rows are a 413.
        partial: a row of a list that has no answer gets a problem in its place, and the others are answered.
    """
    if len(body) <= SMALL:
        return _answer(model, body, max_rows, partial, watching)
    with _collector:
        return _answer(model, body, max_rows, partial, watching)


def _answer(
    model: VerifiedModel, body: bytes, max_rows: int, partial: bool, watching: Watching | None
) -> tuple[int, dict[str, Any]]:
    try:
        data = _data(body)
        prediction = model.answer(data, max_rows, partial)
        if watching:
            watching.answered(prediction, data)
        return 200, _written(model, prediction)
    except Problem as problem:
        return problem.status, problem.content
    except TooManyRows as exc:
        return 413, problem_content(413, str(exc))
    except RowInvalid as exc:
        if watching:
            watching.refused(exc.errors)
        return 422, _unfit(model, exc.errors)


def as_json(content: dict[str, Any]) -> bytes:
    """The JSON of an answer; of many predictions in pieces, between which other threads can run."""
    rows = content.get("predictions", [])
    if len(rows) <= PIECE:
        return _dumped(content).encode()
    rest = {name: value for name, value in content.items() if name != "predictions"}
    pieces = [_dumped(rows[start : start + PIECE])[1:-1] for start in range(0, len(rows), PIECE)]
    return f'{{"predictions":[{",".join(pieces)}],{_dumped(rest)[1:]}'.encode()


def identity(model: VerifiedModel) -> dict[str, Any]:
    """Which version answers."""
    return {"name": model.reference.name, "version": model.reference.version}


def _data(body: bytes) -> Any:
    """What stands under `data` in the body."""
    try:
        decoded = from_json(body, catch_duplicate_keys=True)
    except ValueError as exc:
        reason = str(exc).encode("ascii", "backslashreplace").decode()[:200]
        twice = " with no name twice in an object" if "duplicate key" in reason else ""
        raise Problem(400, f"the body must be JSON{twice}: {reason}") from exc
    if not isinstance(decoded, dict) or "data" not in decoded:
        raise Problem(422, 'the body must be an object {"data": …}', errors=[("/data", "is missing")])
    if len(decoded) > 1:
        raise Problem(422, 'the body must be an object {"data": …}', errors=[("", 'only "data" is allowed')])
    return decoded["data"]


def refuse_misshapen(body: bytes, max_rows: int, advice: str) -> None:
    """Look at a body no further than for its shape and its number of rows.

    Raises:
        Problem: 400, 413 or 422.
    """
    data = _data(body)
    if isinstance(data, list) and len(data) > max_rows:
        raise Problem(413, f"the request has {len(data)} rows; at most {max_rows} are allowed{advice}")


def _written(model: VerifiedModel, prediction: Prediction) -> dict[str, Any]:
    answers = model.task.written(prediction.answers)
    if prediction.refused:
        rest = iter(answers)
        rows = range(len(answers) + len(prediction.refused))
        refused = {row: _unfit(model, errors) for row, errors in prediction.refused.items()}
        answers = [refused[row] if row in refused else next(rest) for row in rows]
    written: dict[str, Any] = answers[0] if prediction.single else {"predictions": answers}
    written["model"] = identity(model)
    if prediction.warnings:
        written["warnings"] = [warning._asdict() for warning in prediction.warnings]
    return written


def _unfit(model: VerifiedModel, errors: Sequence[tuple[str, str]]) -> dict[str, Any]:
    return problem_content(422, f"the input does not fit the features of {model.manifest.name}", errors)


class _Collector:
    """Pauses Python's collector: decoded JSON holds no cycles, and it would scan a large body over and over.

    Where threads answer at once, it runs again after the last of them.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._answers = 0
        self._collecting = False

    def __enter__(self) -> None:
        with self._lock:
            if self._answers == 0:
                self._collecting = gc.isenabled()
                gc.disable()
            self._answers += 1

    def __exit__(self, *exc: object) -> None:
        with self._lock:
            self._answers -= 1
            if self._answers == 0 and self._collecting:
                gc.enable()


_collector = _Collector()
