"""Frames: what a table becomes for training."""

import pandas as pd
import pyarrow as pa

from brinery.tables.table import is_beyond_exact


def to_frame(table: pa.Table) -> pd.DataFrame:
    """The frame of a table, which is used up: its memory is taken over or given back column by column."""
    pool = pa.default_memory_pool()
    pool.release_unused()  # what reading took, which the pool keeps for the next that asks
    exact = {
        name: _integers(table.column(name)) for name in table.column_names if _floats_would_lose(table.column(name))
    }
    frame: pd.DataFrame = table.to_pandas(
        ignore_metadata=True, date_as_object=False, split_blocks=True, self_destruct=True
    )
    del table
    pool.release_unused()
    for name, integers in exact.items():
        frame[name] = integers
    return frame


def _floats_would_lose(column: pa.ChunkedArray) -> bool:
    """Whether it has nulls, for which pandas makes floats, beside whole numbers that floats skip."""
    return bool(pa.types.is_integer(column.type) and column.null_count) and is_beyond_exact(column)


def _integers(column: pa.ChunkedArray) -> pd.Series:
    return column.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype(), pa.uint64(): pd.UInt64Dtype()}.get)
