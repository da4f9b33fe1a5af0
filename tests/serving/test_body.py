"""Bodies: what is held of them together, in one process."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from starlette.requests import Request

from brinery.loading.model import VerifiedModel
from serving.body import SMALL, Bodies, Body, InPieces
from serving.problem import Problem
from tests.serving.conftest import serving

LIMIT = 2 * SMALL


def read(bodies: Bodies, *pieces: bytes) -> Body:
    """A body of these pieces, read and not yet released; where it is refused, released as the route does."""
    left = list(pieces)

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    body = Body(bodies)
    scope = {"type": "http", "method": "POST", "path": "/classify", "headers": []}
    try:
        assert asyncio.get_event_loop().run_until_complete(body.read(Request(scope, receive))) == b"".join(pieces)
    except Problem:
        body.release()
        raise
    return body


def test_bodies_count_until_they_are_released() -> None:
    bodies = Bodies(LIMIT)
    first, second = read(bodies, b"x" * 10, b"y" * 20), read(bodies, b"z")
    assert bodies.held == 31
    second.count(5)
    assert bodies.held == 35
    first.release()
    second.release()
    assert bodies.held == 0


def test_bodies_over_what_is_held_together_are_refused_and_small_ones_are_not() -> None:
    bodies = Bodies(LIMIT)
    held = [read(bodies, b"x" * LIMIT) for _ in range(8)]
    with pytest.raises(Problem, match="too many large requests at once") as refused:
        read(bodies, b"x" * SMALL, b"x")
    assert (refused.value.status, refused.value.headers) == (503, {"Retry-After": "5"})
    held.append(read(bodies, b"x" * SMALL))
    for body in held:
        body.release()
    read(bodies, b"x" * LIMIT).release()
    assert bodies.held == 0


def test_large_answers_are_taken_alone_or_where_there_is_room() -> None:
    bodies = Bodies(LIMIT)
    first, second, third = (Body(bodies) for _ in range(3))
    first.take(20 * LIMIT)
    with pytest.raises(Problem, match="too many large requests at once"):
        second.take(SMALL + 1)
    third.take(SMALL)
    first.release()
    second.take(7 * LIMIT)
    assert bodies.held == 7 * LIMIT + SMALL


@pytest.mark.slow
@pytest.mark.parametrize(("data", "status"), [([13.1] * 20_000, 200), ([13.1] * 19_999 + ["x"], 422)])
def test_large_requests_one_after_the_other_leave_nothing_held(
    models: Callable[..., VerifiedModel], data: list[object], status: int
) -> None:
    body = json.dumps({"data": data})
    client = serving(models("alcohol"), max_body_bytes=len(body), max_rows=20_000)
    for _ in range(10):
        assert client.request("POST", "/classify", content=body).status_code == status
    for _ in range(10):
        assert client.request("POST", "/classify", content=body + " ").status_code == 413
    for _ in range(10):
        assert client.request("POST", "/classify", content=body).status_code == status


def test_answer_counts_until_its_last_piece_is_taken() -> None:
    bodies = Bodies(LIMIT)
    content = bytes(range(256)) * 1024
    answer = InPieces(content, read(bodies, b"x"))
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        assert bodies.held == len(content)
        sent.append(message)

    asyncio.get_event_loop().run_until_complete(answer({}, None, send))  # type: ignore[arg-type]
    assert bodies.held == 0
    assert b"".join(message.get("body", b"") for message in sent) == content
    assert [message.get("more_body") for message in sent] == [None, True, True, True, False]
    assert dict(sent[0]["headers"])[b"content-length"] == b"262144"


def test_answer_that_is_not_taken_counts_no_more() -> None:
    bodies = Bodies(LIMIT)

    async def send(message: Any) -> None:
        raise OSError("the client is gone")

    answer = InPieces(b"x" * 10, read(bodies, b"x"))
    with pytest.raises(OSError, match="gone"):
        asyncio.get_event_loop().run_until_complete(answer({}, None, send))  # type: ignore[arg-type]
    assert bodies.held == 0
