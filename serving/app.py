"""The HTTP API: one FastAPI app for Lambda, uvicorn and SageMaker."""

import gc
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.telemetry import TelemetryConfig
from pydantic_core import from_json
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from brinery.errors import FormatMissing, RegistryError, RowInvalid, TooManyRows
from brinery.loading.model import Prediction, VerifiedModel
from serving.docs import render_docs
from serving.loader import Loader, NotServing
from serving.openapi import describe
from serving.problems import Problem, answer_with_problems
from serving.settings import Settings

# FastAPI would look at every request whether OpenTelemetry has been set up meanwhile.
NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}


def create_app(loader: Loader, settings: Settings, import_seconds: float = 0.0) -> FastAPI:
    """The app over one loader.

    Args:
        import_seconds: how long the process took to import its code, told by `/model/version`.
    """
    service = _Service(loader, settings, import_seconds)
    app = FastAPI(title="Brinery", docs_url=None, redoc_url=None, redirect_slashes=False, telemetry=NO_TELEMETRY)
    app.openapi = lambda: describe(loader.model)  # type: ignore[method-assign]
    for path, methods, answer in (
        ("/classify", ["POST"], service.classify),
        ("/invocations", ["POST"], service.classify),
        ("/model/version", ["GET"], service.version),
        ("/model/card", ["GET"], service.card),
        ("/docs", ["GET"], service.docs),
        ("/healthz", ["GET"], service.healthz),
        ("/readyz", ["GET"], service.readyz),
        ("/ping", ["GET"], service.readyz),
    ):
        app.add_route(path, answer, methods=methods)
    answer_with_problems(app)
    return app


class _Service:
    """The routes, over the model of one loader."""

    def __init__(self, loader: Loader, settings: Settings, import_seconds: float) -> None:
        self._loader = loader
        self._settings = settings
        self._import_seconds = import_seconds

    async def classify(self, request: Request) -> Response:
        body = await _body(request, self._settings.max_body_bytes)
        model = await self._model()
        with _collector_paused():
            outcome = _classified(model, body, self._settings.max_rows)
        if isinstance(outcome, Problem):
            raise outcome
        return outcome

    async def version(self, request: Request) -> Response:
        return _json(_about(await self._model(), self._import_seconds))

    async def card(self, request: Request) -> Response:
        model = await self._model()
        try:
            page = await run_in_threadpool(model.card)
        except FormatMissing as exc:
            raise Problem(404, str(exc)) from exc
        except RegistryError as exc:
            raise Problem(503, str(exc), headers={"Retry-After": "5"}) from exc
        return Response(bytes(page), media_type="text/html; charset=utf-8")

    async def docs(self, request: Request) -> Response:
        return Response(render_docs(self._loader.model), media_type="text/html; charset=utf-8")

    async def healthz(self, request: Request) -> Response:
        return _json({"status": "ok"})

    async def readyz(self, request: Request) -> Response:
        return _json({"status": "ready", "model": _name(await self._model())})

    async def _model(self) -> VerifiedModel:
        if self._loader.model is not None:
            return self._loader.model
        try:
            return await run_in_threadpool(self._loader.get)
        except NotServing as exc:
            raise Problem(503, str(exc), headers={"Retry-After": str(exc.retry_after)}) from exc


async def _body(request: Request, limit: int) -> bytes:
    """The request's body, once its type says JSON; reading stops at the limit."""
    media, _, parameters = request.headers.get("content-type", "application/json").lower().partition(";")
    media = media.strip()
    if media != "application/json" and not (media.startswith("application/") and media.endswith("+json")):
        raise Problem(415, "the content-type must be application/json")
    if "charset=" in parameters and "utf-8" not in parameters and "us-ascii" not in parameters:
        raise Problem(415, "the charset must be utf-8")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem(415, "the body must not be encoded; send it without a content-encoding")
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise Problem(413, f"the body is larger than {limit} bytes")
    except ClientDisconnect as exc:
        raise Problem(400, "the client went away before the end of the body") from exc
    return bytes(body)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Decoded JSON holds no cycles, and the collector would scan a large body over and over."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _classified(model: VerifiedModel, body: bytes, max_rows: int) -> Response | Problem:
    """The answer or the problem; returned, not raised, so that nothing keeps the decoded body alive."""
    try:
        return _json(_answer(model, model.classify(_data(body), max_rows)))
    except Problem as problem:
        return problem.with_traceback(None)
    except TooManyRows as exc:
        return Problem(413, str(exc))
    except RowInvalid as exc:
        return Problem(422, f"the input does not fit the features of {model.manifest.name}", errors=exc.errors)


def _data(body: bytes) -> Any:
    """What stands under `data` in the body."""
    try:
        decoded = from_json(body)
    except ValueError as exc:
        raise Problem(400, f"the body is not JSON: {_ascii(exc)}") from exc
    if not isinstance(decoded, dict) or "data" not in decoded:
        raise Problem(422, 'the body must be an object {"data": …}', errors=[("/data", "is missing")])
    if len(decoded) > 1:
        raise Problem(422, 'the body must be an object {"data": …}', errors=[("", 'only "data" is allowed')])
    return decoded["data"]


def _answer(model: VerifiedModel, prediction: Prediction) -> dict[str, Any]:
    answers: list[dict[str, Any]] = [{"prediction": label} for label in prediction.labels]
    if prediction.probabilities is not None:
        for answer, row in zip(answers, prediction.probabilities.tolist(), strict=True):
            answer["probabilities"] = dict(zip(model.class_keys, row, strict=True))
    body: dict[str, Any] = answers[0] if prediction.single else {"predictions": answers}
    body["model"] = _name(model)
    if prediction.warnings:
        body["warnings"] = [warning._asdict() for warning in prediction.warnings]
    return body


def _about(model: VerifiedModel, import_seconds: float) -> dict[str, Any]:
    manifest = model.manifest
    return {
        **_name(model),
        "digest": f"sha256:{model.reference.digest}",
        "pinned": model.pinned,
        "format": model.format,
        "description": manifest.description,
        "metrics": dict(manifest.metrics),
        "trained_at": manifest.trained_at.isoformat().replace("+00:00", "Z"),
        "git_commit": manifest.git.commit,
        "libraries": dict(manifest.libraries),
        "cold_start_seconds": {
            "import": round(import_seconds, 4),
            **{k: round(v, 4) for k, v in model.timings.items()},
        },
    }


def _name(model: VerifiedModel) -> dict[str, Any]:
    return {"name": model.manifest.name, "version": model.manifest.version}


def _json(content: Any) -> Response:
    return Response(json.dumps(content, separators=(",", ":")), media_type="application/json")


def _ascii(exc: Exception) -> str:
    return str(exc).encode("ascii", "backslashreplace").decode()[:200]
