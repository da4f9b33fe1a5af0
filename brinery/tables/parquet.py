"""Parquet: from bytes to a table, and from many files that are one data set."""

import re
from collections.abc import Buffer, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.parquet as pq

from brinery.errors import DataInvalid
from brinery.tables.sources import Load
from brinery.tables.table import named_once

MAGIC = b"PAR1"
INDEX = re.compile(r"__index_level_\d+__")  # where pandas keeps an index that has no name


class ParquetFile:
    """A Parquet file by its schema, without pandas' index."""

    def __init__(self, where: str, data: Buffer) -> None:
        """Read the schema.

        Args:
            where: the file, for messages.

        Raises:
            DataInvalid: the file is none or is damaged, or two columns have one name.
        """
        self.where = where
        if bytes(memoryview(data)[:4]) != MAGIC:
            raise DataInvalid(f"{where} is not Parquet; each file of a data set must be")
        with _errors_of_parquet(where):
            self._file = pq.ParquetFile(pa.BufferReader(pa.py_buffer(data)))
            fields = [field for field in self._file.schema_arrow if not INDEX.fullmatch(field.name)]
        self.schema = pa.schema(fields)
        self.names = named_once(where, self.schema.names)

    def read(self, columns: Sequence[str], texts: Collection[str]) -> pa.Table:
        """See `Table`; values have types of their own here."""
        with _errors_of_parquet(self.where):
            return self._file.read(columns=columns)


class ParquetSet:
    """Many files that are one table, in their order; each is loaded once, and one at a time."""

    def __init__(self, where: str, files: Mapping[str, Load]) -> None:
        """Load the first file; errors as of `ParquetFile`."""
        self._where, self._files = where, dict(files)
        self.digests: dict[str, str] = {}
        self._first_path = next(iter(files))
        self._first: ParquetFile | None = self._opened(self._first_path)
        self.names = self._first.names

    def read(self, columns: Sequence[str], texts: Collection[str]) -> pa.Table:
        """See `Table`; `digests` then holds the sha256 of each file by its path.

        Raises:
            DataInvalid: a file has other columns or types than the first.
        """
        assert self._first is not None  # noqa: S101  (a set is read once)
        schema, tables = self._first.schema, [self._first.read(columns, texts)]
        self._first = None  # its bytes are given back
        for path in list(self._files)[1:]:
            file = self._opened(path)
            _refuse_difference(file, self._first_path, schema)
            tables.append(file.read(columns, texts))
        return pa.concat_tables(tables, promote_options="default")

    def _opened(self, path: str) -> ParquetFile:
        data, self.digests[path] = self._files[path]()
        return ParquetFile(f"{self._where}: {path}", data)


@contextmanager
def _errors_of_parquet(where: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as exc:
        raise DataInvalid(f"{where} cannot be read as Parquet: {' '.join(str(exc).split())[:200]}") from exc


def _refuse_difference(file: ParquetFile, first_path: str, first: pa.Schema) -> None:
    """A column of type null holds no value, and fits any type."""
    at, schema = file.where, file.schema
    for field in first:
        if field.name not in schema.names:
            raise DataInvalid(f'{at} has no column "{field.name}", which {first_path} has')
        kind = schema.field(field.name).type
        if kind != field.type and not pa.types.is_null(kind) and not pa.types.is_null(field.type):
            raise DataInvalid(f'{at}: column "{field.name}" is of type {kind}; in {first_path} it is {field.type}')
    for name in schema.names:
        if name not in first.names:
            raise DataInvalid(f'{at} has a column "{name}", which {first_path} has not')
