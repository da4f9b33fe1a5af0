"""CSV: from bytes to a table; what is wrong with them is told by its line."""

import csv
from collections.abc import Buffer, Collection, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from brinery.errors import DataInvalid, words_of
from brinery.rows.feature import OF_TEXTS
from brinery.rows.written import MISSING
from brinery.tables.lines import (
    below_separator_line,
    count_quotes,
    header_of,
    refuse_bad_text,
    refuse_open_quote,
    rows_of,
)
from brinery.tables.spelling import Spelling
from brinery.tables.table import Columns, is_beyond_exact, named_once
from brinery.tables.texts.codes import all_stay_apart, may_be_rounded, may_hold_codes, may_part_thousands
from brinery.tables.texts.column import interpreted
from brinery.tables.texts.dates import looks_like_numbers
from brinery.tables.texts.distinct import Texts

BLOCK_BYTES = 8 * 1024 * 1024  # no row can be longer


class CsvFile:
    """A CSV file by its header."""

    index: Sequence[str] = ()

    def __init__(self, where: str, data: Buffer) -> None:
        """Read the header.

        Args:
            where: the file, for messages.

        Raises:
            DataInvalid: the data are empty, not UTF-8 or no CSV, or a name stands there twice.
        """
        self._where = where
        self._buffer, self._above, told = below_separator_line(pa.py_buffer(data))
        self._separator, header = header_of(where, self._buffer, told, self._above)
        self.names = named_once(where, header)

    def read(self, columns: Sequence[str], spelling: Spelling) -> Columns:
        """See `Table`.

        Raises:
            DataInvalid: the data are not UTF-8, or a row is longer or shorter than the header; or the header is there
                again.
        """
        quotes = count_quotes(self._buffer)
        if quotes % 2:
            refuse_open_quote(self._where, self._buffer, self._separator, self._above)
        self._breaks = quotes > 0
        kept = [name for name in columns if self._is_read_as_text(name, spelling)]
        found = Columns(self._typed(columns, kept, spelling))
        found.written = {name: spelling.written(name) for name in columns}
        if found.table.num_rows:
            self._refuse_second_header(found.table)
            self._put_possible_codes(found, spelling)
        if any(map(pa.types.is_binary, found.table.schema.types)):
            refuse_bad_text(self._where, self._buffer, self._above)
        for name in columns:
            if pa.types.is_string(found.table.schema.field(name).type):
                self._interpret(found, name, spelling)
        return found

    def _is_read_as_text(self, name: str, spelling: Spelling) -> bool:
        kind, form = spelling.kinds.get(name), spelling.format_of(name)
        by_format = form is not None and (kind == "date" or (kind is None and looks_like_numbers(form)))
        read = by_format or spelling.own_of(name).reads_texts
        return kind in (*OF_TEXTS, "boolean") or read or name == spelling.target

    def _typed(
        self, columns: Sequence[str], texts: Collection[str], spelling: Spelling, nulls: bool = False
    ) -> pa.Table:
        """Some columns by the types that Arrow finds; all that it takes for texts as they are written."""
        where, buffer = self._where, self._buffer
        try:
            return arrow_csv.read_csv(pa.BufferReader(buffer), **self._options(columns, texts, spelling, nulls))
        except (pa.ArrowInvalid, KeyError) as exc:
            if "Empty CSV file" in str(exc):  # so it says where the header does not end in a newline
                raise DataInvalid(f"{where} has columns and no row") from exc
            refuse_bad_text(where, buffer, self._above)
            self._refuse_bad_row()
            raise DataInvalid(f"{where} cannot be read as CSV: {words_of(exc, 200)}") from exc

    def _options(
        self, columns: Sequence[str], texts: Collection[str], spelling: Spelling, nulls: bool
    ) -> dict[str, Any]:
        return {
            "read_options": arrow_csv.ReadOptions(block_size=BLOCK_BYTES),
            "parse_options": arrow_csv.ParseOptions(delimiter=self._separator, newlines_in_values=self._breaks),
            "convert_options": arrow_csv.ConvertOptions(
                include_columns=columns,
                column_types=dict.fromkeys(texts, pa.string()),
                null_values=[*MISSING, *spelling.missing],
                strings_can_be_null=nulls,
                decimal_point=spelling.decimal,
            ),
        }

    def _put_possible_codes(self, found: Columns, spelling: Spelling) -> None:
        """Columns of numbers that may be codes, as texts, and of times of day: read a second time, piece by piece."""
        numbers = [
            field.name
            for field in found.table.schema
            if _is_number(field)
            and (field.name not in spelling.kinds or is_beyond_exact(found.table.column(field.name)))
        ]
        others = {
            field.name
            for field in found.table.schema
            if pa.types.is_time(field.type) or (_is_number(field) and spelling.kinds.get(field.name) == "date")
        }
        for name in self._possible_codes(found, numbers, spelling) | others:
            found.put(name, self._typed([name], [name], spelling).column(name))

    def _possible_codes(self, found: Columns, numbers: Sequence[str], spelling: Spelling) -> set[str]:
        codes: set[str] = set()
        long: set[str] = set()
        options = self._options(numbers, numbers, spelling, nulls=True)
        for batch in arrow_csv.open_csv(pa.BufferReader(self._buffer), **options):
            codes |= {name for name in numbers if name not in codes and may_hold_codes(batch.column(name))}
            others = [name for name in numbers if name not in codes | long]
            long |= {name for name in others if may_be_rounded(batch.column(name), spelling.decimal)}
        if spelling.decimal == "." and not spelling.thousands:
            undeclared = [name for name in numbers if name not in spelling.kinds]
            floats = [name for name in undeclared if pa.types.is_float64(found.table.schema.field(name).type)]
            codes |= {name for name in floats if may_part_thousands(found.table.column(name))}
        for name in long - codes:
            texts = self._typed([name], [name], spelling, nulls=True).column(name)
            if not all_stay_apart(texts, found.table.column(name)):
                codes.add(name)
        return codes

    def _interpret(self, found: Columns, name: str, spelling: Spelling) -> None:
        column = interpreted(Texts(name, found.table.column(name), lambda row: f"line {self._line(row)}"), spelling)
        if column.problem:
            found.refuse(name, column.problem)
            return
        found.put(name, column.array)
        if column.written is not None:
            found.written[name] = column.written
        if column.notes:
            found.notes[name] = list(column.notes)

    def _refuse_second_header(self, table: pa.Table) -> None:
        """A row that is the header would be a row of data in a table of texts, and makes texts of any other."""
        if not all(map(pa.types.is_string, table.schema.types)):
            return
        again = pc.equal(table.column(0), table.column_names[0])
        for j, name in enumerate(table.column_names[1:], 1):
            again = pc.and_(again, pc.equal(table.column(j), name))
        row = pc.index(again, True).as_py()
        if row >= 0:
            raise DataInvalid(f"{self._where}: line {self._line(row)} is the header again; take it out")

    def _line(self, row: int) -> int:
        """The line on which a row begins, of which there are 0 and more below the header."""
        return int(self._lines[row])

    @cached_property
    def _lines(self) -> np.ndarray:
        begins = [line + self._above for line, _ in rows_of(self._buffer, self._separator)]
        return np.array(begins[1:], dtype=np.int64)

    def _refuse_bad_row(self) -> None:
        width = len(self.names)
        try:
            for line, row in rows_of(self._buffer, self._separator):
                if len(row) != width:
                    raise DataInvalid(
                        f"{self._where}: line {line + self._above} has {len(row)} fields; the header has {width}"
                    )
        except csv.Error as exc:
            raise DataInvalid(f"{self._where} cannot be read as CSV: {exc}") from exc


def _is_number(field: pa.Field) -> bool:
    return bool(pa.types.is_int64(field.type) or pa.types.is_float64(field.type))
