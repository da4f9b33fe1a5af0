"""Lines of a CSV: its header, its rows with their lines, and what is wrong with them as text."""

import csv
import io
import re
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from brinery.errors import DataInvalid

SEPARATORS = ",;\t|"
SEPARATOR_LINE = re.compile(rb"(?:\xef\xbb\xbf)?sep=([^\w\s\"]|\t)\r?\n", re.IGNORECASE)
QUOTED = re.compile(r'"[^"]*"')


def below_separator_line(buffer: pa.Buffer) -> tuple[pa.Buffer, int, str | None]:
    """What is below a line such as sep=; that Excel writes, how many lines are above it, and the separator."""
    line = SEPARATOR_LINE.match(bytes(memoryview(buffer)[:32]))
    if line is None:
        return buffer, 0, None
    return buffer.slice(line.end()), 1, line[1].decode()


def header_of(where: str, buffer: pa.Buffer, separator: str | None, above: int) -> tuple[str, list[str]]:
    """The separator, by default the one that stands most often in the first line, and the columns' names."""
    try:
        first = next((line for line in _text(buffer) if line.strip("\r\n")), None)
        if first is None:
            raise DataInvalid(f"{where} is empty; it must hold a header and rows")
        if first.lstrip().lower().startswith(("<!doctype html", "<html")):
            raise DataInvalid(f"{where} is a web page; it must be CSV or Parquet")
        bare = QUOTED.sub("", first)
        separator = separator or max(SEPARATORS, key=bare.count)
        return separator, next(row for _, row in rows_of(buffer, separator))
    except UnicodeDecodeError:
        refuse_bad_text(where, buffer, above)
        raise
    except csv.Error as exc:
        raise DataInvalid(f"{where}: the header cannot be read as CSV: {exc}") from exc


def _text(buffer: pa.Buffer) -> io.TextIOWrapper:
    return io.TextIOWrapper(pa.BufferReader(buffer), encoding="utf-8-sig", newline="")


def rows_of(buffer: pa.Buffer, separator: str, *, strict: bool = False) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not blank, each with the number of the line on which it begins."""
    reader = csv.reader(_text(buffer), delimiter=separator, strict=strict)
    begins = 1
    for row in reader:
        if row:
            yield begins, row
        begins = reader.line_num + 1


def count_quotes(buffer: pa.Buffer) -> int:
    """How many quotation marks there are, counted in pieces that fit the processor's cache."""
    view = np.frombuffer(buffer, dtype=np.uint8)
    return sum(int(np.count_nonzero(view[i : i + 2**18] == ord('"'))) for i in range(0, len(view), 2**18))


def refuse_open_quote(where: str, buffer: pa.Buffer, separator: str, above: int) -> None:
    """A quoted field that is never closed would swallow all the rows after it."""
    last = 0
    try:
        for begins, row in rows_of(buffer, separator, strict=True):
            last = begins + sum(field.count("\n") for field in row)
    except UnicodeDecodeError:
        refuse_bad_text(where, buffer, above)
    except csv.Error as exc:
        if "unexpected end of data" in str(exc):
            raise DataInvalid(
                f"{where}: after line {last + above} a quotation mark is opened and never closed"
            ) from exc


def refuse_bad_text(where: str, buffer: pa.Buffer, above: int) -> None:
    data = buffer.to_pybytes()
    try:
        data.decode()
    except UnicodeDecodeError as exc:
        line = data.count(b"\n", 0, exc.start) + 1 + above
        raise DataInvalid(f"{where} is not UTF-8: see line {line}; save it as UTF-8") from exc
