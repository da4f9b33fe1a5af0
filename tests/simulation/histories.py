"""Histories: the scheduler that stops each actor at every effect, and chooses which goes on, and what comes of it."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from greenlet import GreenletExit, getcurrent, greenlet

from brinery.errors import BrineryError
from tests.simulation.actors import REAL, Code, Played, Role
from tests.simulation.model import Broken, Model
from tests.simulation.world import FAULTS, Change, Coverage, Effect, Fault, World, perform

MOST_FAULTS = 1000
# What an actor cannot tell from one another; the worlds that they leave differ by themselves.
TOLD: dict[Fault, Fault] = {"throttled": "fails before", "answer lost": "fails before", "412": "409", "stall": "ok"}


class Actor:
    """One actor: where it stands, and how it ended."""

    def __init__(self, name: str, role: Role, world: World, code: Code) -> None:
        self.name, self.role, self._world = name, role, world
        self.pending: Effect | None = None
        self.answer: object = None
        self.error: BrineryError | None = None
        self.crashed = self.answered = False
        self.trail = 0  # the same where all that it was told is the same
        self._greenlet = greenlet(lambda: self._play(Played(name, world, self.step, code)))
        self._switch()

    def step(self, effect: Effect) -> Any:
        """Wait until the scheduler says what comes of an effect; for one that has crashed, nothing does."""
        if self.crashed:
            raise GreenletExit
        self.pending = effect
        fault: Fault = self._scheduler.switch()
        self.pending = None
        if fault == "crash":
            self.crashed, self._world.crashed = True, self._world.now
            raise GreenletExit
        return perform(self._world, effect, fault)

    def go_on(self, fault: Fault) -> None:
        effect = self.pending
        assert effect is not None
        told = fault if effect.kind == "change" else TOLD.get(fault, fault)
        self.trail = hash((self.trail, effect.label, told, effect.seen(), self._world.now))
        self._switch(fault)

    @property
    def state(self) -> object:
        return self.trail, self.crashed, self.pending and self.pending.label

    def abandon(self) -> None:
        self.crashed = True
        if not self._greenlet.dead:
            self._greenlet.throw()

    def _switch(self, *fault: Fault) -> None:
        self._scheduler = getcurrent()
        self._greenlet.switch(*fault)

    def _play(self, played: Played) -> None:
        try:
            self.answer = self.role(played)
            self.answered = True
        except BrineryError as exc:
            self.error = exc


@dataclass(frozen=True)
class Scenario:
    """Who acts, in a world that begins like this, and whether they stall: without deadlines, that is a later turn."""

    roles: Callable[[], dict[str, Role]]
    objects: dict[str, bytes] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    code: Code = REAL
    stalls: bool = True

    def world(self) -> World:
        return World(dict(self.objects), changes=list(self.changes))


@dataclass
class History:
    """What happened: each effect with who and what came of it, and how the actors ended."""

    world: World
    actors: list[Actor]
    steps: list[tuple[str, str, Fault]] = field(default_factory=list)

    faults: int = 0

    def __str__(self) -> str:
        ends = [f"{a.name}: {a.error!r}" if a.error else f"{a.name}: {a.answer}" for a in self.actors]
        return "\n".join([*(f"  {by}: {label}: {fault}" for by, label, fault in self.steps), *ends])


class Seen(Exception):
    """This state was come to before."""


Options = Sequence[tuple[Actor, Fault]]
Choose = Callable[[History, Options], int]


def play(scenario: Scenario, choose: Choose, most_faults: int, coverage: Coverage) -> History:
    """One history, to its end, held to the reference model.

    Raises:
        Broken: what must hold does not; notes tell the history.
        Seen: as `choose` does.
    """
    world = scenario.world()
    model = Model(world)
    roles = scenario.roles()
    history = History(world, [Actor(name, role, world, scenario.code) for name, role in roles.items()])
    try:
        while options := _options(history, most_faults, scenario.stalls):
            actor, fault = options[choose(history, options)]
            assert actor.pending is not None
            coverage[actor.pending.label, fault] += 1
            history.steps.append((actor.name, actor.pending.label, fault))
            history.faults += fault != "ok"
            actor.go_on(fault)
        if any(actor.pending and not actor.crashed for actor in history.actors):
            raise Broken("an actor waits for ever")
        for actor in history.actors:
            model.ended(actor.name, actor.answer, actor.error, answered=actor.answered)
        model.end(Counter(fault for _, _, fault in history.steps))
    except Broken as exc:
        exc.add_note(str(history))
        raise
    finally:
        for actor in history.actors:
            actor.abandon()
    return history


def _options(history: History, most_faults: int, stalls: bool) -> list[tuple[Actor, Fault]]:
    """What may come next: each actor that does not wait for a lock, or for time to pass, without a fault first.

    Time passes when nobody has anything else to do, for who waits for the shortest, and where somebody stalls.
    """
    locked = history.world.locked_by is not None
    ready = [(a, a.pending) for a in history.actors if a.pending and not (locked and a.pending.kind == "lock")]
    busy = [(actor, effect) for actor, effect in ready if effect.kind != "wait"]
    soonest = min((effect.at for _, effect in ready), default=None)
    first = busy or [(actor, effect) for actor, effect in ready if effect.at == soonest]
    well: list[tuple[Actor, Fault]] = [(actor, "ok") for actor, _ in first]
    if history.faults >= most_faults:
        return well
    ill = [(actor, fault) for actor, effect in first for fault in FAULTS[effect.kind][1:]]
    return well + [(actor, fault) for actor, fault in ill if stalls or fault != "stall"]


def exhaust(scenario: Scenario, most_faults: int, coverage: Coverage) -> int:
    """Every history with at most so many faults, of those that come to the same state the first; how many it took."""
    found: set[object] = set()
    prefixes: list[tuple[int, ...]] = [()]
    count = 0
    while prefixes:
        prefix, path = prefixes.pop(), list[int]()

        def choose(history: History, options: Options, prefix: Any = prefix, path: Any = path) -> int:
            index = prefix[len(path)] if len(path) < len(prefix) else 0
            if len(path) >= len(prefix):
                state = (history.world.state, tuple(a.state for a in history.actors), history.faults)
                if state in found:
                    raise Seen
                found.add(state)
                prefixes.extend((*path, other) for other in range(1, len(options)))
            path.append(index)
            return int(index)

        count += 1
        with suppress(Seen):
            play(scenario, choose, most_faults, coverage)
    return count


def seeded(scenario: Callable[[random.Random], Scenario], seed: int, coverage: Coverage) -> History:
    """The history of a seed: who acts, who goes on at each step, and what comes of it."""
    choices = random.Random(seed)
    chance = choices.choice((0.0, 0.03, 0.1, 0.3))

    def choose(history: History, options: Options) -> int:
        ready = sum(fault == "ok" for _, fault in options)
        index = choices.randrange(ready)
        if choices.random() >= chance:
            return index
        return choices.choice(
            [i for i, (actor, fault) in enumerate(options) if actor is options[index][0] and i != index]
        )

    try:
        return play(scenario(choices), choose, MOST_FAULTS, coverage)
    except Broken as exc:
        exc.add_note(f"the history of seed {seed}")
        raise
