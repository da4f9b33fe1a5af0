"""Scenarios: small ones of which every history is tried, and large ones of a seed."""

import random
from functools import cache
from itertools import count

from brinery.versions.reference import Reference
from tests.simulation.actors import (
    REAL,
    Attack,
    Code,
    Played,
    Role,
    Scheduler,
    forged,
    hand,
    promoter,
    publisher,
    rollback,
)
from tests.simulation.histories import Scenario
from tests.simulation.world import MODEL, Change, World, perform

AHEAD = 30.0  # seconds of one scheduler's clock; twice that are apart at most


@cache
def before() -> tuple[dict[str, bytes], tuple[Change, ...], tuple[Reference, ...]]:
    """A registry with three versions, of which the first and then the second were promoted."""
    world = World()

    def play(role: Role, by: str) -> object:
        return role(Played(by, world, lambda effect: perform(world, effect, "ok"), REAL))

    references = [publisher_of(play(publisher, f"earlier {number}")) for number in (1, 2, 3)]
    for reference in references[:2]:
        play(promoter(reference), "earlier")
    return world.objects, tuple(world.changes), tuple(references)


def publisher_of(answer: object) -> Reference:
    assert isinstance(answer, Reference)
    return answer


def small(name: str, code: Code = REAL) -> Scenario:
    """Of two or three actors."""
    objects, changes, (first, _, third) = before()
    roles: dict[str, dict[str, Role]] = {
        "two publishers": {"publisher 1": publisher, "publisher 2": publisher},
        "promote, promote": {"promoter 1": promoter(third), "promoter 2": promoter(first)},
        "promote, rollback": {"promoter 1": promoter(third), "promoter 2": rollback},
        "rollback, rollback": {"promoter 1": rollback, "promoter 2": rollback},
        "promote, hand": {"promoter 1": promoter(third), "hand": hand(str(first))},
        "rollback, hand, attacker": {"promoter 1": rollback, "hand": hand(f"{MODEL}:1"), "attacker": attack()},
        "publisher, attacker": {"publisher 1": publisher, "attacker": attack()},
        "two schedulers": {"scheduler 1": Scheduler(), "scheduler 2": Scheduler(AHEAD)},
        "two schedulers of one clock": {"scheduler 1": Scheduler(), "scheduler 2": Scheduler()},
        "three schedulers": {f"scheduler {n}": Scheduler(ahead) for n, ahead in enumerate((0, AHEAD, -AHEAD), 1)},
    }
    stalls = "schedulers" in name
    if name.startswith(("two ", "three ")):
        return Scenario(lambda: roles[name], code=code, stalls=stalls)
    return Scenario(lambda: roles[name], objects, changes, code, stalls)


SMALL = (
    "two publishers",
    "promote, promote",
    "promote, rollback",
    "rollback, rollback",
    "promote, hand",
    "rollback, hand, attacker",
    "publisher, attacker",
    "two schedulers",
    "two schedulers of one clock",
    "three schedulers",
)


@cache
def attack() -> Attack:
    _, changes, references = before()
    return Attack(forged(references[2], changes[-1]))


def large(choices: random.Random, code: Code = REAL) -> Scenario:
    """Of two to five actors, drawn by chance."""
    objects, changes, references = before()
    pins = [*map(str, references), f"{MODEL}:1", None]
    numbers = count(1)
    roles: dict[str, Role] = {}
    for _ in range(choices.randint(2, 5)):
        kind = choices.choice(("publisher", "promoter", "rollback", "hand", "scheduler", "attacker"))
        drawn: dict[str, tuple[str, Role]] = {
            "publisher": ("publisher", publisher),
            "promoter": ("promoter", promoter(choices.choice(references))),
            "rollback": ("promoter", rollback),
            "hand": ("hand", hand(choices.choice(pins))),
            "scheduler": ("scheduler", Scheduler(choices.uniform(-AHEAD, AHEAD), extensions=choices.randint(0, 3))),
            "attacker": ("attacker", attack()),
        }
        name, role = drawn[kind]
        roles[name if name == "attacker" else f"{name} {next(numbers)}"] = role
    if choices.random() < 0.3:
        return Scenario(lambda: roles, code=code)
    return Scenario(lambda: roles, objects, changes, code)
