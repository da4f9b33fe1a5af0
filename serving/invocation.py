"""Invocations: one function from a Lambda event, of whichever shape, to an answer that Lambda can carry."""

import json
from collections.abc import Callable
from selectors import DefaultSelector, SelectorKey
from typing import Any
from uuid import uuid4

from mangum import Mangum
from mangum.types import ASGI, Response, Scope

from serving.events import EventInvalid, read_event
from serving.headers import NOSNIFF
from serving.problem import problem_content

Answer = dict[str, Any]
# Lambda refuses a larger answer, which its caller would see as a 502.
MAX_ANSWER_BYTES = 6 * 1024 * 1024 - 8 * 1024


class AnyEvent:
    """Mangum's view of an event: it takes all of them, and gives the same answer to all."""

    def __init__(self, event: Any, context: Any, config: Any) -> None:
        self._request = read_event(event)
        self._context = context
        self._several = isinstance(event, dict) and isinstance(event.get("multiValueHeaders"), dict)

    @classmethod
    def infer(cls, event: Any, context: Any, config: Any) -> bool:
        return True

    @property
    def body(self) -> bytes:
        return self._request.body

    @property
    def scope(self) -> Scope:
        request = self._request
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": "https",
            "path": request.base + request.path,
            "raw_path": None,
            "root_path": request.base,
            "query_string": request.query.encode(),
            "headers": [[name.encode(), value.encode()] for name, value in request.headers.items()],
            "server": ("lambda", 443),
            "client": ("127.0.0.1", 0),
            "aws.context": self._context,
            "brinery.caller": request.caller,
        }

    def __call__(self, response: Response) -> Answer:
        """All that this app answers is text."""
        headers = {name.decode(): value.decode() for name, value in response["headers"]}
        answer = _answer(response["status"], headers, response["body"].decode())
        body = answer["body"]
        if 2 * len(body) > MAX_ANSWER_BYTES and _size(body) > MAX_ANSWER_BYTES:
            cure = "ask for parts, as by Range: bytes=0-3999999" if "accept-ranges" in headers else "send fewer rows"
            detail = f"the answer would be larger than Lambda can return; {cure}"
            answer = _problem(413, detail, self._context)
        if self._several:
            answer["multiValueHeaders"] = {name: [value] for name, value in answer["headers"].items()}
        return answer


class WaitsAlone(DefaultSelector):
    """Asks the system what has happened where the event loop has to wait, and not at each of its turns as well.

    A Lambda function answers one request at a time, and nothing comes to its event loop but the end of a thread's work.
    """

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        return [] if timeout == 0 else super().select(timeout)


def make_handler(app: ASGI, after: Callable[[], object] | None = None) -> Callable[[Any, Any], Answer]:
    """The Lambda handler of an app; it answers every event and raises for none.

    Args:
        after: called before each answer is given to Lambda, which freezes the process then.
    """
    mangum = Mangum(app, lifespan="off", custom_handlers=[AnyEvent])  # else the lifespan runs at every invocation

    def handler(event: Any, context: Any) -> Answer:
        try:
            return mangum(event, context)
        except EventInvalid as exc:
            return _problem(400, str(exc), context)
        finally:
            if after is not None:
                after()

    return handler


def _problem(status: int, detail: str, context: Any) -> Answer:
    given = getattr(context, "aws_request_id", None) or str(uuid4())
    body = json.dumps({**problem_content(status, detail), "request_id": given})
    return _answer(status, {"content-type": "application/problem+json", **NOSNIFF}, body)


def _answer(status: int, headers: dict[str, str], body: str) -> Answer:
    return {"statusCode": status, "headers": headers, "body": body, "isBase64Encoded": False}


def _size(body: str) -> int:
    """Bytes of the body once it is a JSON string inside the answer, where each quote takes two."""
    return len(body) + body.count('"') + body.count("\\")
