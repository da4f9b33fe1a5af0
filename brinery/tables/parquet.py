"""Parquet: from bytes to a table, and from many files that are one data set."""

import json
import re
from collections.abc import Buffer, Mapping, Sequence
from types import MappingProxyType

import pyarrow as pa
import pyarrow.parquet as pq

from brinery.errors import DataInvalid
from brinery.rows.feature import OF_TEXTS
from brinery.tables.parquet_errors import errors_of_parquet
from brinery.tables.partitions import NO_VALUE, partitions_of
from brinery.tables.sources import Load
from brinery.tables.spelling import Spelling
from brinery.tables.table import Columns, named_once
from brinery.tables.texts.column import interpreted
from brinery.tables.texts.typed import put_texts, texts_of

MAGIC = b"PAR1"
NO_CONSTANTS: Mapping[str, str | None] = MappingProxyType({})
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
        with errors_of_parquet(where):
            self._file = pq.ParquetFile(pa.BufferReader(pa.py_buffer(data)))
            fields = [field for field in self._file.schema_arrow if not INDEX.fullmatch(field.name)]
            metadata = self._file.schema_arrow.metadata or {}
        self.schema = pa.schema(fields)
        self.names = named_once(where, self.schema.names)
        self.index = [name for name in _index_of_pandas(metadata) if name in self.names]

    def read(self, columns: Sequence[str], spelling: Spelling) -> Columns:
        """See `Table`; values have types of their own here, and whole numbers and decimals are texts as categories."""
        return _declared(self.read_table(columns), spelling, columns)

    def read_table(self, columns: Sequence[str], constants: Mapping[str, str | None] = NO_CONSTANTS) -> pa.Table:
        """Some of the columns as they are, and some that have the same text in each row."""
        with errors_of_parquet(self.where):
            table = self._file.read(columns=[name for name in columns if name not in constants])
        for name in columns:
            if name in constants:
                value = pa.scalar(constants[name], pa.string())
                table = table.append_column(name, pa.repeat(value, self._file.metadata.num_rows))
        return table.select(list(columns))


class ParquetSet:
    """Many files that are one table, in their order; each is loaded once, and one at a time.

    What the names of their folders hold are columns too, behind those of the files.
    """

    def __init__(self, where: str, files: Mapping[str, Load]) -> None:
        """Load the first file; errors as of `ParquetFile`."""
        self._where, self._files = where, dict(files)
        self.digests: dict[str, str] = {}
        self._first_path = next(iter(files))
        self._partitions = partitions_of(where, list(files))
        self._first: ParquetFile | None = self._opened(self._first_path)
        self.names = [*self._first.names, *self._partitions[self._first_path]]
        self.index = self._first.index
        for name in self._partitions[self._first_path]:
            if name in self._first.names:
                raise DataInvalid(f'{where} has a column "{name}" in its files and in the names of their folders')

    def read(self, columns: Sequence[str], spelling: Spelling) -> Columns:
        """See `Table`; `digests` then holds the sha256 of each file by its path.

        Raises:
            DataInvalid: a file has other columns or types than the first.
        """
        assert self._first is not None  # noqa: S101  (a set is read once)
        schema, tables = self._first.schema, [self._first.read_table(columns, self._partitions[self._first_path])]
        self._first = None  # its bytes are given back
        for path in list(self._files)[1:]:
            file = self._opened(path)
            _refuse_difference(file, self._first_path, schema)
            tables.append(file.read_table(columns, self._partitions[path]))
        table = pa.concat_tables(_with_alike_numbers(self._where, tables), promote_options="default")
        partitions = self._partitions[self._first_path]
        found = _declared(table, spelling, [name for name in table.column_names if name not in partitions])
        return self._with_partitions(found, spelling)

    def _with_partitions(self, found: Columns, spelling: Spelling) -> Columns:
        """The columns of the folders' names as a CSV would have them, since they are texts alone."""
        for name, value in self._partitions[self._first_path].items():
            if name not in found.table.column_names:
                continue
            column = interpreted(texts_of(found.table, name), spelling)
            if column.problem:
                found.refuse(name, column.problem)
                continue
            found.put(name, column.array)
            found.written[name] = column.written or spelling.written(name)
            found.notes[name] = [
                f"is taken from the names of the folders, such as {name}={value or NO_VALUE}",
                *column.notes,
            ]
        return found

    def _opened(self, path: str) -> ParquetFile:
        data, self.digests[path] = self._files[path]()
        return ParquetFile(f"{self._where}: {path}", data)


def _refuse_difference(file: ParquetFile, first_path: str, first: pa.Schema) -> None:
    """A column of type null holds no value, and fits any type; numbers fit each other."""
    at, schema = file.where, file.schema
    for field in first:
        if field.name not in schema.names:
            raise DataInvalid(f'{at} has no column "{field.name}", which {first_path} has')
        kind = schema.field(field.name).type
        if kind != field.type and not _promotes(kind, field.type):
            raise DataInvalid(f'{at}: column "{field.name}" is of type {kind}; in {first_path} it is {field.type}')
    for name in schema.names:
        if name not in first.names:
            raise DataInvalid(f'{at} has a column "{name}", which {first_path} has not')


def _promotes(one: pa.DataType, other: pa.DataType) -> bool:
    return pa.types.is_null(one) or pa.types.is_null(other) or (_is_number(one) and _is_number(other))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _with_alike_numbers(where: str, tables: Sequence[pa.Table]) -> Sequence[pa.Table]:
    """The tables with a column of numbers as one type, where it has several: whole numbers, or doubles.

    Raises:
        DataInvalid: a whole number that its type cannot hold.
    """
    for name in tables[0].column_names:
        kinds = {table.schema.field(name).type for table in tables} - {pa.null()}
        if len(kinds) > 1:
            wide = pa.int64() if all(map(pa.types.is_integer, kinds)) else pa.float64()
            tables = [_with_type(where, table, name, wide) for table in tables]
    return tables


def _with_type(where: str, table: pa.Table, name: str, wide: pa.DataType) -> pa.Table:
    at = table.column_names.index(name)
    try:
        return table.set_column(at, name, table.column(name).cast(wide))
    except pa.ArrowInvalid as exc:
        raise DataInvalid(
            f'{where}: column "{name}" has other types of numbers in other files, and holds whole numbers that {wide} '
            "cannot hold; write it with one type, or put it into exclude"
        ) from exc


def _declared(table: pa.Table, spelling: Spelling, names: Sequence[str]) -> Columns:
    """Whole numbers and decimals are texts where they are declared as categories, so that none is rounded."""
    found = Columns(table)
    for name, kind in spelling.kinds.items():
        if kind in OF_TEXTS and name in table.column_names:
            column = table.column(name)
            if pa.types.is_integer(column.type) or pa.types.is_decimal(column.type):
                found.put(name, column.cast(pa.string()))
    put_texts(found, spelling, names)
    return found


def _index_of_pandas(metadata: Mapping[bytes, bytes]) -> list[str]:
    """The columns that were the index of the frame that was written."""
    try:
        described = json.loads(metadata.get(b"pandas", b"{}"))
        return [name for name in described.get("index_columns", []) if isinstance(name, str)]
    except (ValueError, AttributeError, TypeError):
        return []
