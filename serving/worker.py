"""The worker: jobs answered from a queue, as a Lambda function behind SQS and as the `worker` command, a poller.

On Lambda `handler` takes the messages of the queue, and `dead_letters` those that came too often.
"""

import argparse
import logging
import os
import signal
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cache
from time import monotonic, perf_counter
from typing import Any

from brinery.errors import BrineryError, SettingInvalid, StoreError, VersionMissing
from brinery.jobs.open import open_jobs
from brinery.jobs.queue import LONGEST_WAIT, Queue
from brinery.jobs.work import PASSING, Outcome, Worker
from brinery.loading.load import load
from brinery.loading.model import VerifiedModel
from brinery.output.write import say
from brinery.versions.reference import Reference
from brinery.versions.store import open_store
from serving.answer import answer
from serving.counts import Counts
from serving.logs import configure
from serving.problem import problem_content
from serving.reason import reason_of
from serving.settings import Settings, read_settings

LOADED = 2  # models: that which is live, and the one before, whose jobs are still queued
PAUSE_SECONDS = 5.0  # after a fault of the queue
log = logging.getLogger("brinery.jobs")

EXAMPLES = """\
examples:
  JOBS_QUEUE_URL=… JOBS_TABLE=… WORK_URL=… worker     answer jobs until it is stopped
  worker --once                                       … until none is waiting

The environment says where jobs and models are; docs/serve.md explains its variables.
"""


class Models:
    """Answers by whichever versions jobs name; keeps the last two loaded."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._store = open_store(settings.registry)
        self._loaded: OrderedDict[Reference, tuple[VerifiedModel, Counts]] = OrderedDict()
        self._lock = threading.Lock()

    def answer(self, pin: Reference, body: bytes) -> tuple[int, dict[str, Any]]:
        begun, (model, counts) = perf_counter(), self._loading(pin)
        status, content = answer(model, body, self._settings.max_rows, watching=counts)
        counts.request(status, perf_counter() - begun)
        return status, content

    def alike(self, pin: Reference, one: dict[str, Any], other: dict[str, Any]) -> bool:
        task = self._loading(pin)[0].task
        first, second = (each.get("predictions", [each]) for each in (one, other))
        return len(first) == len(second) and task.difference(task.read(first), task.read(second)).alike

    def problem(self, status: int, detail: str) -> dict[str, Any]:
        return problem_content(status, detail)

    def reason(self, error: BrineryError) -> str:
        return reason_of(error)

    def end(self) -> None:
        """Print the counts that have not been told yet."""
        for _, counts in self._loaded.values():
            counts.end()

    def _loading(self, pin: Reference) -> tuple[VerifiedModel, Counts]:
        with self._lock:
            if pin not in self._loaded:
                while len(self._loaded) >= LOADED:
                    self._loaded.popitem(last=False)[1][1].end()
                given = self._settings
                pinned = given.require_pin
                model = load(self._store, pin, format=given.model_format, require_pin=pinned, profile=True)
                self._loaded[pin] = model, Counts(model, given.service, model.timings)
            self._loaded.move_to_end(pin)
            return self._loaded[pin]


def make_worker(settings: Settings) -> tuple[Worker, Models]:
    """The worker over what the environment names, and the models that answer.

    Raises:
        SettingInvalid: it names no jobs, or they cannot be used.
    """
    if settings.jobs is None:
        raise SettingInvalid("JOBS_QUEUE_URL, JOBS_TABLE and WORK_URL are not set; they say where jobs are")
    jobs, models = open_jobs(settings.jobs, os.environ, waits=True), Models(settings)
    return Worker(jobs, models, settings.require_pin), models


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Answer the jobs of an SQS event; those that must come again are named in the answer."""
    return _batch(event, _of_this_process().work)


def dead_letters(event: Any, context: Any) -> dict[str, Any]:
    """End the jobs of an SQS event of the dead-letter queue as failed."""
    return _batch(event, _of_this_process().give_up)


@cache
def _of_this_process() -> Worker:
    settings = read_settings(os.environ)
    configure(settings.log_level, os.environ.get("AWS_LAMBDA_FUNCTION_VERSION"))
    return make_worker(settings)[0]


def _batch(event: Any, work: Callable[[str], Outcome]) -> dict[str, Any]:
    failed = []
    for record in event["Records"]:
        if not _worked(work, record["body"]):
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def _worked(work: Callable[[str], Outcome], text: str) -> bool:
    """Whether a message may go; one that may not comes again after the queue's visibility time-out."""
    try:
        work(text)
        return True
    except PASSING as exc:
        log.warning("a job comes again: %s", exc, extra={"error": type(exc).__name__})
    except Exception as exc:
        log.error("a job comes again after an unexpected error", exc_info=exc, extra={"error": type(exc).__name__})
    return False


class Poller:
    """Does with a worker's queue what Lambda's event source does, and ends the jobs of its dead letters."""

    def __init__(self, worker: Worker, dead: Queue | None) -> None:
        self._worker = worker
        self._dead = dead
        self.stopping = threading.Event()

    def run(self, once: bool = False) -> None:
        """Answer jobs until `stopping` is set, or where asked, until none is waiting."""
        looked = 0.0  # at the dead letters, for which nobody waits
        while not self.stopping.is_set():
            try:
                found = self._turn(self._worker.jobs.queue, self._worker.work, 1 if once else LONGEST_WAIT)
                if self._dead is not None and (not found or monotonic() - looked >= LONGEST_WAIT):
                    found |= self._turn(self._dead, self._worker.give_up, 1 if once else 0)
                    looked = monotonic()
            except StoreError as exc:
                log.warning("the queue cannot be read: %s", exc, extra={"error": type(exc).__name__})
                found = True
                self.stopping.wait(PAUSE_SECONDS)
            if once and not found:
                return

    def _turn(self, queue: Queue, work: Callable[[str], Outcome], seconds: int) -> bool:
        """Whether there was a message."""
        message = queue.receive(seconds)
        if message is None:
            return False
        if self.stopping.is_set():
            queue.give_back(message)
        elif _worked(work, message.text):
            queue.delete(message)
        return True


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="worker",
        description="Answer the jobs that wait in the queue, each by the version that was live when it was accepted.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--once", action="store_true", help="end when no job is waiting")
    arguments = parser.parse_args(argv)
    try:
        settings = read_settings(os.environ)
        configure(settings.log_level)
        worker, models = make_worker(settings)
        poller = Poller(worker, worker.jobs.queue.dead_letters())
    except (SettingInvalid, StoreError, VersionMissing) as exc:
        say(f"worker: {exc}")
        return 1
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: poller.stopping.set())
    poller.run(arguments.once)
    models.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
