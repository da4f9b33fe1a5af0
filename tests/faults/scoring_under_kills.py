"""Runs of `score` that are killed: whatever is left, the same command completes it, with the same bytes.

The program scores files once undisturbed, and then again and again, each run killed by SIGKILL at random moments and
begun again until it is done; some have a second process on the same run. It prints what came of it, and exits with 1
where a promise was broken.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import obstore

from brinery.versions.reference import Reference
from brinery.versions.store import open_store
from tests.brinery.scoring.runs import stored, write_rows
from tests.brinery.scoring.test_score import wine_rows
from tests.conftest import ROOT, s3_service
from tests.examples import publish_example
from tests.job_service import keys_of_nobody

FILES, ROWS = 40, 5000
BROKEN = ("other bytes", "failed", "not done")
TRIES = 200  # of one run


class Runs:
    """Runs over one input, with a version of a registry in a folder; `base` is the URL that places lie below."""

    def __init__(self, folder: Path, base: str) -> None:
        store = open_store((folder / "registry").as_uri(), create=True)
        self.reference: Reference = publish_example(store, "wine")
        self.registry, self.base = store.url, base
        for place in range(FILES):
            write_rows(wine_rows(ROWS, place), folder / f"in/{place:03}.{'csv' if place % 4 == 0 else 'parquet'}")
        self.given = str(folder / "in")
        if base.startswith("s3:"):
            bucket = open_store(base)
            for path in sorted((folder / "in").iterdir()):
                obstore.put(bucket.backend, f"in/{path.name}", path.read_bytes())
            self.given = f"{base}/in"

    def start(self, out: str) -> "subprocess.Popen[str]":
        """The command, in a process of its own."""
        command = [
            sys.executable,
            "-m",
            "brinery.commands.score",
            str(self.reference),
            self.given,
            f"{self.base}/{out}",
        ]
        return subprocess.Popen(
            [*command, "--registry", self.registry, "--json"],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def files(self, out: str) -> dict[str, Any]:
        """What lies there, without the time at which it was begun."""
        found: dict[str, Any] = dict(stored(f"{self.base}/{out}"))
        for name in ("_run.json", "_manifest.json"):
            told = json.loads(found.get(name, b"{}"))
            for part in (told, told.get("counts") or {}):
                for key in ("started_at", "from", "to"):
                    part.pop(key, None)
            found[name] = told
        return found


def disturbed(runs: Runs, out: str, chance: random.Random, longest: float, most: int) -> tuple[int, str]:
    """Begin a run until it is done, and kill it at most so many times; how many it were, and what came of it."""
    kills = 0
    for _ in range(TRIES):
        processes = [runs.start(out) for _ in range(chance.choice([1, 1, 2]))]
        ended = [_ended(process, chance.uniform(0, longest) if kills < most else None) for process in processes]
        for process, end in zip(processes, ended, strict=True):
            if end is None:
                kills += 1
            elif end:
                return kills, f"failed: {end}"
            process.wait()
        if any(end == "" for end in ended):
            return kills, ""
    return kills, "not done"


def _ended(process: "subprocess.Popen[str]", seconds: float | None) -> str | None:
    """What a process said that failed, "" where it did not; None where it was killed after so many seconds."""
    try:
        _, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.communicate()
        return None
    return "" if process.returncode == 0 else err or f"ended with {process.returncode}"


def campaign(folder: Path, base: str, kills: int, seed: int) -> dict[str, Any]:
    """Disturb runs until there were so many kills, and compare each with the undisturbed one."""
    runs, chance, found = Runs(folder, base), random.Random(seed), Counter[str]()
    begin = time.monotonic()
    failed = _ended(runs.start("whole"), None)
    longest = time.monotonic() - begin
    assert failed == "", failed
    whole = runs.files("whole")
    number = 0
    while found["kills"] < kills:
        out = f"out-{number}"
        count, wrong = disturbed(runs, out, chance, longest, kills - found["kills"])
        found["runs"] += 1
        found["kills"] += count
        if wrong:
            found[wrong.partition(":")[0]] += 1
            print(wrong, file=sys.stderr)
        elif runs.files(out) != whole:
            found["other bytes"] += 1
        number += 1
    return {"parts": len([name for name in whole if name.startswith("part-")]), **found}


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults.scoring_under_kills",
        description=__doc__,
        epilog="example: python -m tests.faults.scoring_under_kills --kills 50",
    )
    parser.add_argument(
        "--kills", type=int, default=50, metavar="N", help="on S3, and as many in a folder; default: 50"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the kills' moments")
    arguments = parser.parse_args(argv)
    broken = 0
    with tempfile.TemporaryDirectory() as name, keys_of_nobody():
        folder = Path(name)
        (folder / "service").mkdir()
        with s3_service(folder / "service") as endpoint:
            os.environ["AWS_ENDPOINT_URL_S3"] = endpoint
            for kind, base in (("folder", (folder / "here").as_uri()), ("S3", "s3://models/runs")):
                (folder / kind).mkdir()
                found = campaign(folder / kind, base, arguments.kills, arguments.seed)
                print(f"{kind:8}", ", ".join(f"{value} {name}" for name, value in found.items()))
                broken += sum(found.get(name, 0) for name in BROKEN)
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
