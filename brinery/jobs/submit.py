"""Submitting a job and asking for it: what the API does, without HTTP."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from brinery.errors import BrineryError
from brinery.jobs.contents import Contents
from brinery.jobs.identifier import new_id, time_of
from brinery.jobs.job import Job
from brinery.jobs.queue import Queue
from brinery.jobs.table import Kept, Table
from brinery.versions.reference import Reference
from brinery.versions.store import Store

# Longer than a message may lie in the queue and in that of dead letters.
LONGEST_QUEUED = timedelta(days=24)


class KeyReused(BrineryError):
    """An Idempotency-Key came with another body than before."""


class JobUnknown(BrineryError):
    """There is no such job."""


class JobExpired(BrineryError):
    """There was such a job, which is kept no longer."""


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Jobs:
    """Where jobs are: the table, the queue, and the work bucket for what is large; `kept` is how long ended ones are.

    What it is asked raises
        StoreError: one of them refused or could not be reached; a repeat with the same key completes the same job.
    """

    table: Table
    queue: Queue
    work: Store
    kept: timedelta
    clock: Callable[[], datetime] = now

    def submit(self, pin: Reference, body: bytes, key: str | None = None, caller: str | None = None) -> str:
        """Store the input, then the item, and then send the message; the job's id.

        Args:
            pin: the version that is live, with its digest.
            key: the Idempotency-Key; the same key of the same caller with the same body is the same job.
            caller: who asks, where that is known.

        Raises:
            KeyReused: the key came with another body before.
            JobExpired: the job of the key is kept no longer.
        """
        time, contents, who = self.clock(), Contents.of(body), _digest(caller) if caller else None
        id = new_id(time)
        job = Job(id, str(pin), contents.stored("input", id, self.work), time, who)
        if key is None:
            self.table.accept(job)
        else:
            used = _digest(f"{caller or ''}\n{key}")
            kept = self.table.accept_once(job, used, time, time + LONGEST_QUEUED + self.kept)
            if kept is not None:
                return self._again(kept, contents)
        self.queue.send(id)
        return id

    def _again(self, kept: Kept, contents: Contents) -> str:
        """The job that a key was used for, whose message is sent once more where it has not ended."""
        if kept.input_sha256 != contents.sha256:
            raise KeyReused("this Idempotency-Key came with another body before")
        job = self.table.job(kept.job)
        if job is None or job.is_over(self.clock()):
            raise JobExpired("the job of this Idempotency-Key is kept no longer")
        if job.ended is None:
            self.queue.send(job.id)
        return job.id

    def find(self, id: str, caller: str | None = None) -> Job:
        """The job of this id, for who submitted it.

        Raises:
            JobUnknown: there is none, or it is another caller's.
            JobExpired: it is kept no longer.
        """
        begun, time = time_of(id), self.clock()
        if begun is None or begun > time + timedelta(minutes=5):
            raise JobUnknown("there is no such job")
        job = self.table.job(id)
        if job is None and begun + self.kept < time:
            raise JobExpired("the job is kept no longer")
        if job is None or (job.caller is not None and job.caller != (_digest(caller) if caller else None)):
            raise JobUnknown("there is no such job")
        if job.is_over(time):
            raise JobExpired("the job is kept no longer")
        return job

    def stale(self, age: timedelta) -> Iterator[dict[str, str]]:
        """The jobs, as `Table.listed` gives them, that have been queued for so long that the queue may have lost them.

        Sending them again does no harm where it has not.
        """
        before = self.clock() - age
        for each in self.table.listed():
            if each["state"] == "queued" and datetime.fromisoformat(each["accepted_at"]) < before:
                yield each


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
