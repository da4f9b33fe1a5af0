"""Tables: what CSV and Parquet files are read into."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from brinery.errors import DataInvalid
from brinery.rows.feature import EXACT
from brinery.rows.written import Written
from brinery.tables.spelling import Spelling


@dataclass
class Columns:
    """Columns that were read, with what is wrong with some and what is to be told of others.

    A column that cannot be used is one of nulls; `problems` says why, by column, and `notes` tells what was done to a
    column, by column too. These texts follow the column's name. `written` is how a CSV wrote a column, by column.
    """

    table: pa.Table
    problems: dict[str, str] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)
    written: dict[str, Written] = field(default_factory=dict)

    def refuse(self, name: str, problem: str) -> None:
        """Say why a column cannot be used."""
        self.problems.setdefault(name, problem)
        self.put(name, pa.nulls(self.table.num_rows))

    def put(self, name: str, column: pa.Array | pa.ChunkedArray) -> None:
        """Replace a column."""
        self.table = self.table.set_column(self.table.column_names.index(name), name, column)


class Table(Protocol):
    """A table whose header was read: `names` are those of its columns, `index` those that number its rows."""

    @property
    def names(self) -> Sequence[str]: ...

    @property
    def index(self) -> Sequence[str]: ...

    def read(self, columns: Sequence[str], spelling: Spelling) -> Columns:
        """Some of the columns, as they are declared."""
        ...


SHOWN_NAMES = 30


def named_once(where: str, names: Sequence[str]) -> Sequence[str]:
    """The names as they are; columns without a name may be many, since none of them can be used.

    Raises:
        DataInvalid: a name stands there twice.
    """
    twice = [name for name, times in Counter(filter(None, names)).items() if times > 1]
    if twice:
        told = " and two named ".join(f'"{name}"' for name in twice)
        raise DataInvalid(f"{where} has two columns named {told}; each name must be there once")
    return names


def listed(names: Sequence[str]) -> str:
    """Names for a message, the first of them where there are many."""
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    return ", ".join(map(str, names[:SHOWN_NAMES])) + more


def with_usable_types(where: str, columns: Columns, spelling: Spelling) -> Columns:
    """The columns with decimals as floats; of another type that no model can take, it is said.

    Raises:
        DataInvalid: there is no row.
    """
    if columns.table.num_rows == 0:
        raise DataInvalid(f"{where} has columns and no row")
    for field_ in columns.table.schema:
        if pa.types.is_decimal(field_.type):
            _put_decimals(columns, field_.name, field_.name in spelling.kinds)
        elif not _usable(field_.type):
            columns.refuse(
                field_.name,
                f"is of type {field_.type}, which no model can take; put it into exclude, or leave it out of features",
            )
    return columns


def is_beyond_exact(column: pa.ChunkedArray) -> bool:
    """Whether a column of numbers holds one of a size at which floats skip whole numbers."""
    ends = pc.min_max(column).as_py()
    return ends["min"] is not None and max(abs(ends["min"]), abs(ends["max"])) > EXACT


def _put_decimals(columns: Columns, name: str, declared: bool) -> None:
    """Floats, unless different values would be one."""
    column = columns.table.column(name)
    floats = column.cast(pa.float64())
    largest = pc.max(pc.abs(floats)).as_py() or 0
    identifiers = column.type.scale <= 0 and largest > EXACT and not declared
    if identifiers or pc.count_distinct(column).as_py() != pc.count_distinct(floats).as_py():
        columns.refuse(
            name,
            f"is of type {column.type}, and different values of it are one number to a model; "
            'name it in kinds as "category", or put it into exclude',
        )
    else:
        columns.put(name, floats)


def _usable(kind: pa.DataType) -> bool:
    types = pa.types
    if types.is_dictionary(kind):
        return _usable(kind.value_type)
    known = (types.is_boolean, types.is_integer, types.is_floating, types.is_date, types.is_timestamp, types.is_null)
    texts = (types.is_string, types.is_large_string, types.is_string_view)
    return any(test(kind) for test in (*known, *texts))
