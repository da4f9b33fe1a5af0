"""Large files are stored packed where that pays, by gzip, which `joblib.load` reads by itself."""

import gzip
import io
import mmap
from collections.abc import Buffer

from brinery.versions.manifest import Encoding

LEAST_BYTES = 10_000_000
LEAST_SAVED = 1 / 3
SAMPLES, SAMPLE_BYTES = 32, 64 * 1024
LEVEL = 1  # of a forest it saves three quarters; higher ones take longer and save little more
READ_SIZE = 1024 * 1024


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
    """A file of the unpacked bytes; memory that has been read is given back to the system.

    Its reads raise ValueError beyond `unpacked_size`, and OSError, EOFError or zlib.error where the bytes are not so
    encoded.
    """
    stored: io.BufferedReader = io.BufferedReader(_Reader(data), READ_SIZE)
    if encoding == "identity":
        return stored
    return io.BufferedReader(_Bounded(gzip.GzipFile(fileobj=stored), unpacked_size), READ_SIZE)


def _packed(data: bytes) -> bytes:
    return gzip.compress(data, LEVEL, mtime=0)


def _saves(packed: bytes, data: bytes) -> bool:
    return len(packed) <= len(data) * (1 - LEAST_SAVED)


class _Bounded(io.RawIOBase):
    """What a file holds, up to a number of bytes."""

    def __init__(self, file: gzip.GzipFile, size: int) -> None:
        self._file, self._size, self._read = file, size, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        into = memoryview(buffer)
        count = self._file.readinto(into[: self._size - self._read + 1])
        self._read += count
        if self._read > self._size:
            raise ValueError(f"it unpacks to more than the {self._size:,} bytes that the manifest says")
        return count


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
