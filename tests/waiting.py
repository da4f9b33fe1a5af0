"""Waiting for a condition, and not for a time."""

import time
from collections.abc import Callable
from subprocess import Popen
from typing import Any


def wait_until(holds: Callable[[], bool], seconds: float = 180, told: Callable[[], object] = str) -> None:
    """Look again and again until it holds; after so many seconds the test fails, with what is `told`."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, told()
        time.sleep(0.02)


def wait_while_it_runs(process: Popen[Any], holds: Callable[[], bool], seconds: float = 180) -> None:
    """… of what a process does, which must not end before."""

    def found() -> bool:
        if holds():
            return True
        assert process.poll() is None
        return False

    wait_until(found, seconds)
