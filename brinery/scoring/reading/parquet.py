"""Parquet in pieces: groups of rows are read through small buffers, and cut wherever pieces end."""

from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

BUFFERS = 16 * 1024 * 1024  # bytes that are read of all columns at once, of each at least and at most
LEAST_BUFFER, MOST_BUFFER = 64 * 1024, 1024 * 1024


def opened(file: BinaryIO, columns: int = 1) -> pq.ParquetFile:
    """A file of which so many columns are read, each through a buffer of its own."""
    buffer = max(LEAST_BUFFER, min(MOST_BUFFER, BUFFERS // max(columns, 1)))
    return pq.ParquetFile(pa.PythonFile(file, mode="r"), buffer_size=buffer, pre_buffer=False)


def groups(metadata: pq.FileMetaData, begin: int, end: int) -> tuple[list[int], int]:
    """The row groups that hold some rows, and how many rows are before the first of these."""
    found: list[int] = []
    first = start = 0
    for place in range(metadata.num_row_groups):
        stop = start + metadata.row_group(place).num_rows
        if start < end and stop > begin:
            first = first if found else start
            found.append(place)
        start = stop
    return found, first


def cut(batches: Iterator[pa.RecordBatch], skipped: int, rows: int, size: int) -> Iterator[pa.Table]:
    """Tables of so many rows, the last of fewer, of `rows` in all, from batches of any lengths."""
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        if skipped >= len(batch):
            skipped -= len(batch)
            continue
        batch, skipped = batch.slice(skipped, rows), 0
        rows -= len(batch)
        while count + len(batch) >= size:
            taken = size - count
            yield pa.Table.from_batches([*held, batch.slice(0, taken)])
            batch, held, count = batch.slice(taken), [], 0
        if len(batch):
            held.append(batch)
            count += len(batch)
        if rows <= 0:
            break
    if held:
        yield pa.Table.from_batches(held)


def row_bytes(metadata: pq.FileMetaData) -> dict[str, float]:
    """What a row takes of each column that is no nested one, by the first group of rows."""
    if not metadata.num_row_groups:
        return {}
    group = metadata.row_group(0)
    chunks = (group.column(place) for place in range(group.num_columns))
    return {chunk.path_in_schema: chunk.total_uncompressed_size / max(group.num_rows, 1) for chunk in chunks}
