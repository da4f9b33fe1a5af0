"""Errors as RFC 9457 problem details; none of them repeats the input."""

import json
import logging
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from uuid import uuid4

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

log = logging.getLogger("brinery.serving")

MAX_BYTES = 8 * 1024
MEDIA_TYPE = "application/problem+json"
REQUEST_ID = re.compile(r"[A-Za-z0-9._:=-]{1,100}")


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
        self.detail = detail
        self.errors = errors
        self.headers = dict(headers or {})
        super().__init__(detail)


def problem_content(
    status: int, detail: str, request_id: str, errors: Sequence[tuple[str, str]] = ()
) -> dict[str, object]:
    """`type`, `title`, `status`, `detail`, `request_id`, and at most 10 `errors`; in 8 KiB of JSON."""
    known = HTTPStatus(status)
    content: dict[str, object] = {
        "type": f"urn:brinery:problem:{known.name.lower().replace('_', '-')}",
        "title": known.phrase,
        "status": status,
        "detail": _cut(detail, 2000),
        "request_id": request_id,
    }
    items = [{"path": _cut(path, 1000), "message": _cut(message, 1000)} for path, message in errors[:10]]
    while items and len(json.dumps({**content, "errors": items})) > MAX_BYTES:
        items.pop()
    return {**content, "errors": items} if items else content


def _cut(text: str, limit: int) -> str:
    """The text's beginning that takes at most `limit` bytes as JSON, where one letter may take twelve."""
    while (size := len(json.dumps(text))) > limit:
        text = text[: len(text) * limit // size]
    return text


def problem_response(request: Request, problem: Problem) -> Response:
    """The answer for a problem."""
    content = problem_content(problem.status, problem.detail, request_id(request), problem.errors)
    return Response(json.dumps(content), problem.status, problem.headers, MEDIA_TYPE)


def answer_with_problems(app: FastAPI) -> None:
    """Make every error of an app a problem: our own, the router's, and, as a last resort, any other."""

    @app.exception_handler(Problem)
    async def on_problem(request: Request, exc: Problem) -> Response:
        return problem_response(request, exc)

    @app.exception_handler(HTTPException)
    async def on_http_exception(request: Request, exc: HTTPException) -> Response:
        details = {404: "there is nothing at this path", 405: "this path does not take this method"}
        detail = details.get(exc.status_code, "the request could not be answered")
        return problem_response(request, Problem(exc.status_code, detail, headers=exc.headers))

    @app.exception_handler(Exception)
    async def on_exception(request: Request, exc: Exception) -> Response:
        log.error("an unexpected error", exc_info=exc, extra={"error": type(exc).__name__})
        return problem_response(request, Problem(500, "an unexpected error; it was logged"))


def request_id(request: Request) -> str:
    """Lambda's request id, else the caller's X-Request-Id, else a new one."""
    context = request.scope.get("aws.context")
    given = getattr(context, "aws_request_id", None) or request.headers.get("x-request-id", "")
    return given if REQUEST_ID.fullmatch(given) else str(uuid4())
