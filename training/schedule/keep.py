"""`train --schedule`: each model trained by its cron line, for as long as the scheduler runs."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from threading import Thread

from brinery.versions.manifest import utc_text
from training.models_file import ModelsFile
from training.schedule.claims import Settled
from training.schedule.log import one_line, say
from training.schedule.run_process import Ended
from training.schedule.scheduled_model import LOOK_SECONDS, POLL_SECONDS, ScheduledModel, scheduled_models
from training.schedule.times import now
from training.spec import ModelSpec


def run_schedule(
    file: ModelsFile,
    specs: Mapping[str, ModelSpec],
    registry: str | None,
    arguments: Sequence[str],
    clock: Callable[[], datetime] = now,
) -> int:
    """Train each model that has a schedule when its time comes, until SIGTERM or Ctrl-C; one JSON line a run on stdout.

    Two models are trained at once, and others wait for them. Of many schedulers of one registry, one trains a model
    at a time. What no scheduler comes to train before the model's next time is left out.

    Args, Raises:
        those of `scheduled_models`.
    """
    models = scheduled_models(file, specs, registry, arguments, clock)
    # A run ends with the thread that started it: each thread is there for as long as the scheduler is.
    threads = [Thread(target=keep, args=(model,)) for model in models]
    for thread in threads:
        thread.start()
    while not models[0].stopping.wait(POLL_SECONDS):
        pass
    for thread in threads:
        thread.join()
    return 0


def keep(model: ScheduledModel) -> None:
    """Train it whenever it is due, until the scheduler stops."""
    due = model.next(model.now())
    say(f"{model.name} is next trained at {utc_text(due)}")
    while not model.stopping.wait(POLL_SECONDS):
        if model.now() < due:
            continue
        if model.next(due) <= model.now():
            say(f"{model.name} was not trained by this scheduler at {utc_text(due)}, which is over")
        elif not _come_to(model, due):
            continue
        due = time_after(model, due)


def time_after(model: ScheduledModel, due: datetime) -> datetime:
    """The last time after this one that has come already, or else the first that is to come."""
    come = model.last()
    return come if come is not None and come > due else model.next(due)


def _come_to(model: ScheduledModel, due: datetime) -> bool:
    """Do what there is to do at this time; whether that was all."""
    try:
        came = model.come_to(due)
    except Exception as exc:  # the store is down, this machine has no memory for a process, or anything: it goes on
        say(f"{model.at(due)} waits: {one_line(exc)}")
        model.stopping.wait(LOOK_SECONDS)
        return False
    if isinstance(came, Settled):
        how = "was trained by another scheduler" if came.done else "is left, after attempts that were all killed"
        say(f"{model.at(due)} {how}")
        return True
    if isinstance(came, Ended):
        return came.outcome is not None
    if came is not None:
        model.stopping.wait(LOOK_SECONDS)
    return False
