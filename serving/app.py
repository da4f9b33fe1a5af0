"""The HTTP API: one FastAPI app for Lambda, uvicorn and SageMaker."""

import json
import logging
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from fastapi import FastAPI, Request, Response
from fastapi.telemetry import TelemetryConfig
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from brinery.errors import BrineryError, FormatMissing
from brinery.loading.model import VerifiedModel
from serving.answer import Watching, answer, as_json, identity
from serving.body import JSON, Bodies, Body, InPieces
from serving.counts import Counts
from serving.headers import CARD, NOSNIFF
from serving.loader import Loader, NotServing
from serving.media import CSV, LINES, MEDIA, as_body, as_written, exchanged
from serving.problem import Problem
from serving.reason import log_error
from serving.settings import MEGABYTE, Settings
from serving.turns import Turns, is_large

if TYPE_CHECKING:
    from serving.capture import Capture, Captured
    from serving.challenger import Challenger, Content
    from serving.traces import Traces

log = logging.getLogger("brinery.serving")

# FastAPI would look at every request whether OpenTelemetry has been set up meanwhile.
NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
TRANSFORMS = 2  # large requests at once: one is read or written while another is answered
PROBLEM_TYPE = "application/problem+json"
REQUEST_ID = re.compile(r"[A-Za-z0-9._:=-]{1,100}")
Answering = Callable[[Request], Awaitable[ASGIApp]]


def create_app(
    loader: Loader,
    settings: Settings,
    import_seconds: float = 0.0,
    snapshot: bool = False,
    alone: bool = False,
    challenger: "Challenger | None" = None,
) -> FastAPI:
    """The app over one loader.

    Args:
        import_seconds: how long the process took to import its code, told by `/model/version`.
        alone: requests come one at a time, as on Lambda.
        snapshot: that, and the load, were the work of the process that this one is a copy of, and no cold start's.
        challenger: answers beside the model of the loader, or in its place.
    """
    traces = None
    if settings.collector is not None:
        from serving.traces import Traces

        traces = Traces(settings.service or settings.model_name or "brinery")
    capture = None
    if settings.capture:
        from serving.capture import Capture

        capture = Capture(settings.capture, settings.capture_log_group)
    service = _Service(loader, settings, import_seconds, snapshot, traces, capture, challenger)
    telemetry: TelemetryConfig = {**NO_TELEMETRY, "tracing": traces is not None}
    routes: list[tuple[str, str, Answering]] = [
        ("/classify", "POST", partial(service.answer, task="classification")),
        ("/predict", "POST", service.answer),
        ("/invocations", "POST", partial(service.answer, media=MEDIA)),
        ("/model/version", "GET", service.version),
        ("/model/card", "GET", service.card),
        ("/", "GET", service.docs),
        ("/docs", "GET", service.docs),
        ("/openapi.json", "GET", service.openapi),
        ("/healthz", "GET", service.healthz),
        ("/readyz", "GET", service.readyz),
        ("/ping", "GET", service.readyz),
        ("/execution-parameters", "GET", service.execution_parameters),
    ]
    if settings.jobs is not None:
        from serving.jobs import JobRoutes

        jobs = JobRoutes(settings.jobs, settings.max_rows, service.bodies, service.model, alone, traces is not None)
        routes += [("/jobs", "POST", jobs.submit), ("/jobs/{id}", "GET", jobs.show)]
    app = FastAPI(
        title="Brinery",
        openapi_url=None,
        redirect_slashes=False,
        telemetry=telemetry,
        routes=[Route(path, _Endpoint(answer), methods=[method]) for path, method, answer in routes],
    )
    _answer_with_problems(app)
    app.state.end = service.end
    app.state.after = service.after if traces or capture else None
    return app


class _Endpoint:
    """An ASGI app that answers a request; a function alone would be wrapped to handle exceptions, as the app does."""

    def __init__(self, answer: Answering) -> None:
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(Request(scope, receive, send))
        await response(scope, receive, send)


class _Service:
    """The routes, over the model of one loader."""

    def __init__(
        self,
        loader: Loader,
        settings: Settings,
        import_seconds: float,
        snapshot: bool,
        traces: "Traces | None",
        capture: "Capture | None",
        challenger: "Challenger | None",
    ) -> None:
        self._loader = loader
        self._challenger = challenger
        self._traces = traces
        self._capture = capture
        self._settings = settings
        self.bodies = Bodies(settings.max_body_bytes)
        self._turns = Turns()
        self._import_seconds = import_seconds
        self._snapshot = snapshot
        self._counted: Counts | None = None

    async def answer(self, request: Request, task: str | None = None, media: Collection[str] = ()) -> ASGIApp:
        """The answer to rows, from a model of this task where one is asked for, and in one of other media."""
        begun, body = perf_counter(), Body(self.bodies)
        try:
            data = await body.read(request, media)
            given, out = exchanged(request) if media else (JSON, JSON)
            model = self._loader.model or await self.model()
            if task not in (None, model.task.kind):
                raise Problem(404, f"the model's task is {model.task.kind}, not {task}; ask it by POST /predict")
            partly = _says(request, "partial", default=False)
            if partly and out == CSV:
                raise Problem(400, f"partial answers are written as {JSON} or {LINES}, not as {CSV}")
            captured = self._drawn(request)
            ask = _Ask(data, self._settings.max_rows, partly, given, out, captured)
            if is_large(len(data), model):
                counts, status, content = await self._turns.take(partial(self._asked, ask, model, request))
            else:
                counts, status, content = self._asked(ask, model, request)
        except BaseException as exc:
            body.release()
            if isinstance(exc, Problem) and self._loader.model is not None:
                self._counts(self._loader.model).request(exc.status, perf_counter() - begun)
            raise
        counts.request(status, perf_counter() - begun)
        if isinstance(content, bytes):
            return InPieces(content, body, out, headers={"x-request-id": captured.request} if captured else {})
        body.release()
        return _problem(request, status, content)

    def _drawn(self, request: Request) -> "Captured | None":
        """The request, where it is to be captured."""
        return self._capture.draw(_lambda_id(request), _client_id(request)) if self._capture else None

    def _asked(self, ask: "_Ask", model: VerifiedModel, request: Request) -> "tuple[Counts, int, Content]":
        """Ask the model, or what challenges it; the counts of what answered, the status, and the answer."""
        counts, may = self._counted or self._counts(model), _says(request, "challenger", default=True)
        if self._challenger is None:
            return counts, *ask(model, counts)
        return self._challenger.answer(model, counts, ask, request.headers.get("x-request-key"), barred=not may)

    def _counts(self, model: VerifiedModel) -> Counts:
        if self._counted is None:
            start = None if self._snapshot else {"import": self._import_seconds, **model.timings}
            self._counted = Counts(model, self._settings.service, start)
        return self._counted

    def after(self) -> None:
        """Write what was captured and send the spans, before Lambda has the answer and freezes the process."""
        if self._capture is not None:
            self._capture.flush()
        if self._traces is not None:
            self._traces.flush()

    def end(self) -> None:
        """Print the counts that have not been told yet, write what was captured, and send the spans."""
        if self._challenger is not None:
            self._challenger.end()
        if self._counted is not None:
            self._counted.end()
        if self._capture is not None:
            self._capture.end()
        if self._traces is not None:
            self._traces.end()

    async def version(self, request: Request) -> Response:
        model = await self.model()
        seconds = {"import": self._import_seconds, **model.timings}
        start = "snapshot_seconds" if self._snapshot else "cold_start_seconds"
        spent = {start: {name: round(value, 4) for name, value in seconds.items()}}
        return _json(_about(model, self._settings.model_record) | {"challenger": self._challenged_by()} | spent)

    def _challenged_by(self) -> dict[str, Any] | None:
        """The challenger where it is verified, and the share of requests that it answers."""
        model = self._challenger.model if self._challenger else None
        if model is None or self._challenger is None:
            return None
        about = {"version": model.reference.version, "digest": f"sha256:{model.reference.digest}"}
        return {**about, "format": model.format, "share": self._challenger.share}

    async def card(self, request: Request) -> Response:
        model = await self.model()
        try:
            page = await run_in_threadpool(model.card)
        except FormatMissing as exc:
            raise Problem(404, "the version has no model card") from exc
        except BrineryError as exc:
            log_error(exc)
            raise Problem(
                503, "the model card could not be read or verified; the log says why", headers={"Retry-After": "5"}
            ) from exc
        return Response(bytes(page), headers=CARD, media_type="text/html; charset=utf-8")

    async def docs(self, request: Request) -> Response:
        from serving.docs import docs_headers, render_docs  # which people ask for, and no request for an answer

        base, jobs = request.scope["root_path"], self._settings.jobs is not None
        try:
            text = render_docs(await self.model(), base=base, jobs=jobs)
        except Problem as problem:
            text = render_docs(None, problem.content["detail"], base, jobs)
        return Response(text, headers=docs_headers(), media_type="text/html; charset=utf-8")

    async def openapi(self, request: Request) -> Response:
        from serving.openapi import describe  # which generators ask for

        return _json(describe(self._loader.model, request.scope["root_path"], self._settings.jobs is not None))

    async def healthz(self, request: Request) -> Response:
        return _json({"status": "ok"})

    async def readyz(self, request: Request) -> Response:
        return _json({"status": "ready", "model": identity(await self.model())})

    async def execution_parameters(self, request: Request) -> Response:
        """What a transform job of SageMaker sends where its maker did not say: many rows a request, a few requests."""
        megabytes = max(1, self._settings.max_body_bytes // MEGABYTE)
        return _json(
            {"MaxConcurrentTransforms": TRANSFORMS, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": megabytes}
        )

    async def model(self) -> VerifiedModel:
        if self._loader.model is not None:
            return self._loader.model
        try:
            return await run_in_threadpool(self._loader.get)
        except NotServing as exc:
            raise Problem(503, str(exc), headers={"Retry-After": str(exc.retry_after)}) from exc


@dataclass(slots=True)
class _Ask:
    """Rows as they were given, and how they are to be answered; called with the model that is to answer them."""

    data: bytes
    max_rows: int
    partial: bool
    given: str
    out: str
    captured: "Captured | None"

    def __call__(self, model: VerifiedModel, watching: Watching) -> "tuple[int, Content]":
        """The status, and the answer in the media asked for, or the problem's content."""
        try:
            body = as_body(self.given, self.data, model.manifest.features)
        except Problem as problem:
            return problem.status, problem.content
        status, content = answer(model, body, self.max_rows, self.partial, watching)
        if status != 200:
            return status, content
        if self.captured is not None:
            self.captured.take(model, body, content)
        return status, as_json(content) if self.out == JSON else as_written(self.out, content)


def _says(request: Request, name: str, default: bool) -> bool:
    """What a parameter of the address says: `partial`, that a row without an answer leaves the others theirs, or
    `challenger`, whether that may answer."""
    given = request.query_params.get(name) if request.scope["query_string"] else None
    if given not in (None, "true", "false"):
        raise Problem(400, f"{name} must be true or false")
    return default if given is None else given == "true"


def _about(model: VerifiedModel, record: str | None) -> dict[str, Any]:
    manifest = model.manifest
    return {
        **identity(model),
        "digest": f"sha256:{model.reference.digest}",
        "pinned": model.pinned,
        "record": record,
        "format": model.format,
        "description": manifest.description,
        "metrics": dict(manifest.metrics),
        "trained_at": manifest.trained_at.isoformat().replace("+00:00", "Z"),
        "git_commit": manifest.git.commit,
        "libraries": dict(manifest.libraries),
    }


def _json(content: Any) -> Response:
    return Response(as_json(content), headers=NOSNIFF, media_type="application/json")


def _problem(
    request: Request, status: int, content: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Response:
    body = json.dumps({**content, "request_id": _request_id(request)})
    return Response(body, status, {**NOSNIFF, **(headers or {})}, PROBLEM_TYPE)


def _request_id(request: Request) -> str:
    """Lambda's request id, else the caller's X-Request-Id, else a new one."""
    return _lambda_id(request) or _client_id(request) or str(uuid4())


def _lambda_id(request: Request) -> str | None:
    given = getattr(request.scope.get("aws.context"), "aws_request_id", None) or ""
    return given if REQUEST_ID.fullmatch(given) else None


def _client_id(request: Request) -> str | None:
    """The caller's own, where it is of plain characters."""
    given = request.headers.get("x-request-id", "")
    return given if REQUEST_ID.fullmatch(given) else None


def _answer_with_problems(app: FastAPI) -> None:
    """Make every error of an app a problem: our own, the router's, and, as a last resort, any other."""

    @app.exception_handler(Problem)
    async def on_problem(request: Request, exc: Problem) -> Response:
        return _problem(request, exc.status, exc.content, exc.headers)

    @app.exception_handler(HTTPException)
    async def on_http_exception(request: Request, exc: HTTPException) -> Response:
        details = {404: "there is nothing at this path", 405: "this path does not take this method"}
        problem = Problem(exc.status_code, details.get(exc.status_code, "the request could not be answered"))
        return _problem(request, exc.status_code, problem.content, exc.headers)

    @app.exception_handler(Exception)
    async def on_exception(request: Request, exc: Exception) -> Response:
        log.error("an unexpected error", exc_info=exc, extra={"error": type(exc).__name__})
        return _problem(request, 500, Problem(500, "an unexpected error; it was logged").content)
