"""Bounds: how much is read into memory, and for how long is waited for it."""

import time
from collections.abc import Callable
from typing import IO

from brinery.errors import DataInvalid
from brinery.loading.isolation import memory

PIECE = 1024 * 1024
DOWNLOAD_SECONDS = 3600.0
MOST = memory  # bytes of data, packed or unpacked: what does not fit into memory cannot be trained on


def read_bounded(
    where: str,
    stream: IO[bytes],
    doing: str,
    seconds: float | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> bytes:
    """All that a stream gives, read piece by piece.

    Args:
        doing: what is done to it, for messages, as in "it is larger than … unpacked".
        seconds: how long may be read; None where that takes no waiting.

    Raises:
        DataInvalid: there is more, or it takes longer.
    """
    most, until = MOST(), None if seconds is None else clock() + seconds
    pieces, size = [], 0
    while piece := stream.read(PIECE):
        pieces.append(piece)
        size += len(piece)
        if size > most:
            raise DataInvalid(f"{where} has more than {most} bytes {doing}, which is all the memory that there is")
        if until is not None and clock() > until:
            raise DataInvalid(f"{where} was not read to its end within {seconds:g} seconds")
    return b"".join(pieces)
