"""SIGTERM and Ctrl-C: a KeyboardInterrupt between steps or within one, but never while a version is written."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

RAISE_AGAIN_SECONDS = 2  # an exception within a callback of the interpreter is lost

_held = _pending = False


def listen() -> None:
    """Raise KeyboardInterrupt on SIGTERM, which process 1 of a container would ignore, and on Ctrl-C."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
        signal.signal(number, _raise)


def handled() -> None:
    """Say that the interrupt has arrived; until then it is raised again and again."""
    signal.alarm(0)


@contextmanager
def held_back() -> Iterator[None]:
    """Finish what is within; `raise_held` then gives the interrupt."""
    global _held
    _held = True
    try:
        yield
    finally:
        _held = False


def raise_held() -> None:
    """Raise what came while it was held back."""
    global _pending
    if _pending:
        _pending = False
        raise KeyboardInterrupt


def _raise(number: int, frame: FrameType | None) -> None:
    global _pending
    if _held:
        _pending = True
        return
    signal.alarm(RAISE_AGAIN_SECONDS)
    raise KeyboardInterrupt
