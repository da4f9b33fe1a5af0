"""The world that actors share, a store, an environment and a clock, and what each effect on it may come to."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

import obstore
from obstore import exceptions
from obstore.store import MemoryStore

from brinery.errors import EnvironmentFailed, EnvironmentSilent
from brinery.promotion.environment import Held, State
from brinery.versions.finding import Finding
from brinery.versions.store import Request, Store
from training.schedule.claims import LEASE

Fault = Literal["ok", "fails before", "answer lost", "409", "412", "throttled", "crash", "stall"]
Kind = Literal[Request, "held", "lock", "change", "hand", "train", "wait"]
READING: tuple[Fault, ...] = ("ok", "fails before", "answer lost", "throttled", "crash", "stall")
FAULTS: dict[Kind, tuple[Fault, ...]] = {
    "put": ("ok", "fails before", "answer lost", "409", "412", "throttled", "crash", "stall"),
    "get": READING,
    "head": READING,
    "list": READING,
    "held": ("ok", "fails before", "crash", "stall"),
    "lock": ("ok", "crash", "stall"),
    "change": ("ok", "fails before", "answer lost", "crash", "stall"),
    "hand": ("ok", "crash", "stall"),
    "train": ("ok", "crash", "stall"),
    "wait": ("ok", "crash"),
}
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
STALL = LEASE - timedelta(seconds=10)  # so that a stall ends where clocks that are apart do not agree
URL = "s3://simulated"
MODEL = "tiny"
FILE = "model.joblib"


@dataclass(frozen=True)
class Effect:
    """What an actor is about to do; `do` does it at once, `seen` is what its answer depends on, a wait ends `at`."""

    kind: Kind
    what: str
    do: Callable[[], Any]
    seen: Callable[[], object] = lambda: None
    at: timedelta = timedelta()

    @property
    def label(self) -> str:
        return f"{self.kind} {self.what}".strip()


Step = Callable[[Effect], Any]


@dataclass(frozen=True)
class Change:
    """What an environment held from some moment on, and who set it."""

    by: str
    pin: str | None
    record: str | None


class Trained(NamedTuple):
    """An attempt that was carried out, by whom, and the number that was claimed for it."""

    attempt: int
    by: str
    number: int


@dataclass
class World:
    """Everything that is not within an actor; `watch` is told of each object and change as it comes to be."""

    objects: dict[str, bytes] = field(default_factory=dict)
    writers: dict[str, str] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    trained: list[Trained] = field(default_factory=list)
    training: dict[str, datetime] = field(default_factory=dict)  # who, and until when before it is killed
    begun: timedelta = timedelta()  # when the last attempt was
    crashed: timedelta = timedelta()  # when an actor last did
    locked_by: str | None = None
    now: timedelta = timedelta()
    watch: Callable[[str, object], None] = lambda by, what: None
    backend: MemoryStore = field(default_factory=MemoryStore)

    def __post_init__(self) -> None:
        for path, data in self.objects.items():
            obstore.put(self.backend, path, data)

    @property
    def held(self) -> Change:
        return self.changes[-1] if self.changes else Change("", None, None)

    @property
    def state(self) -> int:
        """The same where all that actors can find, and all that is checked, is the same."""
        return hash(
            (
                frozenset(self.objects.items()),
                tuple(self.changes),
                tuple(self.trained),
                tuple(self.training.items()),
                self.begun,
                self.crashed,
                self.locked_by,
                self.now,
            )
        )

    def wrote(self, by: str, path: str) -> None:
        data = bytes(obstore.get(self.backend, path).bytes())
        self.objects[path], self.writers[path] = data, by
        self.watch(by, path)

    def change(self, change: Change) -> None:
        self.changes.append(change)
        self.watch(change.by, change)

    def begin(self, by: str, until: datetime) -> None:
        """A run that begins after its deadline is killed at once."""
        self.begun = self.now
        self.hold(by, until)

    def hold(self, by: str, until: datetime) -> None:
        """What is trained, by one alone, has another deadline."""
        self.training[by] = until
        if self.clock() < until:
            self.watch(by, {who: end for who, end in self.training.items() if who != by and self.clock() < end})

    def end(self, by: str, attempt: int, number: int) -> None:
        """What is trained after the deadline is killed, and trains nothing."""
        if self.clock() < self.training[by]:
            self.trained.append(Trained(attempt, by, number))

    def clock(self) -> datetime:
        return BEGIN + self.now


def perform(world: World, effect: Effect, fault: Fault) -> Any:
    """Have an effect come out in this way; a crash is the scheduler's affair."""
    if fault == "stall":
        world.now += STALL
    if fault in ("ok", "stall"):
        return effect.do()
    if fault in ("answer lost", "412") and effect.kind in ("put", "change"):
        try:
            effect.do()
        except exceptions.AlreadyExistsError:
            pass
    if effect.kind in ("held", "change"):
        raise (EnvironmentSilent if fault == "answer lost" else EnvironmentFailed)(fault)
    raise (exceptions.AlreadyExistsError if fault in ("409", "412") else exceptions.GenericError)(fault)


class SimulatedStore(Store):
    """The real store on objects in memory, each request of which is an effect; its time is its own."""

    def __init__(self, world: World, by: str = "", step: Step | None = None) -> None:
        self._seconds = 0.0
        super().__init__(world.backend, URL, patience=0.1, clock=lambda: self._seconds, pause=self._wait)
        self._world, self._by = world, by
        self._step = step or (lambda effect: perform(world, effect, "ok"))

    def request[Answer](self, kind: Request, path: str, ask: Callable[[], Answer]) -> Answer:
        def do() -> Answer:
            answer = ask()
            if kind == "put":
                self._world.wrote(self._by, path)
            return answer

        def seen() -> object:
            objects = self._world.objects
            return frozenset(each for each in objects if each.startswith(path)) if kind == "list" else objects.get(path)

        answer: Answer = self._step(Effect(kind, _what(path), do, seen))
        return answer

    def _wait(self, seconds: float) -> None:
        self._seconds += seconds


class SimulatedEnvironment:
    """An environment that one promotion at a time changes, and a person whenever they like."""

    registry = None
    name = "simulated"

    def __init__(self, world: World, by: str, step: Step) -> None:
        self._world, self._by, self._step = world, by, step
        self.parts = (world, by, step)

    def held(self, model: str) -> Held:
        def do() -> Held:
            return Held(self._world.held.pin, self._world.held.record)

        held: Held = self._step(Effect("held", "", do, lambda: self._world.held))
        return held

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        def lock() -> None:
            self._world.locked_by = self._by

        self._step(Effect("lock", "", lock))
        try:
            yield
        finally:  # as the system gives back what a process that ends has locked
            self._world.locked_by = None

    def prepare(self, state: State) -> Callable[[str], None]:
        def change(record: str) -> None:
            to = Change(self._by, str(state.reference), record)
            self._step(Effect("change", "", lambda: self._world.change(to)))

        return change

    def follow(self, record: str, report: Callable[[str], None]) -> tuple[bool, str] | None:
        return None

    def findings(self) -> Iterator[Finding]:
        return iter(())

    def next_step(self, store_url: str, ended: str | None) -> str:
        return ""


def _what(path: str) -> str:
    """The kind of object that a path names, or of folder that is listed."""
    name = path.rpartition("/")[2]
    if path.startswith("_promotions/"):
        return "record" if name.endswith(".json") else "records"
    if path.startswith("_schedule/"):
        return "done" if name == "done.json" else "attempt"
    return name if "." in name else "numbers"


Coverage = Counter[tuple[str, Fault]]
