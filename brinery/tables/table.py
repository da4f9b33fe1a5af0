"""Tables: what CSV and Parquet files are read into, and the frame that they make."""

from collections.abc import Collection, Sequence
from typing import Protocol

import pandas as pd
import pyarrow as pa

from brinery.errors import DataInvalid


class Table(Protocol):
    """A table whose header was read: `names` are those of its columns."""

    @property
    def names(self) -> Sequence[str]: ...

    def read(self, columns: Sequence[str], texts: Collection[str]) -> pa.Table:
        """Some of the columns; those in `texts` as they are written, whatever they look like, where it is text."""
        ...


SHOWN_NAMES = 30


def named_once(where: str, names: Sequence[str]) -> Sequence[str]:
    """The names as they are; columns without a name may be many, since none of them can be used.

    Raises:
        DataInvalid: a name stands there twice.
    """
    seen: set[str] = set()
    for name in names:
        if name and name in seen:
            raise DataInvalid(f'{where} has two columns named "{name}"; each name must be there once')
        seen.add(name)
    return names


def listed(names: Sequence[str]) -> str:
    """Names for a message, the first of them where there are many."""
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    return ", ".join(map(str, names[:SHOWN_NAMES])) + more


def with_usable_types(where: str, table: pa.Table) -> pa.Table:
    """The table with decimals as floats.

    Raises:
        DataInvalid: a column's type is none that a model can take, or the table has no row.
    """
    if table.num_rows == 0:
        raise DataInvalid(f"{where} has columns and no row")
    for j, field in enumerate(table.schema):
        if pa.types.is_decimal(field.type):
            table = table.set_column(j, field.name, table.column(j).cast(pa.float64()))
        elif not _usable(field.type):
            raise DataInvalid(
                f'{where}: column "{field.name}" is of type {field.type}, which no model can take; '
                "put it into exclude, or leave it out of features"
            )
    return table


def to_frame(table: pa.Table) -> pd.DataFrame:
    """The frame of a table, which is used up: its memory is taken over or given back column by column."""
    pool = pa.default_memory_pool()
    pool.release_unused()  # what reading took, which the pool keeps for the next that asks
    frame: pd.DataFrame = table.to_pandas(
        ignore_metadata=True, date_as_object=False, split_blocks=True, self_destruct=True
    )
    del table
    pool.release_unused()
    return frame


def _usable(kind: pa.DataType) -> bool:
    types = pa.types
    if types.is_dictionary(kind):
        return _usable(kind.value_type)
    known = (types.is_boolean, types.is_integer, types.is_floating, types.is_date, types.is_timestamp, types.is_null)
    texts = (types.is_string, types.is_large_string, types.is_string_view)
    return any(test(kind) for test in (*known, *texts))
