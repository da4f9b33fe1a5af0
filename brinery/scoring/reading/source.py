"""Sources: files as tables of rows, by what they begin with: Parquet, CSV or JSON lines; read in pieces, in order."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, BinaryIO, Literal, cast

import pyarrow as pa

from brinery.errors import DataInvalid
from brinery.scoring.reading.blocks import LONGEST, blocks, last_end
from brinery.scoring.reading.files import errors_of_reading
from brinery.scoring.reading.inputs import Input
from brinery.scoring.reading.parquet import cut, groups, opened, row_bytes
from brinery.tables.compression import OPENERS, errors_of_packing, packing_of
from brinery.tables.lines import below_separator_line, header_of
from brinery.tables.parquet import MAGIC
from brinery.tables.parquet_errors import errors_of_parquet
from brinery.tables.table import named_once

Kind = Literal["parquet", "csv", "jsonl"]
HEAD_BYTES = 64 * 1024
ROWS_AT_LEAST = 256  # of a piece of Parquet, however wide its rows are
TEXT_BUFFER = 4 * 1024 * 1024  # bytes that are read of a text at once
READ_ROWS = 2**14  # of Parquet that are unpacked at once
QUOTED = re.compile(rb'"[^"]*"')
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Span:
    """A piece of a file: rows from `begin` to `end` of Parquet, or bytes of the unpacked text."""

    begin: int
    end: int


@dataclass(frozen=True)
class Sizes:
    """How large a piece is: rows of Parquet, or fewer of the same bytes where they are wide, and bytes of a text."""

    rows: int
    bytes: int


@dataclass(frozen=True)
class Source:
    """A file whose head was read: its `kind`, its columns where it names them, and the `rows` where it says so.

    `begin` is where the rows of a text begin, `row_bytes` what a row of Parquet takes of each column, unpacked.
    """

    input: Input
    kind: Kind
    packing: str | None = None
    names: tuple[str, ...] = ()
    types: tuple[pa.DataType, ...] = ()
    separator: str | None = None
    begin: int = 0
    rows: int | None = None
    row_bytes: Mapping[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.input.name

    @property
    def stored(self) -> tuple[str, ...]:
        """The columns that the file itself has."""
        return self.names[: len(self.names) - len(self.input.constants)]

    def pieces(
        self, columns: Sequence[str], sizes: Sizes, wanted: Callable[[int], bool] = lambda place: True
    ) -> Iterator[tuple[Span, pa.Table | bytes | None]]:
        """The pieces in order, each with its rows, or with None where it is not wanted.

        Args:
            columns: those that are read of Parquet.
            wanted: says it by a piece's place in this file.

        Raises:
            DataInvalid: the file has changed, or cannot be read to its end.
        """
        return self._tables(columns, sizes, wanted) if self.kind == "parquet" else self._texts(sizes, wanted)

    def piece(self, span: Span, columns: Sequence[str]) -> pa.Table | bytes:
        """One piece by itself; of a packed text all before it is read, too. Errors as of `pieces`."""
        if self.kind == "parquet":
            return next(self._rows(columns, span.begin, span.end, span.end - span.begin))
        with self._text() as stream:
            skip(stream, span.begin)
            data = stream.read(span.end - span.begin)
            self.input.file.check()
            return data

    def _tables(
        self, columns: Sequence[str], sizes: Sizes, wanted: Callable[[int], bool]
    ) -> Iterator[tuple[Span, pa.Table | None]]:
        rows, size = self.rows or 0, sizes.rows
        taken = sum(self.row_bytes.get(name, 0.0) for name in columns)
        while size > ROWS_AT_LEAST and size * taken > 2 * sizes.bytes:
            size //= 2
        spans = [Span(begin, min(begin + size, rows)) for begin in range(0, rows, size)]
        place = 0
        while place < len(spans):
            if not wanted(place):
                yield spans[place], None
                place += 1
                continue
            end = place
            while end < len(spans) and wanted(end):
                end += 1
            tables = self._rows(columns, spans[place].begin, spans[end - 1].end, size)
            for span in spans[place:end]:
                yield span, next(tables)
            place = end

    def _rows(self, columns: Sequence[str], begin: int, end: int, size: int) -> Iterator[pa.Table]:
        """Tables of so many rows each, the last of fewer, from one row to another."""
        constants = self.input.constants
        stored = [name for name in columns if name not in constants]
        with self.input.file.open() as file, errors_of_parquet(self.name):
            parquet = opened(file, len(stored))
            kept, skipped = groups(parquet.metadata, begin, end)
            batches = parquet.iter_batches(min(size, READ_ROWS), row_groups=kept, columns=stored, use_threads=False)
            for table in cut(batches, begin - skipped, end - begin, size):
                self.input.file.check()
                for name in constants:
                    if name in columns:
                        table = table.append_column(
                            name, pa.repeat(pa.scalar(constants[name], pa.string()), len(table))
                        )
                yield table.select(list(columns))

    def _texts(self, sizes: Sizes, wanted: Callable[[int], bool]) -> Iterator[tuple[Span, bytes | None]]:
        with self._text() as stream:
            skip(stream, self.begin)
            begin = self.begin
            for place, block in enumerate(blocks(self.name, stream, sizes.bytes, self.separator)):
                self.input.file.check()
                span = Span(begin, begin + len(block))
                begin = span.end
                yield span, block if wanted(place) else None

    @contextmanager
    def _text(self) -> Iterator[IO[bytes]]:
        with self.input.file.open(TEXT_BUFFER) as file:
            if self.packing is None:
                with errors_of_reading(self.name):
                    yield file
                return
            with errors_of_packing(self.name, self.packing), _unpacked(file, self.packing) as stream:
                yield stream


def find_source(input: Input) -> Source:
    """Read the head of a file.

    Raises:
        DataInvalid: it is empty, or none of what can be read.
    """
    with input.file.open(HEAD_BYTES) as file, errors_of_reading(input.name):
        start = file.read(6)
        if not start:
            raise DataInvalid(f"{input.name} is empty; it must hold rows")
        file.seek(0)
        if start[:4] == MAGIC:
            return _parquet(input, file)
        packing = packing_of(start)
        if packing is None:
            return _text_source(input, file, None)
        with errors_of_packing(input.name, packing), _unpacked(file, packing) as stream:
            return _text_source(input, stream, packing)


def skip(stream: IO[bytes], count: int) -> None:
    """Go on by so many bytes, from the start."""
    if stream.seekable() and not isinstance(stream, pa.NativeFile):
        stream.seek(count)
        return
    while count > 0 and (read := stream.read(min(count, LONGEST))):
        count -= len(read)


def _parquet(input: Input, file: BinaryIO) -> Source:
    with errors_of_parquet(input.name):
        parquet = opened(file)
        schema, metadata = parquet.schema_arrow, parquet.metadata
    names = [*named_once(input.name, schema.names), *input.constants]
    named_once(input.name, names)
    return Source(
        input,
        "parquet",
        names=tuple(names),
        types=(*schema.types, *(pa.string() for _ in input.constants)),
        rows=metadata.num_rows,
        row_bytes=row_bytes(metadata),
    )


def _text_source(input: Input, stream: IO[bytes], packing: str | None) -> Source:
    where, head = input.name, stream.read(HEAD_BYTES)
    if head[:4] == MAGIC:
        raise DataInvalid(f"{where} is Parquet that is packed as a whole, which is not read in pieces; unpack it")
    if _is_json(head):
        begin = len(BOM) if head.startswith(BOM) else 0
        return Source(input, "jsonl", packing, begin=begin)
    while len(head) < LONGEST and not _has_header(head) and (more := stream.read(HEAD_BYTES)):
        head += more
    buffer, above, told = below_separator_line(pa.py_buffer(head))
    separator, names = header_of(where, buffer, told, above)
    named_once(where, [*names, *input.constants])
    below = buffer.to_pybytes()
    end = _header_end(below, separator)
    if b"\r" in QUOTED.sub(b"", below[:end].strip(b"\r\n")):
        raise DataInvalid(f"{where} has lines that end with a carriage return alone; save it with newlines")
    begin = len(head) - len(below) + end
    return Source(input, "csv", packing, (*names, *input.constants), separator=separator, begin=begin)


def _is_json(head: bytes) -> bool:
    """Whether the first line that is not blank is an object or a list, or begins one that is longer than the head."""
    text = head.removeprefix(BOM).lstrip()
    line, newline, _ = text.partition(b"\n")
    if not text.startswith((b"{", b"[")):
        return False
    try:
        return isinstance(json.loads(line), dict | list)
    except ValueError:
        return not newline and len(head) >= HEAD_BYTES


def _has_header(head: bytes) -> bool:
    return head.count(b'"') % 2 == 0 and b"\n" in head.removeprefix(BOM).lstrip(b"\r\n")


def _header_end(data: bytes, separator: str) -> int:
    """Where the first row ends that is not blank."""
    blank = len(data) - len(data.removeprefix(BOM).lstrip(b"\r\n"))
    end = blank
    while (newline := data.find(b"\n", end)) >= 0:
        end = newline + 1
        if last_end(data[blank:end], separator):
            return end
    return len(data)


def _unpacked(file: BinaryIO, packing: str) -> IO[bytes]:
    return OPENERS[packing](cast(IO[bytes], pa.PythonFile(file, mode="r")) if packing == "zstd" else file)
