"""Large files are stored packed where that pays, by gzip, which `joblib.load` reads by itself."""

import contextlib
import gzip
import io
import mmap
import zlib
from collections.abc import Buffer, Generator
from queue import Queue, ShutDown
from threading import Thread

from brinery.versions.manifest import Encoding

LEAST_BYTES = 10_000_000
LEAST_SAVED = 1 / 3
SAMPLES, SAMPLE_BYTES = 32, 64 * 1024
LEVEL = 1  # of a forest it saves three quarters; higher ones take longer and save little more
READ_SIZE = 1024 * 1024
AHEAD, AHEAD_FROM = 2, 250_000_000  # pieces that wait to be read, of files of so many bytes
AHEAD_BYTES = 16 * READ_SIZE  # of a piece: of smaller ones, the threads would wait for each other more than they work


def pack(data: bytes) -> tuple[bytes, Encoding]:
    """The bytes to store and how they are encoded: packed where they are many and shrink by a third."""
    if len(data) < LEAST_BYTES:
        return data, "identity"
    step = len(data) // SAMPLES
    some = b"".join(data[begin : begin + SAMPLE_BYTES] for begin in range(0, step * SAMPLES, step))
    if _saves(_packed(some), some):
        packed = _packed(data)
        if _saves(packed, data):
            return packed, "gzip"
    return data, "identity"


def reader(data: Buffer, encoding: Encoding, unpacked_size: int) -> io.BufferedReader:
    """A file of the unpacked bytes, to be closed; memory that has been read is given back to the system.

    What is packed is unpacked as it is read, and of a large file by a thread, ahead of whoever reads. Reads raise
    ValueError beyond `unpacked_size`, and zlib.error or EOFError where the bytes are not so encoded.
    """
    stored = _Reader(data)
    if encoding == "identity":
        return io.BufferedReader(stored, READ_SIZE)
    if unpacked_size < AHEAD_FROM:
        return io.BufferedReader(_Pieces(_unpacked(stored, unpacked_size, READ_SIZE)), READ_SIZE)
    return io.BufferedReader(_Pieces(_ahead(_unpacked(stored, unpacked_size, AHEAD_BYTES))), READ_SIZE)


def _packed(data: bytes) -> bytes:
    return gzip.compress(data, LEVEL, mtime=0)


def _saves(packed: bytes, data: bytes) -> bool:
    return len(packed) <= len(data) * (1 - LEAST_SAVED)


def _unpacked(stored: "_Reader", size: int, most: int) -> Generator[bytes]:
    """The bytes of a packed file in pieces of so many at most, which are of `size` bytes together at most."""
    inflate, left = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS), size
    while not inflate.eof:
        packed = inflate.unconsumed_tail or stored.read(READ_SIZE)
        piece = inflate.decompress(packed, min(most, left + 1))
        left -= len(piece)
        if left < 0:
            raise ValueError(f"it unpacks to more than the {size:,} bytes that the manifest says")
        if not piece and not packed:
            raise EOFError("it is cut off")
        yield piece
    if inflate.unused_data or stored.read(1):
        raise ValueError("something follows what is packed")


def _ahead(pieces: Generator[bytes]) -> Generator[bytes]:
    """The same, made by a thread before they are asked for; it ends when this is closed."""
    made: Queue[bytes | Exception | None] = Queue(AHEAD)

    def make() -> None:
        with contextlib.suppress(ShutDown):
            try:
                for piece in pieces:
                    made.put(piece)
                made.put(None)
            except Exception as exc:
                made.put(exc)

    thread = Thread(target=make, name="unpack", daemon=True)
    thread.start()
    try:
        while (piece := made.get()) is not None:
            if isinstance(piece, Exception):
                raise piece
            yield piece
    finally:
        made.shutdown(immediate=True)
        thread.join()


class _Pieces(io.RawIOBase):
    """A file of pieces, one behind the other."""

    def __init__(self, pieces: Generator[bytes]) -> None:
        self._pieces, self._piece = pieces, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        while not self._piece:
            if (piece := next(self._pieces, None)) is None:
                return 0
            self._piece = memoryview(piece)
        into = memoryview(buffer)
        count = min(len(into), len(self._piece))
        into[:count] = self._piece[:count]
        self._piece = self._piece[count:]
        return count

    def close(self) -> None:
        self._pieces.close()
        super().close()


class _Reader(io.RawIOBase):
    """A file over bytes in memory, without a copy; what has been read is given back to the system."""

    def __init__(self, data: Buffer) -> None:
        self._data = memoryview(data)
        self._read = self._freed = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        into = memoryview(buffer)
        count = min(len(into), len(self._data) - self._read)
        into[:count] = self._data[self._read : self._read + count]
        self._read += count
        whole = self._read - self._read % mmap.PAGESIZE
        if isinstance(self._data.obj, mmap.mmap) and whole > self._freed:
            self._data.obj.madvise(mmap.MADV_DONTNEED, self._freed, whole - self._freed)
            self._freed = whole
        return count
