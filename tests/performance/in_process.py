"""One function without emulator and runtime client: its handler, called inside its own Python."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.performance.environments import clean_environment
from tests.performance.functions import Function

WORKER = Path(__file__).with_name("worker.py")


class Worker:
    """A function's started Python."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self._process = process
        self._log = log

    def call(self, event: bytes, count: int) -> list[float]:
        """Call the handler, and return the seconds of each call."""
        return [float(seconds) for seconds in self._ask(event, count)["seconds"]]

    def answer(self, event: bytes) -> Any:
        """What the handler answers: the body, decoded."""
        return json.loads(self._ask(event, 1)["body"])

    def _ask(self, event: bytes, count: int) -> Any:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps({"event": event.decode(), "count": count}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the function's process ended; its log ends: {self._log.read_text()[-2000:]}")
        return json.loads(line)


@contextmanager
def in_process(function: Function) -> Iterator[Worker]:
    """Start the function's Python, and end it."""
    log = function.folder / f"log-{time.time_ns()}"
    with log.open("w") as output:
        process = subprocess.Popen(
            [function.python, WORKER, function.handler],
            env=clean_environment(function.variables),
            cwd=function.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
        )
    with process:
        try:
            yield Worker(process, log)
        finally:
            process.kill()
