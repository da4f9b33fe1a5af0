"""Lines of captures, printed by serving's own code."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from brinery.loading.model import VerifiedModel
from serving.answer import answer
from serving.capture import Captured
from serving.writer import Writer

REQUESTS = iter(range(10**9))


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
    lines: list[str] = []

    def take(written: Sequence[str]) -> None:
        lines.extend(written)

    writer = Writer(take)
    asked = Captured(request or f"request-{next(REQUESTS)}", client, share, writer)
    asked._at = at or asked._at
    asked.take(model, body, content)
    writer.flush(60)
    return lines
