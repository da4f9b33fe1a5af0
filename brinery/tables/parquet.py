"""Parquet: from bytes to a table, and from many files that are one data set."""

import re
from collections.abc import Buffer, Callable, Iterator, Mapping
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.parquet as pq

from brinery.tables.table import Choose, named_once
from training.errors import DataInvalid

MAGIC = b"PAR1"
INDEX = re.compile(r"__index_level_\d+__")  # where pandas keeps an index that has no name


def read_parquet(where: str, data: Buffer, choose: Choose) -> tuple[pa.Table, int]:
    """The chosen columns, and how many the file has, without pandas' index.

    Raises:
        DataInvalid: the file is damaged, or two columns have one name.
    """
    with _errors_of_parquet(where):
        file, schema = _opened(where, data)
        return file.read(columns=choose(schema.names)), len(schema)


def read_parquet_set(where: str, files: Mapping[str, Callable[[], Buffer]], choose: Choose) -> tuple[pa.Table, int]:
    """One table of many files, in their order, read one at a time; errors as of `read_parquet`.

    Raises:
        DataInvalid: a file has other columns or types than the first.
    """
    tables: list[pa.Table] = []
    first = ("", pa.schema([]))
    chosen: list[str] = []
    for path, load in files.items():
        at = f"{where}: {path}"
        data = load()
        if bytes(memoryview(data)[:4]) != MAGIC:
            raise DataInvalid(f"{at} is not Parquet; each file of a data set must be")
        with _errors_of_parquet(at):
            file, schema = _opened(at, data)
            if not tables:
                first, chosen = (path, schema), choose(schema.names)
            _refuse_difference(at, schema, *first)
            tables.append(file.read(columns=chosen))
        del data, file
    return pa.concat_tables(tables, promote_options="default"), len(first[1])


def _opened(where: str, data: Buffer) -> tuple[pq.ParquetFile, pa.Schema]:
    file = pq.ParquetFile(pa.BufferReader(pa.py_buffer(data)))
    schema = pa.schema([field for field in file.schema_arrow if not INDEX.fullmatch(field.name)])
    named_once(where, schema.names)
    return file, schema


@contextmanager
def _errors_of_parquet(where: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as exc:
        raise DataInvalid(f"{where} cannot be read as Parquet: {' '.join(str(exc).split())[:200]}") from exc


def _refuse_difference(at: str, schema: pa.Schema, first_path: str, first: pa.Schema) -> None:
    """A column of type null holds no value, and fits any type."""
    for field in first:
        if field.name not in schema.names:
            raise DataInvalid(f'{at} has no column "{field.name}", which {first_path} has')
        kind = schema.field(field.name).type
        if kind != field.type and not pa.types.is_null(kind) and not pa.types.is_null(field.type):
            raise DataInvalid(f'{at}: column "{field.name}" is of type {kind}; in {first_path} it is {field.type}')
    for name in schema.names:
        if name not in first.names:
            raise DataInvalid(f'{at} has a column "{name}", which {first_path} has not')
