"""Compression: told from the first bytes and undone; names and extensions do not count."""

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Buffer, Callable, Iterator
from contextlib import contextmanager
from typing import IO, cast

import pyarrow as pa

from brinery.errors import DataInvalid
from brinery.tables.bounds import read_bounded

STARTS: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),  # of no file
)
OPENERS: dict[str, Callable[[IO[bytes]], IO[bytes]]] = {
    "gzip": lambda file: cast(IO[bytes], gzip.GzipFile(fileobj=file)),
    "bzip2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
    "zstd": lambda file: pa.CompressedInputStream(file, "zstd"),
    "zip": lambda file: _only_member(zipfile.ZipFile(file)),
}
BROKEN = (EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, RuntimeError, NotImplementedError)


def packing_of(start: bytes) -> str | None:
    """How data are compressed, by the first bytes of them; None where they are not."""
    return next((kind for mark, kind in STARTS if start.startswith(mark)), None)


def decompressed(where: str, data: Buffer) -> Buffer:
    """The data as they are, or what they hold where they are compressed.

    Raises:
        DataInvalid: they end too early, are damaged, encrypted, or a zip of more or less than one file.
    """
    kind = packing_of(bytes(memoryview(data)[:6]))
    if kind is None:
        return data
    with errors_of_packing(where, kind), OPENERS[kind](pa.BufferReader(pa.py_buffer(data))) as stream:
        return read_bounded(where, stream, "once it is unpacked")


@contextmanager
def errors_of_packing(where: str, kind: str) -> Iterator[None]:
    """Say what is wrong with compressed data; DataInvalid."""
    try:
        yield
    except _Workbook:
        raise DataInvalid(f"{where} is an Excel workbook; save its sheet as CSV") from None
    except _NotOneFile as exc:
        raise DataInvalid(f"{where} is a zip of {exc} files; it must hold exactly one, of CSV or Parquet") from None
    except BROKEN as exc:
        raise DataInvalid(f"{where} is compressed with {kind} and cannot be read to its end: {exc}") from exc


class _NotOneFile(Exception):
    pass


class _Workbook(Exception):
    pass


def _only_member(archive: zipfile.ZipFile) -> IO[bytes]:
    members = [member for member in archive.infolist() if not member.is_dir() and not _is_of_macos(member.filename)]
    if any(member.filename == "xl/workbook.xml" for member in members):
        raise _Workbook
    if len(members) != 1:
        raise _NotOneFile(len(members))
    return archive.open(members[0])


def _is_of_macos(name: str) -> bool:
    """What macOS puts beside files: no data."""
    *_, file = name.split("/")
    return name.startswith("__MACOSX/") or file.startswith("._") or file == ".DS_Store"
