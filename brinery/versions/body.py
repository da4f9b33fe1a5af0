"""Bodies of objects: taken piece by piece, with an eye on how quickly they arrive, and in parts side by side."""

from collections.abc import Buffer, Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from obstore import GetResult

STALL_SECONDS = 2.0
SLOWEST_BYTES_PER_SECOND = 250_000
LARGE, FIRST = 32 * 1024 * 1024, 16 * 1024 * 1024  # bytes of an object, and of it that show how quickly it arrives
PARTS, TRIES = 6, 3  # that the rest is fetched in where it comes slowly, and times that each is tried
QUICK_BYTES_PER_SECOND = 100_000_000  # more than S3 sends by one connection, as a rule


class Body:
    """The body of one answer of a store; at a longer gap, a stall, the client tries again by itself."""

    def __init__(self, result: "GetResult") -> None:
        self._pieces = iter(result.stream(min_chunk_size=1))
        self._rest = memoryview(b"")
        self._begun = self._last = monotonic()
        self._received, self._waited = 0, 0.0

    @property
    def is_slow(self) -> bool:
        """Whether what has arrived so far came more slowly than several connections would bring it."""
        return self._received < (self._last - self._begun) * QUICK_BYTES_PER_SECOND

    def fill(self, into: memoryview, take: Callable[[Buffer], object] | None = None) -> bool:
        """Fill all of it with what comes next; False where that drips in, or ends before.

        Args:
            take: is given each piece as it arrives, and what it raises is raised.
        """
        filled = 0
        while filled < len(into):
            piece = self._rest or self._next()
            if piece is None:
                return False
            end = min(filled + len(piece), len(into))
            into[filled:end] = piece[: end - filled]
            if take:
                take(into[filled:end])
            self._rest, filled = piece[end - filled :], end
        return True

    def _next(self) -> memoryview | None:
        """The next piece; None where all came too slowly, or no more comes."""
        if self._waited > STALL_SECONDS + self._received / SLOWEST_BYTES_PER_SECOND:
            return None
        chunk = next(self._pieces, None)
        if chunk is None:
            return None
        now = monotonic()
        self._waited += now - self._last if now - self._last < STALL_SECONDS else 0
        self._last = now
        self._received += len(chunk)
        return memoryview(chunk)


def side_by_side(
    data: memoryview, body: Body, ranged: Callable[[int, int], "GetResult"], take: Callable[[Buffer], object]
) -> bool:
    """Fill all after the `FIRST` bytes in parts at once, the first of them from the body that is under way.

    Args:
        ranged: asks for the bytes from one place to another.
        take: is given all pieces, in order.

    Returns:
        False where a part drips in, or ends before.
    """
    step = -((FIRST - len(data)) // PARTS)
    begins = range(FIRST, len(data), step)
    ended = Event()

    def go_on(piece: Buffer) -> None:
        if ended.is_set():  # by another part that failed
            raise InterruptedError

    def fill(begin: int) -> bool:
        into = data[begin : begin + step]
        return any(Body(ranged(begin, begin + len(into))).fill(into, go_on) for _ in range(TRIES))

    pool = ThreadPoolExecutor(PARTS, "fetch")
    try:
        parts = [pool.submit(fill, begin) for begin in begins[1:]]
        if not body.fill(data[FIRST : FIRST + step], take):
            return False
        for begin, part in zip(begins[1:], parts, strict=True):
            if not part.result():
                return False
            take(data[begin : begin + step])
        return True
    finally:
        ended.set()
        pool.shutdown(cancel_futures=True)
