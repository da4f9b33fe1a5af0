"""A writer: takes lines at once, and writes them in a thread of its own, however slow what it writes to is."""

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from threading import Condition, Thread

from brinery.errors import words_of

LINES, BYTES = 2000, 32_000_000  # that wait at most, what is being written among them
SECONDS = 2.0  # that an answer of a Lambda function waits at most
PAUSE_SECONDS = 30.0  # after a fault, in which lines are dropped: what hangs shall not hold up each answer
TELL_SECONDS = 60.0  # from one line of the log about lines that were dropped to the next

log = logging.getLogger("brinery.serving")


class Writer:
    """Lines that wait, and the thread that writes them, begun with the first; any thread may use it."""

    def __init__(self, write: Callable[[Sequence[str]], None], clock: Callable[[], float] = time.monotonic) -> None:
        """Nothing waits yet.

        Args:
            write: takes lines together; what it raises is logged, and the lines are lost.
        """
        self._write, self._clock = write, clock
        self._waiting: deque[tuple[Sequence[str], int]] = deque()
        self._lines = self._bytes = self._dropped = 0
        self._paused_until = self._told_at = -float("inf")
        self._changed = Condition()
        self._thread: Thread | None = None

    def put(self, lines: Sequence[str]) -> None:
        """Let lines be written, all of them or, where there is no room, none."""
        size = sum(map(len, lines))
        with self._changed:
            if self._clock() < self._paused_until:
                self._drop(len(lines))
            elif self._lines + len(lines) > LINES or self._bytes + size > BYTES:
                self._drop(len(lines))
                self._tell("they come faster than they can be written")
            else:
                self._waiting.append((lines, size))
                self._lines, self._bytes = self._lines + len(lines), self._bytes + size
                if self._thread is None:
                    self._thread = Thread(target=self._run, name="writer", daemon=True)
                    self._thread.start()
                self._changed.notify_all()

    def flush(self, seconds: float = SECONDS) -> None:
        """Wait until nothing waits any more, for so many seconds at most."""
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting, seconds)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                lines, size = self._waiting[0]
            fault = self._written(lines)
            with self._changed:
                self._waiting.popleft()
                self._lines, self._bytes = self._lines - len(lines), self._bytes - size
                if fault is not None:
                    self._drop(len(lines))
                    self._paused_until = self._clock() + PAUSE_SECONDS
                    self._give_up()
                    self._tell(fault)
                self._changed.notify_all()

    def _written(self, lines: Sequence[str]) -> str | None:
        """What went wrong, or None."""
        try:
            self._write(lines)
        except Exception as exc:
            return f"{type(exc).__name__}: {words_of(exc)}"
        return None

    def _give_up(self) -> None:
        """Drop all that waits, for which whoever waits shall not wait any more."""
        self._drop(self._lines)
        self._waiting.clear()
        self._lines = self._bytes = 0

    def _drop(self, count: int) -> None:
        self._dropped += count

    def _tell(self, why: str) -> None:
        """Say in the log how many lines are lost, now and then."""
        now = self._clock()
        if now - self._told_at >= TELL_SECONDS:
            log.error("%d captured lines are lost: %s", self._dropped, why)
            self._told_at, self._dropped = now, 0
