"""Working a job off: from a message to its one end, whoever else does the same."""

import json
import logging
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from brinery.errors import BrineryError, IntegrityError, StoreError, VersionMissing
from brinery.jobs.contents import Contents
from brinery.jobs.job import Ended, Job
from brinery.jobs.queue import id_of
from brinery.jobs.submit import Jobs
from brinery.versions.reference import Reference

log = logging.getLogger("brinery.jobs")

PASSING = (StoreError, VersionMissing)  # what comes back through the queue
Outcome = Literal["done", "failed", "ended before", "no job", "no message"]


class Answering(Protocol):
    """What answers: loads and verifies the version of a pin, and asks it."""

    def answer(self, pin: Reference, body: bytes) -> tuple[int, dict[str, Any]]:
        """The status, and the answer or the problem's content.

        Raises:
            BrineryError: the version cannot be loaded.
        """
        ...

    def alike(self, pin: Reference, one: dict[str, Any], other: dict[str, Any]) -> bool:
        """Whether two answers to the same rows are the same within the tolerance of the task."""
        ...

    def problem(self, status: int, detail: str) -> dict[str, Any]:
        """A problem's content."""
        ...

    def reason(self, error: BrineryError) -> str:
        """What anybody may be told of an error."""
        ...


@dataclass(frozen=True)
class Worker:
    """Works messages off, one after the other, in any number of processes at once."""

    jobs: Jobs
    answering: Answering
    require_pin: bool

    def work(self, text: str) -> Outcome:
        """Answer the job that a message names, and end it; then the message may go.

        Raises:
            StoreError, VersionMissing: a fault that may pass, after which the message must come again.
        """
        found = self._queued(text)
        if not isinstance(found, Job):
            return found
        try:
            body = found.input.read(self.jobs.work)
            pin = Reference.parse(found.pin)
            if self.require_pin and not pin.pinned:
                return self._fail(found, 503, "the job names no digest of its version, which this worker demands")
            status, content = self.answering.answer(pin, body)
        except PASSING:
            raise
        except BrineryError as exc:
            kind = "integrity" if isinstance(exc, IntegrityError) else None
            log.error("job %s: %s", found.id, exc, extra={"error": type(exc).__name__, "kind": kind})
            return self._fail(found, 503, self.answering.reason(exc))
        return self._end(found, "done" if status == 200 else "failed", content)

    def give_up(self, text: str) -> Outcome:
        """End the job of a message that came too often, as failed.

        Raises:
            StoreError: a fault that may pass.
        """
        found = self._queued(text)
        if not isinstance(found, Job):
            return found
        log.error("job %s could not be answered however often it was tried", found.id, extra={"kind": "job_given_up"})
        return self._fail(found, 503, "the job could not be answered, however often it was tried")

    def _queued(self, text: str) -> Job | Outcome:
        """The job of a message, where it is still to be answered."""
        id = id_of(text)
        if id is None:
            log.error("a message names no job", extra={"kind": "job_message_unknown"})
            return "no message"
        job = self.jobs.table.job(id)
        if job is None:
            log.error("a message names job %s, which there is none of", id, extra={"kind": "job_without_item"})
            return "no job"
        return "ended before" if job.ended else job

    def _fail(self, job: Job, status: int, detail: str) -> Outcome:
        return self._end(job, "failed", self.answering.problem(status, detail))

    def _end(self, job: Job, state: Literal["done", "failed"], content: dict[str, Any]) -> Outcome:
        result = Contents.of(json.dumps(content, separators=(",", ":")).encode())
        now = self.jobs.clock()
        stored = result.stored("result", job.id, self.jobs.work)
        if self.jobs.table.end(job.id, Ended(state, stored, now, now + self.jobs.kept)):
            return state
        other = self.jobs.table.job(job.id)
        if other is None or other.ended is None:
            log.warning("job %s is gone", job.id)
        elif not self._is_same(job, state, content, other.ended):
            log.error("job %s has another answer already", job.id, extra={"kind": "job_differs"})
        return "ended before"

    def _is_same(self, job: Job, state: str, content: dict[str, Any], other: Ended) -> bool:
        if state != other.state or state == "failed":
            return True  # one worker may have met what another did not
        before = json.loads(other.result.read(self.jobs.work))
        return bool(before == content) or self.answering.alike(Reference.parse(job.pin), content, before)
