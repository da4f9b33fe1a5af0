"""Texts of a table whose columns have types, as Parquet's: read where that is declared, else kept or refused."""

from collections.abc import Sequence

import pyarrow as pa

from brinery.rows.feature import OF_TEXTS
from brinery.rows.written import Written
from brinery.tables.spelling import Spelling
from brinery.tables.table import Columns
from brinery.tables.texts.column import interpreted
from brinery.tables.texts.distinct import Texts


def put_texts(found: Columns, spelling: Spelling, names: Sequence[str]) -> None:
    """Read those of some columns of texts that are declared as another kind, and refuse what a person calls no texts.

    Texts of dates in ISO 8601 are left as they are, and are dates later on.
    """
    for field in map(found.table.schema.field, names):
        kind = spelling.kind_of(field.name)
        if not _is_text(field.type) or kind in OF_TEXTS or (kind is None and field.name == spelling.target):
            continue
        texts = texts_of(found.table, field.name)
        read = interpreted(texts, spelling)
        if read.problem:
            found.refuse(field.name, read.problem)
        elif kind is not None or pa.types.is_timestamp(read.array.type):
            found.put(field.name, read.array)
            found.written[field.name] = spelling.written(field.name)
        elif _is_text(read.array.type):
            _put_blanks(found, field.name, texts)
        elif read.array.null_count < len(read.array):
            what = "true and false" if pa.types.is_boolean(read.array.type) else "numbers"
            by_kind = "boolean" if pa.types.is_boolean(read.array.type) else "number"
            told = texts.told([place for place, text in enumerate(texts.values) if text.strip()])
            found.refuse(
                field.name,
                f"is of type {field.type}, and its texts are {what}, such as {told}; name it in kinds as "
                f'"{by_kind}", or as "category" to keep its texts',
            )


def _put_blanks(found: Columns, name: str, texts: Texts) -> None:
    """Texts of blanks alone are missing, as everywhere."""
    blank = [place for place, text in enumerate(texts.values) if not text.strip()]
    column = found.table.column(name)
    rows = texts.rows(blank) - column.null_count
    if rows:
        kept = [text if text.strip() else None for text in texts.values]
        found.put(name, texts.replaced(kept, pa.string()))
        found.written[name] = Written(verbatim=True)
        found.notes[name] = [f"has {rows} texts of nothing or blanks alone, taken as missing"]


def texts_of(table: pa.Table, name: str) -> Texts:
    """A column of texts, of which one that is missing is empty."""
    column = table.column(name).cast(pa.string()).fill_null("")
    return Texts(name, column, lambda row: f"row {row + 1}")


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
