"""Media: what rows and answers may be written as at SageMaker's `/invocations`, beside JSON: JSON lines and CSV."""

import json
from collections.abc import Sequence
from typing import Any

from jiter import from_json
from starlette.requests import Request

from brinery.rows.feature import Feature
from serving.body import JSON, media_of
from serving.problem import Problem

LINES, CSV = "application/jsonlines", "text/csv"
MEDIA = (JSON, LINES, CSV)
TRUTHS = {"true": True, "false": False}


def exchanged(request: Request) -> tuple[str, str]:
    """The media that the rows came in, and the first that the caller accepts, or else the same."""
    sent = media_of(request)
    given = sent if sent in MEDIA else JSON
    asked = (part.partition(";")[0].strip().lower() for part in request.headers.get("accept", "").split(","))
    return given, next((each for each in asked if each in MEDIA), given)


def as_body(media: str, body: bytes, features: Sequence[Feature]) -> bytes:
    """The rows of a body as the JSON of a request, `{"data": [row, …]}`.

    A line of JSON is a row; a line of CSV has the values in the order of the features, without a header, where nothing
    is a missing value.

    Raises:
        Problem: 400, a line that is none.
    """
    if media == JSON:
        return body
    try:
        text = body.decode()
    except UnicodeDecodeError as exc:
        raise Problem(400, f"the body must be UTF-8; byte {exc.start} is none") from exc
    rows = _lines(text) if media == LINES else _records(text, features)
    return json.dumps({"data": rows}).encode()


def as_written(media: str, content: dict[str, Any]) -> bytes:
    """An answer: its predictions alone, a line each, where it is not JSON.

    A line of CSV has the prediction, and then the probabilities in the order of the classes, or the interval's ends.
    """
    answers = content["predictions"] if "predictions" in content else [content]
    if media == LINES:
        return "".join(f"{json.dumps(answer, separators=(',', ':'))}\n" for answer in answers).encode()
    import csv  # of few callers, and not at a cold start
    import io

    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(map(_record, answers))
    return out.getvalue().encode()


def _lines(text: str) -> list[Any]:
    rows = []
    for number, line in enumerate(text.removesuffix("\n").split("\n"), 1):
        try:
            rows.append(from_json(line.encode(), catch_duplicate_keys=True))
        except ValueError as exc:
            raise Problem(400, f"line {number} of the body must be a row as JSON, with no name twice") from exc
    return rows


def _records(text: str, features: Sequence[Feature]) -> list[list[Any]]:
    import csv
    import io

    try:
        records = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as exc:
        raise Problem(400, f"the body must be CSV: {exc}") from exc
    if records and records[0] == [feature.name for feature in features]:
        raise Problem(400, "the first line of the body holds the features' names; it must be a row, as all others")
    return [[_cell(cell, j, features) for j, cell in enumerate(record)] for record in records]


def _cell(cell: str, place: int, features: Sequence[Feature]) -> Any:
    if cell == "":
        return None
    of_truths = place < len(features) and features[place].kind == "boolean"
    return TRUTHS.get(cell, cell) if of_truths else cell


def _record(answer: dict[str, Any]) -> list[Any]:
    prediction = answer["prediction"]
    shown = json.dumps(prediction) if isinstance(prediction, bool) else prediction
    return [shown, *answer.get("probabilities", {}).values(), *answer.get("interval", ())]
