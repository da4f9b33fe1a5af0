"""Problems: errors as RFC 9457 problem details, without HTTP; none of them repeats the input."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

MAX_BYTES = 8 * 1024
REQUEST_ID_BYTES = 120  # that are added to the content where it is sent


class Problem(Exception):
    """An answer that is an error; raised anywhere below a route."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status
        self.content = problem_content(status, detail, errors)
        self.headers = dict(headers or {})
        super().__init__(detail)


def too_many() -> Problem:
    """What a large request is told while others take all the room there is for them."""
    return Problem(503, "too many large requests at once", headers={"Retry-After": "5"})


def problem_content(status: int, detail: str, errors: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
    """`type`, `title`, `status`, `detail`, and at most 10 `errors`; with a `request_id` in 8 KiB of JSON."""
    known = HTTPStatus(status)
    content: dict[str, Any] = {
        "type": f"urn:brinery:problem:{known.name.lower().replace('_', '-')}",
        "title": known.phrase,
        "status": status,
        "detail": _cut(detail, 2000),
    }
    items = [{"path": _cut(path, 1000), "message": _cut(message, 1000)} for path, message in errors[:10]]
    while items and len(json.dumps({**content, "errors": items})) > MAX_BYTES - REQUEST_ID_BYTES:
        items.pop()
    return {**content, "errors": items} if items else content


def _cut(text: str, limit: int) -> str:
    """The text's beginning that takes at most `limit` bytes as JSON, where one letter may take twelve."""
    while (size := len(json.dumps(text))) > limit:
        text = text[: len(text) * limit // size]
    return text
