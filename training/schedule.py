"""The schedule: each model trained by its cron line, by one of however many schedulers a registry has."""

import json
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Semaphore, Thread
from typing import Any, TextIO

from cronsim import CronSim

from brinery.errors import StoreError
from brinery.loading.isolation import close_this_process
from brinery.versions.manifest import utc_text
from brinery.versions.profiles import open_registry
from training.claims import CLOCKS_APART, Claims, Mine, Outcome, Settled
from training.errors import SpecInvalid
from training.scheduled_run import Order, run
from training.spec import ModelSpec

AT_ONCE = 2  # so that a model that hangs keeps none from its time
LIMIT_SECONDS = 4 * 3600  # of a model without a time_limit
GRACE_SECONDS = 120  # between SIGTERM and SIGKILL, in which a version that is being written is finished
POLL_SECONDS = 0.5
MINUTE = timedelta(minutes=1)
LOOK_SECONDS = 5.0  # between looks at what another scheduler does, or at a store that did not answer


def next_time(line: str, after: datetime) -> datetime:
    """When a cron line comes due next, in UTC."""
    return next(CronSim(line, after))


def now() -> datetime:
    return datetime.now(UTC)


def run_schedule(
    file: Path,
    specs: Mapping[str, ModelSpec],
    registry: str | None,
    arguments: Sequence[str],
    clock: Callable[[], datetime] = now,
) -> int:
    """Train each model that has a schedule when its time comes, until SIGTERM or Ctrl-C; one JSON line a run on stdout.

    Two models are trained at once, and others wait for them. Of many schedulers of one registry, one trains a model
    at a time. What no scheduler comes to train before the model's next time is left out.

    Args:
        file: where the models are declared, for messages; the default registry is beside it.
        arguments: of the `train` command, for every run.
        clock: tells the time, by which runs are limited too.

    Raises:
        SpecInvalid: no model has a schedule.
        BrineryError: the registry cannot be used.
    """
    close_this_process()
    scheduled = {name: spec for name, spec in specs.items() if spec.schedule}
    if not scheduled:
        raise SpecInvalid(f'no model in {file} has a schedule, such as "schedule": "0 3 * * *"')
    stopping, slots = Event(), Semaphore(AT_ONCE)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    claims = Claims.here(open_registry(registry, file.parent, create=True), clock)
    # A run ends with the thread that started it: each thread is there for as long as the scheduler is.
    threads = [
        Thread(target=_Scheduled(name, spec, arguments, claims, slots, stopping).keep)
        for name, spec in scheduled.items()
    ]
    for thread in threads:
        thread.start()
    while not stopping.wait(POLL_SECONDS):
        pass
    for thread in threads:
        thread.join()
    return 0


@dataclass(frozen=True)
class _Scheduled:
    """One model, with what it shares with the others."""

    name: str
    spec: ModelSpec
    arguments: Sequence[str]
    claims: Claims
    slots: Semaphore
    stopping: Event

    def keep(self) -> None:
        """Train it whenever it is due, until the scheduler stops."""
        due = self._next(self._now())
        _say(f"{self.name} is next trained at {utc_text(due)}")
        while not self.stopping.wait(POLL_SECONDS):
            if self._now() < due:
                continue
            if self._next(due) <= self._now():
                _say(f"{self.name} was not trained by this scheduler at {utc_text(due)}, which is over")
            elif not self._come_to(due):
                continue
            due = self._after(due)

    def _come_to(self, due: datetime) -> bool:
        """Do what there is to do at this time; whether that was all."""
        if not self.slots.acquire(timeout=POLL_SECONDS):
            return False
        try:
            seconds = (self.spec.time_limit or LIMIT_SECONDS) + GRACE_SECONDS
            taken = self.claims.take(self.name, due, seconds)
            if isinstance(taken, Mine):
                return self._train(due, taken)
        except Exception as exc:  # the store is down, this machine has no memory for a process, or anything: it goes on
            _say(f"{self.name} of {utc_text(due)} waits: {' '.join(str(exc).split()) or type(exc).__name__}")
            taken = None
        finally:
            self.slots.release()
        if isinstance(taken, Settled):
            how = "was trained by another scheduler" if taken.done else "is left, after attempts that were all killed"
            _say(f"{self.name} of {utc_text(due)} {how}")
            return True
        self.stopping.wait(LOOK_SECONDS)
        return False

    def _train(self, due: datetime, mine: Mine) -> bool:
        """Run `train`, log it, and store how it ended; whether it is not to be tried again."""
        started = time.monotonic()
        ended = run([self.name, "--json", *self.arguments], lambda: self._order(mine))
        fields: dict[str, Any] = {"outcome": ended.text, "attempt": mine.attempt}
        if ended.published:
            fields |= {"reference": ended.published["reference"], "metrics": ended.published["metrics"]}
        elif ended.told == "late":
            limit = self.spec.time_limit or LIMIT_SECONDS
            fields["error"] = f"{self.name}: took longer than its time_limit of {limit} seconds, and was ended"
        elif ended.told is None:
            fields["error"] = ended.errors
        line = {"time": utc_text(self._now()), "event": "run", "model": self.name, "due": utc_text(due), **fields}
        _print(json.dumps({**line, "seconds": round(time.monotonic() - started, 1)}), sys.stdout)
        if ended.outcome is not None:
            self._settle(due, mine, ended.outcome, fields.get("reference"))
        return ended.outcome is not None

    def _settle(self, due: datetime, mine: Mine, outcome: Outcome, reference: str | None) -> None:
        """Store how it ended, and try for as long as nobody else may begin an attempt."""
        while True:
            try:
                return self.claims.settle(self.name, due, outcome, reference)
            except StoreError as exc:
                _say(f"the outcome of {self.name} of {utc_text(due)} is not stored: {exc}")
            if self._now() >= mine.until + CLOCKS_APART or self.stopping.wait(LOOK_SECONDS):
                return None

    def _order(self, mine: Mine) -> Order | None:
        """What a run is to be told now."""
        if self._now() >= mine.until:
            return "kill"
        if self._now() >= mine.until - timedelta(seconds=GRACE_SECONDS):
            return "late"
        return "stop" if self.stopping.is_set() else None

    def _after(self, due: datetime) -> datetime:
        """The last time after this one that has come already, or else the first that is to come."""
        come = datetime.min.replace(tzinfo=UTC)
        with suppress(StopIteration):
            come = next(CronSim(str(self.spec.schedule), self._now().replace(second=0) + MINUTE, reverse=True))
        return come if come > due else self._next(due)

    def _next(self, after: datetime) -> datetime:
        return next_time(str(self.spec.schedule), after)

    def _now(self) -> datetime:
        return self.claims.clock()


def _say(sentence: str) -> None:
    _print(f"train: {sentence}", sys.stderr)


def _print(line: str, file: TextIO) -> None:
    """Where nobody takes what is said, or the disk of a log is full, models are trained all the same."""
    with suppress(OSError, ValueError):
        print(f"{line}\n", end="", file=file, flush=True)
