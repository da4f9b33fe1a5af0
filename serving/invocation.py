"""Invocations: one function from a Lambda event, of whichever shape, to an answer that Lambda can carry."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from mangum import Mangum
from mangum.types import ASGI

from serving.events import EventInvalid, normalise
from serving.problems import MEDIA_TYPE, problem_content

Answer = dict[str, Any]
# Lambda refuses a larger answer, which its caller would see as a 502.
MAX_ANSWER_BYTES = 6 * 1024 * 1024 - 8 * 1024


def make_handler(app: ASGI) -> Callable[[Any, Any], Answer]:
    """The Lambda handler of an app; it answers every event and raises for none."""
    # Mangum would run the lifespan at every invocation, and would send problems in base64.
    mangum = Mangum(app, lifespan="off", text_mime_types=["application/json", MEDIA_TYPE, "text/"])

    def handler(event: Any, context: Any) -> Answer:
        try:
            answer: Answer = mangum(normalise(event), context)
        except EventInvalid as exc:
            answer = _problem(400, str(exc), context)
        if _size(answer["body"]) > MAX_ANSWER_BYTES:
            answer = _problem(413, "the answer would be larger than Lambda can return; send fewer rows", context)
        if isinstance(event, dict) and isinstance(event.get("multiValueHeaders"), dict):
            answer["multiValueHeaders"] = {name: [value] for name, value in answer["headers"].items()}
        return answer

    return handler


def _problem(status: int, detail: str, context: Any) -> Answer:
    given = getattr(context, "aws_request_id", None) or str(uuid4())
    body = json.dumps(problem_content(status, detail, given))
    return {"statusCode": status, "headers": {"content-type": MEDIA_TYPE}, "body": body, "isBase64Encoded": False}


def _size(body: str) -> int:
    """Bytes of the body once it is a JSON string inside the answer, where each quote takes two."""
    return len(body) + body.count('"') + body.count("\\")
