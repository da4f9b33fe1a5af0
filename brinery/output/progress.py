"""A progress bar on standard error, for people who wait; silent where nobody looks."""

import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

WIDTH = 20


def progress[T](things: Collection[T], doing: str) -> Iterator[T]:
    """Yield the things, showing how many of them are done."""
    shown = sys.stderr.isatty()
    try:
        for done, thing in enumerate(things):
            if shown:
                filled = WIDTH * done // len(things)
                bar = "#" * filled + "." * (WIDTH - filled)
                print(f"\r\x1b[K{doing} [{bar}] {done}/{len(things)}", end="", file=sys.stderr, flush=True)
            yield thing
    finally:
        if shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


@contextmanager
def waiting(doing: str) -> Iterator[None]:
    """Show the bar while one thing is done."""
    yield from progress([None], doing)


class Meter:
    """A bar for rows that are done, with how many a second and the time that is left; silent where nobody looks."""

    def __init__(self, doing: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._doing, self._clock = doing, clock
        self._shown = sys.stderr.isatty()
        self._begin = clock()

    def __call__(self, rows: int, share: float) -> None:
        """Show how many rows are done, and which share of all that is."""
        if not self._shown:
            return
        seconds = self._clock() - self._begin
        filled = round(WIDTH * share)
        bar = "#" * filled + "." * (WIDTH - filled)
        pace = f"{rows / seconds:,.0f} rows/s" if seconds > 0 else ""
        left = f", {_time_text(seconds * (1 - share) / share)} left" if share > 0 else ""
        print(f"\r\x1b[K{self._doing} [{bar}] {rows:,} rows, {pace}{left}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Take the bar away."""
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _time_text(seconds: float) -> str:
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"
