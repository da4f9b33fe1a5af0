"""The schedule: each model trained by its cron line, one after the other, each run in a process of its own."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

from cronsim import CronSim

from brinery.loading.isolation import close_this_process
from brinery.versions.manifest import utc_text
from training.errors import SpecInvalid
from training.spec import ModelSpec

OUTCOMES = {0: "published", 3: "gate not passed"}
POLL_SECONDS = 0.5


def next_time(line: str) -> datetime:
    """When a cron line next comes due, in UTC."""
    return next(CronSim(line, datetime.now(UTC)))


def run_schedule(
    file: Path,
    specs: Mapping[str, ModelSpec],
    arguments: Sequence[str],
    next_time: Callable[[str], datetime] = next_time,
) -> int:
    """Train each model that has a schedule when its time comes, until SIGTERM or Ctrl-C; one JSON line a run on stdout.

    A model whose time comes while another is trained waits for it; a time that passes during its own run is left out.

    Args:
        file: where the models are declared, for messages.
        arguments: of the `train` command, for every run.
        next_time: when a model's line comes due.

    Raises:
        SpecInvalid: no model has a schedule.
    """
    close_this_process()
    lines = {name: spec.schedule for name, spec in specs.items() if spec.schedule}
    if not lines:
        raise SpecInvalid(f'no model in {file} has a schedule, such as "schedule": "0 3 * * *"')
    stopping = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    due = {name: next_time(line) for name, line in lines.items()}
    for name, moment in due.items():
        print(f"train: {name} is next trained at {utc_text(moment)}", file=sys.stderr, flush=True)
    while not stopping.wait(POLL_SECONDS):
        name = min(due, key=lambda model: due[model])
        if due[name] <= datetime.now(UTC):
            _run(name, due[name], arguments, stopping)
            due[name] = next_time(lines[name])
    return 0


def _run(name: str, due: datetime, arguments: Sequence[str], stopping: Event) -> None:
    """Run `train` for one model to its end, and log it; told to stop, it tells the run, which ends between steps."""
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "training", name, "--json", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a Ctrl-C is for the scheduler
    )
    told = False
    while True:
        try:
            out, err = process.communicate(timeout=POLL_SECONDS)
            break
        except subprocess.TimeoutExpired:
            if stopping.is_set() and not told:
                process.terminate()
                told = True
    published = json.loads(out) if out.strip() else {}
    errors = [line.removeprefix("train: ") for line in err.splitlines() if line.startswith("train: ")]
    outcome = OUTCOMES.get(process.returncode, "stopped" if told else "failed")
    fields: dict[str, Any] = {"outcome": outcome}
    if published:
        fields |= {"reference": published["reference"], "metrics": published["metrics"]}
    if outcome == "failed":
        fields["error"] = "; ".join(errors) or f"the process ended with {process.returncode}: {err.strip()[-400:]}"
    line = {"time": utc_text(datetime.now(UTC)), "event": "run", "model": name, "due": utc_text(due), **fields}
    print(json.dumps({**line, "seconds": round(time.monotonic() - started, 1)}), flush=True)
