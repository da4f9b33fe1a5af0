"""A progress bar on standard error, for people who wait; silent where nobody looks."""

import sys
from collections.abc import Collection, Iterator
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
