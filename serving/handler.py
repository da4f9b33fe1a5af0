"""The Lambda entry point: the model is fetched while the rest is imported, all in the init phase."""

from time import perf_counter

_started = perf_counter()

import json
import os
from typing import Any
from uuid import uuid4

from serving.loader import boot

settings, loader = boot(os.environ)
loader.start()

from mangum import Mangum

from serving.app import create_app
from serving.events import EventInvalid, normalise
from serving.problems import MEDIA_TYPE, problem_content

_app = create_app(loader, settings, import_seconds=perf_counter() - _started)
# Mangum would run the lifespan at every invocation, and would send problems in base64.
_mangum = Mangum(_app, lifespan="off", text_mime_types=["application/json", MEDIA_TYPE, "text/"])
loader.wait()


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Answer one Lambda event, of whichever shape; an event that is none gets a 400."""
    try:
        answer: dict[str, Any] = _mangum(normalise(event), context)
    except EventInvalid as exc:
        given = getattr(context, "aws_request_id", None) or str(uuid4())
        content = problem_content(400, str(exc), given)
        answer = {"statusCode": 400, "headers": {"content-type": MEDIA_TYPE}, "body": json.dumps(content)}
        answer["isBase64Encoded"] = False
    if isinstance(event, dict) and isinstance(event.get("multiValueHeaders"), dict):
        answer["multiValueHeaders"] = {name: [value] for name, value in answer["headers"].items()}
    return answer
