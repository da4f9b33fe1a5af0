"""Schedulers as real processes, whose time goes fast, and what they leave in a registry."""

import contextlib
import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from tests.conftest import ROOT
from tests.models_file import SPEC
from tests.waiting import wait_until

# Time stands still until the file named begins it; then half a minute is a second, for limits and for claims too.
FAST = 30
FAST_CLOCK = """
import os, sys, time
from datetime import UTC, datetime, timedelta
from functools import partial
from training.__main__ import main
from training.schedule.due import run_due
from training.schedule.keep import run_schedule
def clock():
    begun = os.stat(sys.argv[1]).st_mtime if os.path.exists(sys.argv[1]) else time.time()
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=FAST * (time.time() - begun) + float(sys.argv[2]))
sys.exit(main(sys.argv[3:], schedule=partial(run_schedule, clock=clock), due=partial(run_due, clock=clock)))
""".replace("FAST", str(FAST))
SCHEDULED = {**SPEC, "schedule": "*/2 * * * *"}
ONCE = {"schedule": "1 0 1 1 *"}
BAD = {**SCHEDULED, "target": "nothing"}
WEAK = {**SCHEDULED, "gate": {"accuracy": {"min": 1}}, "features": ["ash"]}


def launch(begin: Path, ahead: float, *arguments: str) -> "subprocess.Popen[str]":
    """`train` with a clock that stands at so many seconds until the file `begin` is there."""
    return subprocess.Popen(
        [sys.executable, "-c", FAST_CLOCK, str(begin), str(ahead), *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


def end(process: "subprocess.Popen[str]") -> None:
    """Kill it, and the run that it started, which a killed schedule does not tell to stop."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            child.kill()
    process.kill()
    process.communicate()


def read(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """The next line that it prints."""
    assert process.stdout is not None
    return json.loads(process.stdout.readline())  # type: ignore[no-any-return]


def done(folder: Path, run: dict[str, Any]) -> Any:
    """What the registry says of how a run ended."""
    minute = datetime.fromisoformat(run["due"]).strftime("%Y%m%dT%H%MZ")
    path = folder / ".registry/_schedule" / run["model"] / minute / "done.json"
    wait_until(path.exists, 10)  # it is stored after it is told
    return json.loads(path.read_text())


def claims(folder: Path) -> list[dict[str, Any]]:
    """Those of the only time that was claimed, in their order."""
    paths = folder.glob(".registry/_schedule/*/*/[0-9]*.json")
    return [json.loads(path.read_text()) for path in sorted(paths, key=lambda path: int(path.stem))]


def wait_for_claims(folder: Path, count: int) -> None:
    """Until there are so many: a claim is extended."""
    wait_until(lambda: len(claims(folder)) >= count)
