"""Publishing, promoting, rolling back and claiming, through every fault, in every order or in very many."""

import multiprocessing
import os
import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import pytest

from tests.simulation.actors import Code
from tests.simulation.histories import exhaust, seeded
from tests.simulation.model import Broken
from tests.simulation.null_controls import NULL_CONTROLS
from tests.simulation.scenarios import SMALL, large, small
from tests.simulation.world import FAULTS, Coverage, Fault

HISTORIES = int(os.environ.get("HISTORIES", "20000"))
FIRST_SEED = int(os.environ.get("SEED", "0"))
LONG = (
    *("two publishers", "rollback, hand, attacker"),
    *("two schedulers", "two schedulers of one clock", "three schedulers"),
)
EFFECTS = (
    *(
        f"put {what}"
        for what in ("claim.json", "model.joblib", "golden.json", "manifest.json", "record", "attempt", "done")
    ),
    *(
        f"get {what}"
        for what in ("claim.json", "model.joblib", "golden.json", "manifest.json", "record", "attempt", "done")
    ),
    *(
        "head manifest.json",
        "head done",
        "list numbers",
        "held",
        "lock",
        "change",
        "hand",
        "train begin",
        "train end",
        "wait",
    ),
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "faults"),
    [
        pytest.param(name, faults, marks=[pytest.mark.campaign] * (faults == 2 or (name in LONG and faults == 1)))
        for name in SMALL
        for faults in ((0, 1) if name in LONG or "attacker" in name else (0, 1, 2))  # one more takes minutes
    ],
)
def test_every_history_of_a_few_actors_keeps_what_must_hold(name: str, faults: int) -> None:
    assert exhaust(small(name), faults, Counter()) > 1


@pytest.mark.parametrize("control", NULL_CONTROLS)
def test_what_is_wrong_is_found_in_every_history_of_a_few_actors(control: str) -> None:
    code, name, faults = NULL_CONTROLS[control]
    with pytest.raises(Broken):
        exhaust(small(name, code), faults, Counter())


@pytest.mark.slow
@pytest.mark.parametrize("control", NULL_CONTROLS)
def test_what_is_wrong_is_found_by_seeds(control: str) -> None:
    with pytest.raises(Broken, match="."):
        run(range(3000), NULL_CONTROLS[control][0])


def test_histories_of_seeds_are_the_same_again() -> None:
    first, again = ([str(seeded(large, seed, Counter())) for seed in range(50)] for _ in range(2))
    assert first == again
    assert len(set(first)) > 45  # of which a few have a person alone


@pytest.mark.slow
def test_a_thousand_histories_keep_what_must_hold() -> None:
    run(range(1000))


@pytest.mark.campaign
@pytest.mark.timeout(0)  # as long as so many take
def test_very_many_histories_keep_what_must_hold_through_every_fault_at_every_effect(
    record_property: Callable[[str, object], None],
) -> None:
    """HISTORIES says how many, and SEED the first; of one that breaks, HISTORIES=1 SEED=… plays it again."""
    workers = os.cpu_count() or 1
    chunks = [range(FIRST_SEED + n, FIRST_SEED + HISTORIES, workers * 4) for n in range(workers * 4)]
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        coverage: Coverage = sum(pool.map(run, chunks), Counter())
    record_property("simulation", f"{HISTORIES} histories from seed {FIRST_SEED}\n{table(coverage)}")
    assert HISTORIES < 20_000 or not missing(coverage)


def run(seeds: range, code: Code | None = None) -> Coverage:
    coverage: Coverage = Counter()
    scenario: Callable[[random.Random], object] = large if code is None else partial(large, code=code)
    for seed in seeds:
        seeded(scenario, seed, coverage)  # type: ignore[arg-type]
    return coverage


def missing(coverage: Coverage) -> list[tuple[str, Fault]]:
    return [(effect, fault) for effect in EFFECTS for fault in faults_of(effect) if not coverage[effect, fault]]


def faults_of(effect: str) -> tuple[Fault, ...]:
    return {str(kind): faults for kind, faults in FAULTS.items()}[effect.split()[0]]


def table(coverage: Coverage) -> str:
    """How often each effect came to each fault."""
    faults = FAULTS["put"]
    lines = [f"{'':20}" + "".join(f"{fault:>14}" for fault in faults)]
    for label in sorted({label for label, _ in coverage}):
        shown = [str(coverage[label, fault]) if fault in faults_of(label) else "-" for fault in faults]
        lines.append(f"{label:20}" + "".join(f"{text:>14}" for text in shown))
    return "\n".join(lines)
