"""The routes of jobs: what is submitted, and what became of it."""

import json
import os
import re
from collections.abc import Awaitable, Callable
from functools import partial
from threading import Lock
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from brinery.errors import BrineryError, StoreError
from brinery.jobs.job import Job, time_text
from brinery.jobs.open import open_jobs
from brinery.jobs.settings import JobSettings
from brinery.jobs.submit import JobExpired, Jobs, JobUnknown, KeyReused
from brinery.loading.model import VerifiedModel
from serving.answer import refuse_misshapen
from serving.body import JSON, Bodies, Body, InPieces
from serving.headers import NOSNIFF
from serving.problem import Problem
from serving.reason import log_error

KEY = re.compile(r'"?([\x21\x23-\x5b\x5d-\x7e][\x20\x21\x23-\x5b\x5d-\x7e]{0,254})"?')
RANGE = re.compile(r"bytes=(\d{1,15})-(\d{1,15})?")
KEY_RULE = "Idempotency-Key must be one text of at most 255 printable ASCII letters, such as a UUID"


class JobRoutes:
    """The two routes; the jobs are opened by the first request that asks for one."""

    def __init__(
        self,
        settings: JobSettings,
        max_rows: int,
        bodies: Bodies,
        model: Callable[[], Awaitable[VerifiedModel]],
        alone: bool = False,
        traced: bool = False,
    ) -> None:
        """The routes over what `settings` name.

        Args:
            alone: requests come one at a time, so that none needs a thread in which it waits for the services.
            traced: what they do has spans.
        """
        self._run = _directly if alone else run_in_threadpool
        self._settings = settings
        self._traced = traced
        self._max_rows = max_rows
        self._bodies = bodies
        self._model = model
        self._opened: Jobs | None = None
        self._lock = Lock()

    async def submit(self, request: Request) -> Response:
        """202 once the input, the item and the message are stored, and not before."""
        body = Body(self._bodies)
        try:
            data, key = await body.read(request), _key(request)
            refuse_misshapen(data, self._max_rows, "; `score` answers more")
            model = await self._model()
            submit = partial(self._submit, model, data, key, _caller(request))
            id = await self._run(_translated, submit)
        finally:
            body.release()
        location = f"{request.scope.get('root_path', '')}/jobs/{id}"
        content = json.dumps({"id": id, "state": "queued"})
        return Response(content, 202, {**NOSNIFF, "location": location}, media_type=JSON)

    async def show(self, request: Request) -> InPieces:
        """The state of a job, with its answer or its problem once it has ended."""
        body, find = Body(self._bodies), partial(self._find, request.path_params["id"], _caller(request))
        try:
            job = await self._run(_translated, find)
            if job.ended is not None:
                body.take(job.ended.result.size)
            content = await self._run(_translated, partial(self._shown, job))
            status, headers, part = _part(content, request.headers.get("range", ""))
        except BaseException:
            body.release()
            raise
        return InPieces(part, body, JSON, status, {**headers, "cache-control": "no-store", "accept-ranges": "bytes"})

    def _submit(self, model: VerifiedModel, data: bytes, key: str | None, caller: str | None) -> str:
        return self._jobs().submit(model.reference, data, key, caller)

    def _find(self, id: str, caller: str | None) -> Job:
        return self._jobs().find(id, caller)

    def _shown(self, job: Job) -> bytes:
        about = json.dumps(_about(job), separators=(",", ":")).encode()
        if job.ended is None:
            return about
        name = b"answer" if job.ended.state == "done" else b"problem"
        # As it was stored, which is JSON: an answer of many rows is not parsed again.
        return about[:-1] + b',"' + name + b'":' + job.ended.result.read(self._jobs().work) + b"}"

    def _jobs(self) -> Jobs:
        with self._lock:
            if self._opened is None:
                self._opened = open_jobs(self._settings, os.environ)
                if self._traced:
                    from serving.traces import traced_jobs

                    self._opened = traced_jobs(self._opened)
            return self._opened


async def _directly[Answer](ask: Callable[..., Answer], *arguments: Any) -> Answer:
    return ask(*arguments)


def _about(job: Job) -> dict[str, Any]:
    about = {"id": job.id, "state": job.state, "accepted_at": time_text(job.accepted)}
    return {**about, "ended_at": time_text(job.ended.at)} if job.ended else about


def _part(content: bytes, asked: str) -> tuple[int, dict[str, str], bytes]:
    """The status, the headers and what is sent of it: the bytes that a Range header asks for, else all.

    So an answer can be read that is larger than Lambda returns at once.
    """
    found, size = RANGE.fullmatch(asked), len(content)
    first, end = (int(found[1]), min(int(found[2] or size), size - 1) + 1) if found else (0, size)
    if found is None or (found[2] and int(found[2]) < first):
        return 200, {}, content
    if first >= size:
        detail = f"the job's state has {size} bytes; Range begins at {first}"
        raise Problem(416, detail, headers={"Content-Range": f"bytes */{size}"})
    return 206, {"content-range": f"bytes {first}-{end - 1}/{size}"}, content[first:end]


def _translated[Answer](ask: Callable[[], Answer]) -> Answer:
    """What is asked, with the library's errors as problems."""
    try:
        return ask()
    except KeyReused as exc:
        raise Problem(422, str(exc)) from exc
    except JobUnknown as exc:
        raise Problem(404, str(exc)) from exc
    except JobExpired as exc:
        raise Problem(410, str(exc)) from exc
    except BrineryError as exc:
        log_error(exc)
        detail = "jobs cannot be reached; a repeat with the same Idempotency-Key is the same job"
        detail = detail if isinstance(exc, StoreError) else "jobs cannot be used; the log says why"
        raise Problem(503, detail, headers={"Retry-After": "5"}) from exc


def _key(request: Request) -> str | None:
    given = request.headers.getlist("idempotency-key")
    if not given:
        return None
    found = KEY.fullmatch(given[0])
    if len(given) > 1 or found is None or given[0].startswith('"') != given[0].endswith('"'):
        raise Problem(400, KEY_RULE)
    return found[1]


def _caller(request: Request) -> str | None:
    """Who asks, as the API in front has found out."""
    caller: str | None = request.scope.get("brinery.caller")
    return caller
