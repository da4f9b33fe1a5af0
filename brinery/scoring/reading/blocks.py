"""Blocks: a text cut into pieces of about one size, each of whole rows, wherever rows end."""

import csv
from collections import deque
from collections.abc import Iterator
from typing import IO

import numpy as np

from brinery.errors import DataInvalid

LONGEST = 8 * 1024 * 1024  # bytes of a row
NEWLINE, RETURN, QUOTE = b'\n\r"'


def blocks(where: str, stream: IO[bytes], size: int, separator: str | None) -> Iterator[bytes]:
    """All that a stream still has, in blocks that depend on its bytes and on nothing else.

    Args:
        where: the file, for messages.
        size: of a block, in bytes, which it may exceed by a row.
        separator: of CSV, where newlines in quotes end no row; None where each line is a row.

    Raises:
        DataInvalid: a row is too long, as where a quotation mark is never closed.
    """
    rest = b""
    while True:
        read = _read(stream, size)
        data = rest + read
        if len(read) < size:
            if separator and _is_open(data, separator):
                raise DataInvalid(f"{where}: a quotation mark is opened and never closed")
            if data:
                yield data
            return
        end = last_end(data, separator)
        if end:
            yield data[:end]
        rest = data[end:]
        if len(rest) > LONGEST:
            raise DataInvalid(
                f"{where} has a row of more than {LONGEST} bytes, or a quotation mark that is never closed"
            )


def last_end(data: bytes, separator: str | None) -> int:
    """Where the last row ends that the data have whole; 0 where they have none. They begin with a row."""
    if separator is None or QUOTE not in data:
        return data.rfind(b"\n") + 1
    view = np.frombuffer(data, dtype=np.uint8)
    quotes = np.flatnonzero(view == QUOTE)
    if not _all_quote_fields(view, quotes, ord(separator)):
        return _last_end_row_by_row(data, separator)
    newlines = np.flatnonzero(view == NEWLINE)
    outside = newlines[np.searchsorted(quotes, newlines) % 2 == 0]
    return int(outside[-1]) + 1 if len(outside) else 0


def _all_quote_fields(view: np.ndarray, quotes: np.ndarray, separator: int) -> bool:
    """Whether each opens a field, closes it, or is one of two within it, so that every other one ends what is quoted.

    Elsewhere a quotation mark is a character like others.
    """
    ends = np.array([separator, NEWLINE, RETURN], dtype=np.uint8)
    padded = np.concatenate([[NEWLINE], view, [NEWLINE]])
    before, after = padded[quotes], padded[quotes + 2]
    opens = np.isin(before[::2], ends) | (before[::2] == QUOTE)
    closes = np.isin(after[1::2], ends) | (after[1::2] == QUOTE)
    return bool(opens.all() and closes.all())


def _last_end_row_by_row(data: bytes, separator: str) -> int:
    read = last = 0

    def lines() -> Iterator[str]:
        nonlocal read
        for line in data.splitlines(keepends=True):
            read += len(line)
            yield line.decode("latin-1")

    try:
        for _ in csv.reader(lines(), delimiter=separator):
            if read < len(data):
                last = read
    except csv.Error:
        return last
    return last


def _is_open(data: bytes, separator: str) -> bool:
    """Whether the last row of all ends within quotes, so that a line behind it would belong to it."""
    view = np.frombuffer(data, dtype=np.uint8)
    quotes = np.flatnonzero(view == QUOTE)
    if _all_quote_fields(view, quotes, ord(separator)):
        return len(quotes) % 2 == 1
    lines = (line.decode("latin-1") for line in [*data.splitlines(keepends=True), b"\n", b"end"])
    try:
        last = deque(csv.reader(lines, delimiter=separator), maxlen=1)
    except csv.Error:  # a field is longer than the reader takes, as where it is never closed
        return True
    return last.pop() != ["end"]


def _read(stream: IO[bytes], size: int) -> bytes:
    """So many bytes, or all that there are."""
    parts, left = [], size
    while left and (part := stream.read(left)):
        parts.append(part)
        left -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
