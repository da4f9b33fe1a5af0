"""A run of a schedule: `train` for one model, in a process that ends with the thread that started it.

`python -m training.schedule.run_process …` is that process; its arguments are those of `train`.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from brinery.loading.isolation import end_with_parent
from brinery.versions.manifest import PASSING
from training.schedule.claims import Outcome

POLL_SECONDS = 0.5
TRACKER_SECONDS = 1.0  # in which what joblib shared between processes is given back

# The schedule stops; the model took longer than its limit; somebody else may train it soon.
Why = Literal["stop", "late", "lost"]


class Order(NamedTuple):
    """What ends a run: SIGTERM, in time for what is being written to be finished, or SIGKILL."""

    why: Why
    kill: bool = False


@dataclass(frozen=True)
class Ended:
    """How a run ended: its exit code, below 0 a signal; what it was told; what `train --json` printed."""

    code: int
    told: Why | None
    errors: str
    published: dict[str, Any] = field(default_factory=dict)

    @property
    def outcome(self) -> Outcome | None:
        """None where it may be tried again: it was ended for no fault of its own, or killed by others."""
        if self.published:
            return "published" if self.published["gate"]["verdict"] in PASSING else "gate not passed"
        if self.told in ("stop", "lost") or (self.told is None and self.code < 0):
            return None
        return "failed"

    @property
    def text(self) -> str:
        """The outcome in a word or two."""
        return self.outcome or {"stop": "stopped", "lost": "lost"}.get(str(self.told), "killed")


def run(arguments: Sequence[str], order: Callable[[], Order | None]) -> Ended:
    """Run `train` to its end, or to that which `order` gives, which is asked again and again."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "training.schedule.run_process", str(os.getpid()), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",  # what a library writes there may be in any encoding
        start_new_session=True,  # a Ctrl-C is for the scheduler
    )
    told: Why | None = None
    while True:
        try:
            out, err = process.communicate(timeout=POLL_SECONDS)
            break
        except subprocess.TimeoutExpired:
            given = order()
            if given is not None and given.kill:
                process.kill()
            elif given is not None and told is None:
                process.terminate()
            told = told or (given and given.why)
            if process.poll() is not None:
                _end_group(process.pid)  # what it left behind may hold the pipes open
    if process.returncode < 0:
        _end_group(process.pid)
    lines = [line.removeprefix("train: ") for line in err.splitlines() if line.startswith("train: ")]
    errors = "; ".join(lines) or f"the process ended with {process.returncode}: {err.strip()[-400:]}"
    return Ended(process.returncode, told, errors, _published(out))


def _end_group(group: int) -> None:
    """Kill the processes that a killed run has left."""
    time.sleep(TRACKER_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def _published(out: str) -> dict[str, Any]:
    """What was told last: a library may write there too."""
    try:
        told = json.loads(out.strip().rpartition("\n")[2])
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


if __name__ == "__main__":
    end_with_parent(int(sys.argv.pop(1)))
    from training.__main__ import main

    sys.exit(main())
