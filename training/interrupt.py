"""SIGTERM, Ctrl-C and time limits: an exception between steps or within one, but never while a version is written."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer
from types import FrameType

RAISE_AGAIN_SECONDS = 2  # an exception within a callback of the interpreter is lost
GIVE_UP_SECONDS = 30  # a fit within one call of a library does not see it

_held = _pending = _told = False
_limit: "tuple[float, Overdue] | None" = None


class Overdue(KeyboardInterrupt):
    """A model took longer than its time limit; the text is a sentence."""


def listen() -> None:
    """Raise KeyboardInterrupt on SIGTERM, which process 1 of a container would ignore, and on Ctrl-C."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
        signal.signal(number, _raise)


def handled() -> None:
    """Say that the interrupt has arrived; until then it is raised again and again."""
    global _told
    _told = False
    signal.alarm(0)


@contextmanager
def limited(name: str, seconds: int | None) -> Iterator[None]:
    """Raise Overdue where what is within, the training of that model, takes longer; where it does not see that, end.

    A version that is being written by then is written.
    """
    global _limit
    if seconds is None:
        yield
        return
    overdue = Overdue(f"{name}: took longer than its time_limit of {seconds} seconds, and was ended")
    _limit = (time.monotonic() + seconds, overdue)
    signal.alarm(seconds)
    last_resort = Timer(seconds + GIVE_UP_SECONDS, _give_up, (overdue,))
    last_resort.daemon = True
    last_resort.start()
    try:
        yield
    finally:
        last_resort.cancel()
        _limit = None
        if not _told:
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
    global _pending, _told
    overdue = _limit[1] if _limit is not None and time.monotonic() >= _limit[0] else None
    if _held:
        _pending = _pending or _told or number != signal.SIGALRM
        return
    _told = _told or number != signal.SIGALRM
    signal.alarm(RAISE_AGAIN_SECONDS)
    raise KeyboardInterrupt if _told or overdue is None else overdue


def _give_up(overdue: Overdue) -> None:
    if not _held:
        print(f"train: {overdue}, with this process", file=sys.stderr, flush=True)
        os._exit(1)
