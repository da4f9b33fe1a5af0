"""`train --due`: one look at what is due, for a scheduler elsewhere that starts it again and again."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Literal, get_args

from training.models_file import ModelsFile
from training.schedule.claims import Outcome, Settled
from training.schedule.log import one_line, say, tell
from training.schedule.run_process import Ended
from training.schedule.scheduled_model import LOOK_SECONDS, ScheduledModel, scheduled_models
from training.schedule.times import now
from training.spec import ModelSpec

# What came of a model: nothing was left to do, it was trained, it is by another scheduler, or it is left as it is.
Found = Literal["not_due", "trained", "gates_not_passed", "failed", "elsewhere", "left"]
FOUND: Mapping[Outcome, Found] = {"published": "trained", "gate not passed": "gates_not_passed", "failed": "failed"}


def run_due(
    file: ModelsFile,
    specs: Mapping[str, ModelSpec],
    registry: str | None,
    arguments: Sequence[str],
    clock: Callable[[], datetime] = now,
) -> int:
    """Train each model that was not at the last time its schedule names; one JSON line a run, and one at the end.

    Two models are trained at once, and others wait for them. What another scheduler trains is left to it; where that
    one was killed, its claim is waited for.

    Args, Raises:
        those of `scheduled_models`.
    """
    models = scheduled_models(file, specs, registry, arguments, clock)
    # A run ends with the thread that started it: each thread is there until all have ended.
    with ThreadPoolExecutor(len(models)) as pool:
        found = Counter(pool.map(look, models))
    tell("due", clock(), models=len(models), **{each: found[each] for each in get_args(Found)})
    if found["failed"] or found["left"]:
        return 1
    return 3 if found["gates_not_passed"] else 0


def look(model: ScheduledModel) -> Found:
    """Train it, where it is due and nobody else does."""
    held: dict[datetime, datetime] = {}  # until when others were found to hold a time at first
    while not model.stopping.is_set():
        due = model.last()
        if due is None:
            return "not_due"
        try:
            came = model.come_to(due)
        except Exception as exc:  # the store is down, this machine has no memory for a process, or anything
            say(f"{model.at(due)} is left: {one_line(exc)}")
            return "left"
        if isinstance(came, Settled):
            return _settled(model, due, came)
        if isinstance(came, Ended):
            if found := _ended(model, due, came):
                return found
            held.clear()
        elif came is not None:
            if came.until > held.setdefault(due, came.until):
                tell("elsewhere", model.now(), model=model.name, due=due)
                return "elsewhere"
            model.stopping.wait(LOOK_SECONDS)
    return "left"


def _settled(model: ScheduledModel, due: datetime, settled: Settled) -> Found:
    if settled.done:
        return "not_due"
    say(f"{model.at(due)} is left, after attempts that were all killed")
    return "left"


def _ended(model: ScheduledModel, due: datetime, ended: Ended) -> Found | None:
    """What came of a run; None where it may be tried again, once its claim has ended."""
    if error := model.error(ended):
        say(f"{model.at(due)} {ended.text}: {' '.join(error.split())}")
    return FOUND[ended.outcome] if ended.outcome else None
