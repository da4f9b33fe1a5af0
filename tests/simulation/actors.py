"""Actors: the real code of publish, promote, rollback and the schedule's claims, a person, and an attacker."""

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from threading import Event

from brinery.errors import StoreError
from brinery.promotion.chain import Records
from brinery.promotion.environment import Environment, State
from brinery.promotion.promote import Decision, promote
from brinery.promotion.records import Record
from brinery.rows.feature import Feature
from brinery.versions.catalog import find_version, vouched_version
from brinery.versions.manifest import ManifestContent
from brinery.versions.publish import publish
from brinery.versions.read import Published, read_file
from brinery.versions.reference import Reference
from brinery.versions.store import Store
from tests.examples import content
from tests.simulation.world import (
    BEGIN,
    FILE,
    MODEL,
    URL,
    Change,
    Effect,
    SimulatedEnvironment,
    SimulatedStore,
    Step,
    World,
)
from training.schedule.claims import EXTENDED_AFTER, Claims, Mine, Settled
from training.schedule.lease import Lease

CONTENT: ManifestContent = content(MODEL, (Feature(name="x", kind="number", minimum=0, maximum=3),), (0, 1))
DUE = BEGIN


@dataclass(frozen=True)
class Code:
    """What the actors are made of; a null control has one thing in it that is wrong."""

    store: Callable[[World, str, Step], Store] = SimulatedStore
    environment: Callable[[SimulatedEnvironment, Store], Environment] = lambda environment, store: environment
    nonce: Callable[[str], str] = lambda by: by
    claims: type[Claims] = Claims


REAL = Code()


class Played:
    """What an actor has at hand: its name, the world, its way to effects, and what it does them by."""

    def __init__(self, by: str, world: World, step: Step, code: Code) -> None:
        self.by, self.world, self.step = by, world, step
        self.nonce = code.nonce(by)
        self.claims = code.claims
        self.store = code.store(world, by, step)
        self.environment = code.environment(SimulatedEnvironment(world, by, step), self.store)


Role = Callable[[Played], object]


def publisher(played: Played) -> Reference:
    def check(store: Store, published: Published) -> None:
        read_file(store, published, FILE)

    files = {FILE: f"the model of {played.by}".encode(), "golden.json": b"{}"}
    return publish(played.store, CONTENT, files, check, played.world.clock, lambda: played.nonce).reference


def promoter(to: Reference) -> Role:
    """As the command `promote` does."""

    def play(played: Played) -> str | None:
        store, environment = played.store, played.environment
        published = vouched_version(store, to)
        held = environment.held(to.name)
        record, odd = Records(store, to.name, environment.name).live(held)
        if not odd and record is not None and record.state == State(to):
            return None
        return _promote(played, store, environment, published, Decision(held=held, state=State(to), by=played.by))

    return play


def rollback(played: Played) -> str | None:
    """As the command does."""
    store, environment = played.store, played.environment
    held = environment.held(MODEL)
    target, _ = Records(store, MODEL, environment.name).back(held)
    decision = Decision(held=held, by=played.by, state=target.state, action="rollback", restores=target.restores)
    return _promote(played, store, environment, find_version(store, target.state.reference), decision)


def _promote(
    played: Played, store: Store, environment: Environment, published: Published, decision: Decision
) -> str | None:
    return promote(store, published, environment, decision, lambda *_: None, played.world.clock).name


def hand(pin: str | None) -> Role:
    """A person who edits the pin, and leaves the record as it is."""

    def play(played: Played) -> None:
        world = played.world
        played.step(Effect("hand", "", lambda: world.change(Change(played.by, pin, world.held.record))))

    return play


@dataclass(frozen=True)
class Attack:
    """Objects that whoever may create objects puts there, one after the other."""

    objects: dict[str, bytes]

    def __call__(self, played: Played) -> None:
        for path, data in self.objects.items():
            SimulatedStore(played.world, played.by, played.step).create(path, data)


@dataclass(frozen=True)
class Scheduler:
    """One that trains what is due, by a clock that is some seconds ahead, and whose run is killed at its deadline."""

    ahead: float = 0.0
    most_looks: int = 6
    extensions: int = 1

    def __call__(self, played: Played) -> bool:
        def clock() -> datetime:
            return played.world.clock() + timedelta(seconds=self.ahead)

        takes = count(1)
        claims = played.claims(played.store, "somebody", clock, lambda: f"{played.nonce} {next(takes)}")
        for _ in range(self.most_looks):
            taken = claims.take(MODEL, DUE)
            if isinstance(taken, Settled):
                return taken.done
            if isinstance(taken, Mine):
                lease = Lease(claims, MODEL, DUE, taken, datetime.max.replace(tzinfo=UTC), Event())
                self._train(played, lease)
                if clock() < lease.until and not lease.lost:
                    claims.settle(MODEL, DUE, "published", f"{MODEL}:1")
                    return True
            else:
                self._wait(played, max(taken.until - clock(), timedelta()) + timedelta(seconds=1))
        return False

    def _train(self, played: Played, lease: Lease) -> None:
        world, by, taken, ahead = played.world, played.by, lease.mine, timedelta(seconds=self.ahead)
        try:
            played.step(Effect("train", "begin", partial(world.begin, by, lease.until - ahead)))
            for _ in range(self.extensions):
                self._wait(played, EXTENDED_AFTER)
                with suppress(StoreError):  # it goes on, until it is killed
                    lease.extend()
                if lease.lost:
                    return
                world.hold(by, lease.until - ahead)
            played.step(Effect("train", "end", partial(world.end, by, taken.attempt, taken.number)))
        finally:  # with its scheduler, its run ends
            world.training.pop(by, None)

    @staticmethod
    def _wait(played: Played, wait: timedelta) -> None:
        world = played.world
        at = world.now + wait

        def do() -> None:
            world.now = max(world.now, at)

        played.step(Effect("wait", "", do, at=at))


def forged(planted: Reference, before: Change) -> dict[str, bytes]:
    """A record that says that what is live replaced a version which never was, claims of numbers, and of a time."""
    record = Record(
        registry=URL,
        name=MODEL,
        environment=SimulatedEnvironment.name,
        action="promote",
        to=str(before.pin),
        was=str(planted),
        before=before.record,
        by="attacker",
        at=BEGIN + timedelta(days=1),
    )
    data = record.model_dump_json(indent=2).encode() + b"\n"
    name = f"{record.at:%Y%m%dT%H%M%SZ}-{hashlib.sha256(data).hexdigest()}"
    return {
        f"_promotions/{MODEL}/{name}.json": data,
        f"{MODEL}/versions/999999/claim.json": b"{}",
        f"{MODEL}/versions/000005/claim.json": b"{}",
        f"_schedule/{MODEL}/20260101T0000Z/1.json": json.dumps({"by": "x"}).encode(),
    }
