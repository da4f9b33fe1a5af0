"""Compression: told from the bytes, undone, and refused where it does not reach its end."""

import bz2
import gzip
import hashlib
import io
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from brinery.errors import DataInvalid
from brinery.tables import bounds
from brinery.tables.compression import decompressed
from tests.brinery.tables.reading import ROWS, read_bytes


def zipped(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, ROWS)
    return buffer.getvalue()


COMPRESSED: dict[str, bytes] = {
    "gzip": gzip.compress(ROWS),
    "gzip of two members": gzip.compress(ROWS[:20]) + gzip.compress(ROWS[20:]),
    "bzip2": bz2.compress(ROWS),
    "xz": lzma.compress(ROWS),
    "zstd": pa.compress(ROWS, "zstd", asbytes=True),
    "zip": zipped("rows.csv"),
    "zip with a folder": zipped("folder/", "folder/rows.csv"),
    "zip of macOS": zipped("rows.csv", "__MACOSX/._rows.csv", ".DS_Store"),
}


@pytest.mark.parametrize("data", COMPRESSED.values(), ids=COMPRESSED)
def test_compression_is_told_from_the_bytes_and_undone(data: bytes) -> None:
    assert bytes(decompressed("data", data)) == ROWS


def test_what_is_not_compressed_stays_as_it_is() -> None:
    assert decompressed("data", ROWS) is ROWS


def test_digest_is_that_of_the_bytes_as_they_came(tmp_path: Path) -> None:
    data = gzip.compress(ROWS)
    assert read_bytes(tmp_path, data).sha256 == hashlib.sha256(data).hexdigest()


WRONG: dict[str, tuple[bytes, str]] = {
    "cut gzip": (gzip.compress(ROWS)[:-9], "data is compressed with gzip and cannot be read to its end"),
    "cut bzip2": (bz2.compress(ROWS)[:-9], "data is compressed with bzip2 and cannot be read to its end"),
    "cut xz": (lzma.compress(ROWS)[:-9], "data is compressed with xz and cannot be read to its end"),
    "cut zstd": (
        pa.compress(ROWS, "zstd", asbytes=True)[:-5],
        "compressed with zstd and cannot be read to its end",
    ),
    "cut zip": (zipped("a")[:-5], "data is compressed with zip and cannot be read to its end"),
    "zip of two": (zipped("a", "b"), "data is a zip of 2 files; it must hold exactly one"),
    "zip of none": (zipped(), "data is a zip of 0 files; it must hold exactly one"),
    "a workbook": (
        zipped("[Content_Types].xml", "xl/workbook.xml"),
        "data is an Excel workbook; save its sheet as CSV",
    ),
    "gzip of nothing": (gzip.compress(b""), "data is empty"),
}


@pytest.mark.parametrize(("data", "message"), WRONG.values(), ids=WRONG)
def test_compression_that_cannot_be_undone_gets_a_sentence(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(DataInvalid) as caught:
        read_bytes(tmp_path, data)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress], ids=["gzip", "bzip2", "xz"])
def test_what_unpacks_to_more_than_there_is_memory_is_refused_before_it_is(
    monkeypatch: pytest.MonkeyPatch, pack: Callable[[bytes], bytes]
) -> None:
    monkeypatch.setattr(bounds, "MOST", lambda: 3 * bounds.PIECE)
    assert len(memoryview(decompressed("d", pack(bytes(3 * bounds.PIECE))))) == 3 * bounds.PIECE
    with pytest.raises(
        DataInvalid, match=f"d has more than {3 * bounds.PIECE} bytes once it is unpacked, which is all"
    ):
        decompressed("d", pack(bytes(100 * bounds.PIECE)))


def test_stream_that_takes_too_long_is_left() -> None:
    """As of a server that sends a piece now and then."""
    seconds = iter(range(0, 1000, 10))
    stream = io.BytesIO(bytes(50 * bounds.PIECE))
    with pytest.raises(DataInvalid, match="d was not read to its end within 60 seconds"):
        bounds.read_bounded("d", stream, "to download", seconds=60, clock=lambda: next(seconds))
    assert stream.tell() < 50 * bounds.PIECE
