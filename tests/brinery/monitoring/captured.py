"""Lines of captures, printed by serving's own code."""

import json
from datetime import datetime
from typing import Any

from brinery.loading.model import VerifiedModel
from serving.answer import answer
from serving.capture import Captured
from serving.writer import Writer

REQUESTS = iter(range(10**9))
LINES: list[str] = []
WRITER = Writer(LINES.extend)


def captured(
    model: VerifiedModel,
    data: Any,
    request: str | None = None,
    client: str | None = None,
    at: datetime | None = None,
    share: float = 1.0,
    partial: bool = False,
) -> list[str]:
    """The lines of a request, which is answered first."""
    body = json.dumps({"data": data}).encode()
    status, content = answer(model, body, 100_000, partial)
    assert status == 200, content
    LINES.clear()
    asked = Captured(request or f"request-{next(REQUESTS)}", client, share, WRITER)
    asked._at = at or asked._at
    asked.take(model, body, content)
    WRITER.flush(60)
    return list(LINES)
