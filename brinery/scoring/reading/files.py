"""Files of an input, on a disk or on S3: read from anywhere in them, and only while they are what was found."""

import io
import os
from collections.abc import Buffer, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from brinery.errors import DataInvalid, ObjectChanged, StoreError
from brinery.versions.profiles import profile_credentials
from brinery.versions.store import Store, open_store


class InputFile(Protocol):
    """A file whose `size` is in bytes."""

    @property
    def size(self) -> int: ...

    def open(self, buffer: int = 0) -> BinaryIO:
        """The file, to be read anywhere, so many bytes at once, or as many as are asked for."""
        ...

    def check(self) -> None:
        """Raise DataInvalid where it is no longer the one that was found."""
        ...


@dataclass(frozen=True)
class LocalFile:
    """A file on a disk; `modified` and `changed` are nanoseconds as the system keeps them."""

    shown: str
    path: str
    size: int
    modified: int
    changed: int

    @classmethod
    def find(cls, shown: str, path: Path) -> "LocalFile":
        found = path.stat()
        return cls(shown, str(path), found.st_size, found.st_mtime_ns, found.st_ctime_ns)

    def open(self, buffer: int = 0) -> BinaryIO:
        with errors_of_reading(self.shown):
            file = Path(self.path).open("rb", buffering=buffer)
        try:
            self._compare(os.fstat(file.fileno()))
        except DataInvalid:
            file.close()
            raise
        return file

    def check(self) -> None:
        try:
            self._compare(os.stat(self.path))
        except OSError:  # it, or a folder above it, was taken away
            raise changed(self.shown) from None

    def _compare(self, found: os.stat_result) -> None:
        if (found.st_size, found.st_mtime_ns, found.st_ctime_ns) != (self.size, self.modified, self.changed):
            raise changed(self.shown)


@dataclass(frozen=True)
class S3File:
    """An object, by its ETag, which each request names."""

    shown: str
    bucket: str
    key: str
    size: int
    tag: str

    def open(self, buffer: int = 0) -> BinaryIO:
        ranges = _Ranges(self)
        return cast(BinaryIO, io.BufferedReader(ranges, buffer) if buffer else ranges)

    def check(self) -> None:
        """Each request did."""

    @cached_property
    def store(self) -> Store:
        return open_bucket(self.bucket)


def open_bucket(bucket: str) -> Store:
    """A bucket as people's commands open it."""
    return open_store(f"s3://{bucket}", credentials=profile_credentials(os.environ))


@contextmanager
def errors_of_reading(shown: str) -> Iterator[None]:
    """A disk's errors as DataInvalid."""
    try:
        yield
    except OSError as exc:
        raise DataInvalid(f"{shown} cannot be read: {exc.strerror}") from exc


def changed(shown: str) -> DataInvalid:
    return DataInvalid(f"{shown} has changed since the run began; nothing was committed, and a run of it begins anew")


class _Ranges(io.RawIOBase):
    """A file over requests for parts of an object."""

    def __init__(self, file: S3File) -> None:
        self._file = file
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._file.size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: Buffer, /) -> int:
        into = memoryview(buffer).cast("B")
        end = min(self._at + len(into), self._file.size)
        if end <= self._at:
            return 0
        try:
            data = self._file.store.part(self._file.key, self._at, end, self._file.tag)
        except ObjectChanged:
            raise changed(self._file.shown) from None
        except StoreError as exc:
            raise DataInvalid(f"{self._file.shown} cannot be read: {exc}") from exc
        into[: len(data)] = data
        self._at += len(data)
        return len(data)
