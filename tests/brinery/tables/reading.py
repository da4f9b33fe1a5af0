"""Reading as training does it, and the small files that are read."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from brinery.tables.read import SourceTable
from brinery.tables.sources import find_source
from brinery.tables.spelling import Spelling

ROWS = b"x,y,target\n1,a,u\n2.5,b,v\n3,a,u\n4,b,v\n"


@dataclass(frozen=True)
class Found:
    """What a source was read into: the frame of the columns that were asked for, and what tells where it came from."""

    frame: pd.DataFrame
    sha256: str
    shown: str
    names: Sequence[str]
    index: Sequence[str]
    problems: Mapping[str, str]
    notes: Mapping[str, Sequence[str]]


def read(data: str, folder: Path = Path(), columns: Sequence[str] | None = None, **spelling: Any) -> Found:
    """Read a source that a declaration names, by default all its columns, as `Spelling` has it."""
    table = SourceTable(find_source(data, folder))
    found = table.read(table.names if columns is None else columns, Spelling(**spelling))
    return Found(found.frame, found.sha256, table.shown, table.names, table.index, found.problems, found.notes)


def read_bytes(folder: Path, data: bytes, columns: Sequence[str] | None = None, **spelling: Any) -> Found:
    """Read a file of these bytes, which is named `data`."""
    (folder / "data").write_bytes(data)
    return read("data", folder, columns, **spelling)


def parquet(**columns: Any) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()
