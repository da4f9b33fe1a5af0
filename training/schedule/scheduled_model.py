"""A model with a schedule: trained at its times by one of however many schedulers a registry has."""

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event, Semaphore
from typing import Any

from brinery.errors import StoreError
from brinery.loading.isolation import close_this_process
from brinery.versions.manifest import utc_text
from brinery.versions.profiles import open_registry
from training.errors import SpecInvalid
from training.models_file import ModelsFile
from training.schedule.claims import CLOCKS_APART, Claims, Mine, Others, Outcome, Settled
from training.schedule.lease import Lease
from training.schedule.log import say, tell
from training.schedule.run_process import Ended, Order, run
from training.schedule.times import last_time, next_time
from training.spec import ModelSpec

AT_ONCE = 2  # so that a model that hangs keeps none from its time
LIMIT_SECONDS = 4 * 3600  # of a model without a time_limit
GRACE = timedelta(seconds=120)  # between SIGTERM and SIGKILL, in which a version that is being written is finished
POLL_SECONDS = 0.5
LOOK_SECONDS = 5.0  # between looks at what another scheduler does, or at a store that did not answer


@dataclass(frozen=True)
class ScheduledModel:
    """One model, with what it shares with the others."""

    name: str
    spec: ModelSpec
    arguments: Sequence[str]
    claims: Claims
    slots: Semaphore
    stopping: Event

    def come_to(self, due: datetime) -> Ended | Others | Settled | None:
        """Train it, where that falls to this scheduler: how that ended, or why not; None while others are trained.

        Raises:
            StoreError: the claims could not be read or written.
        """
        if not self.slots.acquire(timeout=POLL_SECONDS):
            return None
        try:
            taken = self.claims.take(self.name, due)
            return self._train(due, taken) if isinstance(taken, Mine) else taken
        finally:
            self.slots.release()

    def next(self, after: datetime) -> datetime:
        return next_time(str(self.spec.schedule), after)

    def last(self) -> datetime | None:
        return last_time(str(self.spec.schedule), self.now())

    def now(self) -> datetime:
        return self.claims.clock()

    def at(self, due: datetime) -> str:
        """The model and one of its times, for a sentence."""
        return f"{self.name} of {utc_text(due)}"

    def error(self, ended: Ended) -> str | None:
        """What is to be said of a run that published nothing; None where nothing went wrong."""
        if ended.published or ended.told == "stop":
            return None
        if ended.told == "late":
            return f"{self.name}: took longer than its time_limit of {self._limit} seconds, and was ended"
        if ended.told == "lost":
            return f"{self.name}: its claim could not be extended, and it was ended before somebody else trains it"
        return ended.errors

    @property
    def _limit(self) -> int:
        return self.spec.time_limit or LIMIT_SECONDS

    def _train(self, due: datetime, mine: Mine) -> Ended:
        """Run `train`, log it, and store how it ended."""
        started, limit = time.monotonic(), self.now() + timedelta(seconds=self._limit)
        with Lease(self.claims, self.name, due, mine, limit + GRACE, self.stopping) as lease:
            ended = run([self.name, "--json", *self.arguments], lambda: self._order(lease, limit))
            fields: dict[str, Any] = {"outcome": ended.text, "attempt": mine.attempt}
            if ended.published:
                fields |= {"reference": ended.published["reference"], "metrics": ended.published["metrics"]}
            elif error := self.error(ended):
                fields["error"] = error
            seconds = round(time.monotonic() - started, 1)
            tell("run", self.now(), model=self.name, due=due, **fields, seconds=seconds)
            if ended.outcome is not None:
                self._settle(due, lease, ended.outcome, fields.get("reference"))
        if ended.outcome is None and ended.told == "stop":
            self._stop(due, lease.mine)
        return ended

    def _stop(self, due: datetime, mine: Mine) -> None:
        """Let others train it at once; where that cannot be stored, they wait for the end of the lease."""
        try:
            self.claims.stop(self.name, due, mine)
        except StoreError as exc:
            say(f"the claim of {self.at(due)} is not given up: {exc}")

    def _settle(self, due: datetime, lease: Lease, outcome: Outcome, reference: str | None) -> None:
        """Store how it ended, and try for as long as nobody else may begin an attempt."""
        while True:
            try:
                return self.claims.settle(self.name, due, outcome, reference)
            except StoreError as exc:
                say(f"the outcome of {self.at(due)} is not stored: {exc}")
            if self.now() >= lease.until + CLOCKS_APART or self.stopping.wait(LOOK_SECONDS):
                return None

    def _order(self, lease: Lease, limit: datetime) -> Order | None:
        return order(self.now(), limit, lease.until, lost=lease.lost, stopping=self.stopping.is_set())


def order(now: datetime, limit: datetime, until: datetime, *, lost: bool, stopping: bool) -> Order | None:
    """What a run is to be told now.

    Args:
        limit: how long the model may take.
        until: how long its claim holds, after which somebody else may train it.
        lost: somebody else has claimed what comes then.
    """
    if now >= limit:
        return Order("late", kill=now >= min(limit + GRACE, until))
    if lost or now >= until - GRACE:
        return Order("lost", kill=now >= until)
    return Order("stop") if stopping else None


def scheduled_models(
    file: ModelsFile,
    specs: Mapping[str, ModelSpec],
    registry: str | None,
    arguments: Sequence[str],
    clock: Callable[[], datetime],
) -> list[ScheduledModel]:
    """The models that have a schedule, two of which are trained at once, and which SIGTERM and Ctrl-C stop.

    Args:
        file: where the models are declared, for messages; the default registry is in its folder.
        arguments: of the `train` command, for every run.
        clock: tells the time, by which runs are limited too.

    Raises:
        SpecInvalid: no model has a schedule.
        BrineryError: the registry cannot be used.
    """
    close_this_process()
    scheduled = {name: spec for name, spec in specs.items() if spec.schedule}
    if not scheduled:
        raise SpecInvalid(f'no model in {file.shown} has a schedule, such as "schedule": "0 3 * * *"')
    stopping, slots = Event(), Semaphore(AT_ONCE)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    claims = Claims.here(open_registry(registry, file.folder, create=True), clock)
    return [ScheduledModel(name, spec, arguments, claims, slots, stopping) for name, spec in scheduled.items()]
