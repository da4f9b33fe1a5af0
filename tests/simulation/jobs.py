"""Jobs in simulated histories: the real code of submitting and working off, on a table and a queue that do their worst.

Before each effect an actor waits until the scheduler says who goes on and what comes of it: it happens, it fails, it
happens and its answer is lost, or the actor dies. Messages come twice, in any order, while a worker has them still;
items that expire are gone; messages that nobody takes are too; another version is promoted meanwhile. In the end all
that is left is worked off without faults, the messages that came too often are given up, jobs whose messages were not
kept are found as stale and sent again, and every accepted job must have ended once, as it should.
"""

import hashlib
import json
import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from greenlet import GreenletExit, getcurrent, greenlet

from brinery.errors import BrineryError, GoldenMismatch, StoreUnavailable
from brinery.jobs.contents import Contents
from brinery.jobs.job import Ended, Job, time_text
from brinery.jobs.submit import JobExpired, Jobs, KeyReused
from brinery.jobs.table import Kept
from brinery.jobs.work import Worker
from brinery.versions.reference import Reference

PINS = [Reference.parse(f"wine:{number}@sha256:{str(number) * 64}") for number in (1, 2, 3)]
BROKEN_PIN = PINS[2]  # a version that does not pass its checks any more
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
MOST_RECEIVES = 4
TRIES = 3  # of a client, for one job
ID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
HAPPENINGS = ("promote", "time", "twice", "nobody", "retention")
FATES = ("fails", "answer lost", "dies")


class Lost(AssertionError):
    """A promise of jobs that a history broke."""


@dataclass(frozen=True)
class Code:
    """What of the real code a null control does otherwise."""

    acknowledges_first: bool = False  # the message goes before the result is stored
    ends_always: bool = False  # whatever state the item is in
    ends_unless_done: bool = False  # … is not done, an item that is gone among them
    pin_at_work: bool = False  # the version that is live when the job is worked off
    sends_first: bool = False  # the message before the item


@dataclass
class Message:
    text: str
    number: int  # of all that were sent
    receives: int = 0


@dataclass
class World:
    """The table, the queue, and what was promised."""

    code: Code
    step: Callable[[str], str]
    now: datetime = BEGIN
    live: Reference = PINS[0]
    jobs: dict[str, Job] = field(default_factory=dict)
    keys: dict[str, Kept] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    dead: list[Message] = field(default_factory=list)
    accepted: dict[str, bytes] = field(default_factory=dict)
    ends: dict[str, list[Ended]] = field(default_factory=dict)
    expired: set[str] = field(default_factory=set)
    not_kept: set[str] = field(default_factory=set)  # messages that the queue's retention ended
    sent: int = 0
    known: dict[greenlet, list[str]] = field(default_factory=lambda: defaultdict(list))  # what each actor was told

    def effect[Answer](self, name: str, do: Callable[[], Answer]) -> Answer:
        told = self.step(name)
        if told == "fails":
            self.learn(f"{name} fails")
            raise StoreUnavailable(f"{name} failed")
        answer = do()
        self.learn(f"{name} {told} {answer}")
        if told == "answer lost":
            raise StoreUnavailable(f"the answer to {name} was lost")
        return answer

    def learn(self, what: str) -> None:
        self.known[getcurrent()].append(what)

    def put(self, text: str) -> None:
        self.sent += 1
        self.messages.append(Message(text, self.sent))

    def remove(self, message: Message) -> None:
        self.messages = [each for each in self.messages if each is not message]

    def state(self, actors: Sequence[greenlet]) -> str:
        """All that what comes next depends on, whatever the ids of jobs are this time."""
        told = [(each.dead, self.known[each]) for each in actors]
        facts = (told, self.now, self.live, self.jobs, self.keys, self.messages, self.dead, self.accepted, self.ends)
        text, ids = repr((*facts, sorted(self.expired), sorted(self.not_kept))), dict[str, str]()
        return ID.sub(lambda found: ids.setdefault(found[0], f"job {len(ids)}"), text)


@dataclass(frozen=True)
class SimulatedTable:
    """`brinery.jobs.table.Table`, whose conditions its own tests hold against DynamoDB."""

    world: World

    def accept(self, job: Job) -> None:
        self.world.effect("accept", lambda: self.world.jobs.setdefault(job.id, job))

    def accept_once(self, job: Job, key: str, now: datetime, expires: datetime) -> Kept | None:
        def do() -> Kept | None:
            if key in self.world.keys:
                return self.world.keys[key]
            self.world.keys[key] = Kept(job.id, job.input.sha256)
            self.world.jobs[job.id] = job
            return None

        return self.world.effect("accept", do)

    def job(self, id: str) -> Job | None:
        return self.world.effect("read", lambda: self.world.jobs.get(id))

    def listed(self) -> Iterator[dict[str, str]]:
        for each in list(self.world.jobs.values()):
            yield {"id": each.id, "state": each.state, "accepted_at": time_text(each.accepted)}

    def end(self, id: str, ended: Ended) -> bool:
        def do() -> bool:
            job = self.world.jobs.get(id)
            code = self.world.code
            free = job is not None and job.ended is None
            free = free or code.ends_always
            free = free or (code.ends_unless_done and (job is None or job.state != "done"))
            if free:
                self.world.jobs[id] = replace(job or Job(id, str(PINS[0]), Contents.of(b""), BEGIN), ended=ended)
                self.world.ends.setdefault(id, []).append(ended)
            return free

        return self.world.effect("end", do)


@dataclass(frozen=True)
class SimulatedQueue:
    world: World

    def send(self, id: str) -> None:
        self.world.effect("send", lambda: self.world.put(json.dumps({"id": id})))


@dataclass(frozen=True)
class Answering:
    """A model whose answer tells the version and the input."""

    world: World

    def answer(self, pin: Reference, body: bytes) -> tuple[int, dict[str, Any]]:
        pin = self.world.live if self.world.code.pin_at_work else pin
        self.world.effect("load", lambda: None)
        if pin == BROKEN_PIN:
            raise GoldenMismatch("it does not reproduce its golden rows")
        return (422, {"status": 422}) if body == b"bad" else (200, answer_to(pin, body))

    def alike(self, pin: Reference, one: dict[str, Any], other: dict[str, Any]) -> bool:
        return one == other

    def problem(self, status: int, detail: str) -> dict[str, Any]:
        return {"status": status, "detail": detail}

    def reason(self, error: BrineryError) -> str:
        return type(error).__name__


def answer_to(pin: Reference, body: bytes) -> dict[str, Any]:
    return {"model": str(pin), "prediction": body.decode()}


def jobs_of(world: World) -> Jobs:
    table: Any = SimulatedTable(world)
    queue: Any = SimulatedQueue(world)
    work: Any = None  # all inputs are small
    return Jobs(table, queue, work, timedelta(days=7), lambda: world.now)


def client(world: World, body: bytes, key: str) -> None:
    """Submit a job, and again until it is accepted or there is no patience left."""
    jobs = jobs_of(world)
    if world.code.sends_first:
        late: Any = _Late(jobs.table, jobs.queue)
        silent: Any = _Silent()
        jobs = replace(jobs, table=late, queue=silent)
    for _ in range(TRIES):
        world.learn(f"submits to {world.live}")
        try:
            world.accepted[jobs.submit(world.live, body, key)] = body
            return
        except StoreUnavailable:
            continue
        except (KeyReused, JobExpired):
            return


@dataclass(frozen=True)
class _Late:
    """A null control: a table before which the message is sent."""

    table: Any
    queue: Any

    def accept_once(self, job: Job, key: str, now: datetime, expires: datetime) -> Kept | None:
        self.queue.send(job.id)
        kept: Kept | None = self.table.accept_once(job, key, now, expires)
        return kept

    def __getattr__(self, name: str) -> Any:
        return getattr(self.table, name)


class _Silent:
    def send(self, id: str) -> None:
        pass


class Chosen(Protocol):
    """What decides a history, and whether it is worth to go on with."""

    def choice[Option](self, options: Sequence[Option]) -> Option: ...

    def fate(self, can_fail: bool) -> str:
        """What comes of an effect."""
        ...

    def is_new(self, world: World, actors: Sequence[greenlet]) -> bool:
        """Whether what comes next has not been played all through already."""
        ...


class AtRandom:
    """A history by its seed."""

    def __init__(self, seed: int, fault_share: float = 0.15) -> None:
        self._random, self._share = random.Random(seed), fault_share

    def choice[Option](self, options: Sequence[Option]) -> Option:
        return self._random.choice(options)

    def fate(self, can_fail: bool) -> str:
        if self._random.random() > self._share:
            return "ok"
        told: str = self._random.choice(FATES)
        return told if can_fail or told == "dies" else "ok"

    def is_new(self, world: World, actors: Sequence[greenlet]) -> bool:
        return True


class InTurn:
    """One history after the other, until there is none left: each choice and each fate, with so many faults at most.

    A history that comes to where another was before is not played to its end, as all that can follow is known.
    """

    def __init__(self, faults: int) -> None:
        self._faults, self._left, self._place = faults, faults, 0
        self.states: set[tuple[int, bytes]] = set()
        self._made: list[list[int]] = []  # what was chosen, of how many

    def _next(self, options: int) -> int:
        if self._place == len(self._made):
            self._made.append([0, options])
        chosen, of = self._made[self._place]
        assert of == options
        self._place += 1
        return chosen

    def choice[Option](self, options: Sequence[Option]) -> Option:
        return options[self._next(len(options))]

    def fate(self, can_fail: bool) -> str:
        faults = (FATES if can_fail else ("dies",)) if self._left else ()
        told: str = ("ok", *faults)[self._next(1 + len(faults))]
        self._left -= told != "ok"
        return told

    def is_new(self, world: World, actors: Sequence[greenlet]) -> bool:
        if self._place < len(self._made):
            return True  # on the way to where the last history was left
        state = (self._left, hashlib.sha256(world.state(actors).encode()).digest())
        is_new = state not in self.states
        self.states.add(state)
        return is_new

    def go_on(self) -> bool:
        """Begin the next history; whether there is one."""
        self._place, self._left = 0, self._faults
        while self._made and self._made[-1][0] + 1 == self._made[-1][1]:
            self._made.pop()
        if not self._made:
            return False
        self._made[-1][0] += 1
        return True


def worker(world: World, chance: Chosen, messages: int) -> None:
    """Take messages, whoever else has them, and work them off."""
    working = Worker(jobs_of(world), Answering(world), require_pin=True)
    for _ in range(messages):
        world.step("receive")
        if not world.messages:
            world.learn("received nothing")
            continue
        message = chance.choice(world.messages)
        message.receives += 1
        world.learn(f"received {message.number}")
        if message.receives > MOST_RECEIVES:
            world.remove(message)
            world.dead.append(message)
            continue
        if world.code.acknowledges_first:
            world.remove(message)
        try:
            working.work(message.text)
        except StoreUnavailable:
            continue
        world.step("delete")
        world.remove(message)


def disturb(world: World, chance: Chosen, times: int) -> None:
    """Promote, let time pass, forget what has expired, lose messages, send some twice, and some of nobody."""
    for _ in range(times):
        world.step("disturb")
        what = chance.choice(HAPPENINGS)
        world.learn(what)
        if what == "promote":
            world.live = chance.choice(PINS)
        elif what == "time":
            world.now += timedelta(days=8)
            over = {id for id, job in world.jobs.items() if job.is_over(world.now)}
            world.expired |= over
            world.jobs = {id: job for id, job in world.jobs.items() if id not in over}
        elif what == "twice" and world.messages:
            world.put(chance.choice(world.messages).text)
        elif what == "nobody":
            world.put('{"id": "none"}')
        elif what == "retention" and world.messages:
            message = chance.choice(world.messages)
            world.remove(message)
            world.not_kept.add(message.text)


@dataclass(frozen=True)
class Small:
    """One client, which tries again, so many workers with a message each, and so many disturbances."""

    workers: int
    disturbances: int = 0


def play(chance: Chosen, code: Code = Code(), small: Small | None = None) -> World | None:  # noqa: B008 (frozen)
    """One history; None for one that goes on as another did. Raises Lost where a promise is broken."""
    scheduler = getcurrent()
    faulty = [True]

    def step(name: str) -> str:
        if getcurrent() is scheduler or not faulty[0]:
            return "ok"
        told: str = scheduler.switch(name)
        if told == "dies":
            raise GreenletExit
        return told

    world = World(code, step)
    bodies = [b"one"] if small else [chance.choice((b"one", b"two", b"bad")) for _ in range(3)]
    actors = [greenlet(lambda body=body, key=f"k{n}": client(world, body, key)) for n, body in enumerate(bodies)]
    workers, messages, disturbances = (small.workers, 1, small.disturbances) if small else (2, 4, 4)
    actors += [greenlet(lambda: worker(world, chance, messages)) for _ in range(workers)]
    actors += [greenlet(lambda: disturb(world, chance, disturbances))]
    told = {actor: str(actor.switch()) for actor in actors}
    while running := [each for each in actors if not each.dead]:
        if not chance.is_new(world, actors):
            return None
        actor = chance.choice(running)
        can_fail = told[actor] not in ("receive", "delete", "disturb")
        told[actor] = str(actor.switch(chance.fate(can_fail)))
    faulty[0] = False
    _finish(world)
    _judge(world)
    return world


def _finish(world: World) -> None:
    """Work off what is left, and give up what came too often."""
    jobs = jobs_of(world)
    last = Worker(jobs, Answering(world), require_pin=True)
    for message in world.messages:
        last.work(message.text)
    for message in world.dead:
        last.give_up(message.text)
    world.now += timedelta(days=1)
    for each in jobs.stale(timedelta(hours=1)):
        if json.dumps({"id": each["id"]}) in world.not_kept:
            last.work(json.dumps({"id": each["id"]}))


def _judge(world: World) -> None:
    for id, ends in world.ends.items():
        if len(ends) > 1:
            raise Lost(f"job {id} ended {len(ends)} times")
    for id, body in world.accepted.items():
        job = world.jobs.get(id)
        if id in world.expired:
            if job is not None:
                raise Lost(f"job {id} came back after it had expired")
            continue
        if job is None or job.ended is None:
            raise Lost(f"job {id} was accepted and has not ended")
        _judge_end(world, job, body)


def _judge_end(world: World, job: Job, body: bytes) -> None:
    assert job.ended is not None
    content = json.loads(job.ended.result.read(None))  # type: ignore[arg-type]
    if job.state == "done":
        if content != answer_to(Reference.parse(job.pin), body):
            raise Lost(f"job {job.id} of {job.pin} was answered {content}")
        return
    given_up = any(job.id in message.text for message in world.dead)
    if not (body == b"bad" or Reference.parse(job.pin) == BROKEN_PIN or given_up):
        raise Lost(f"job {job.id} failed without a cause: {content}")
