"""CSV: from bytes to a table; what is wrong with them is told by its line."""

import csv
import io
import re
from collections.abc import Buffer, Collection, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from brinery.errors import DataInvalid
from brinery.tables.table import named_once

SEPARATORS = ",;\t|"
# What pandas takes as missing too.
MISSING = (
    *("", "NA", "N/A", "n/a", "<NA>", "#N/A", "#N/A N/A", "#NA", "NaN", "nan", "-NaN", "-nan"),
    *("NULL", "null", "None", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
)
BLOCK_BYTES = 8 * 1024 * 1024  # no row can be longer
QUOTED = re.compile(r'"[^"]*"')


class CsvFile:
    """A CSV file by its header."""

    def __init__(self, where: str, data: Buffer) -> None:
        """Read the header.

        Args:
            where: the file, for messages.

        Raises:
            DataInvalid: the data are empty, not UTF-8 or no CSV, or a name stands there twice.
        """
        self._where, self._buffer = where, pa.py_buffer(data)
        self._separator, header = _header(where, self._buffer)
        self.names = named_once(where, header)

    def read(self, columns: Sequence[str], texts: Collection[str]) -> pa.Table:
        """See `Table`.

        Raises:
            DataInvalid: the data are not UTF-8, or a row is longer or shorter than the header.
        """
        where, buffer, separator = self._where, self._buffer, self._separator
        quotes = _quotes(buffer)
        if quotes % 2:
            _refuse_open_quote(where, buffer, separator)
        wanted = [name for name in columns if name in texts]
        try:
            table = arrow_csv.read_csv(
                pa.BufferReader(buffer),
                read_options=arrow_csv.ReadOptions(block_size=BLOCK_BYTES),
                parse_options=arrow_csv.ParseOptions(delimiter=separator, newlines_in_values=quotes > 0),
                convert_options=arrow_csv.ConvertOptions(
                    include_columns=columns,
                    column_types=dict.fromkeys(wanted, pa.string()),
                    null_values=MISSING,
                    strings_can_be_null=True,
                ),
            )
        except (pa.ArrowInvalid, KeyError) as exc:
            if "Empty CSV file" in str(exc):  # so it says where the header does not end in a newline
                raise DataInvalid(f"{where} has columns and no row") from exc
            _refuse_bad_text(where, buffer)
            _refuse_bad_row(where, buffer, separator, len(self.names))
            raise DataInvalid(f"{where} cannot be read as CSV: {' '.join(str(exc).split())[:200]}") from exc
        if any(pa.types.is_binary(kind) for kind in table.schema.types):
            _refuse_bad_text(where, buffer)
        for name in wanted:
            table = _without_zero_fractions(table, table.column_names.index(name))
        return table


def _header(where: str, buffer: pa.Buffer) -> tuple[str, list[str]]:
    """The separator, which is the one that stands most often in the first line, and the columns' names."""
    try:
        first = next((line for line in _text(buffer) if line.strip("\r\n")), None)
        if first is None:
            raise DataInvalid(f"{where} is empty; it must hold a header and rows")
        if first.lstrip().lower().startswith(("<!doctype html", "<html")):
            raise DataInvalid(f"{where} is a web page; it must be CSV or Parquet")
        bare = QUOTED.sub("", first)
        separator = max(SEPARATORS, key=bare.count)
        return separator, next(row for _, row in _rows(buffer, separator))
    except UnicodeDecodeError:
        _refuse_bad_text(where, buffer)
        raise
    except csv.Error as exc:
        raise DataInvalid(f"{where}: the header cannot be read as CSV: {exc}") from exc


def _text(buffer: pa.Buffer) -> io.TextIOWrapper:
    return io.TextIOWrapper(pa.BufferReader(buffer), encoding="utf-8-sig", newline="")


def _rows(buffer: pa.Buffer, separator: str, *, strict: bool = False) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not blank, each with the number of the line on which it begins."""
    reader = csv.reader(_text(buffer), delimiter=separator, strict=strict)
    begins = 1
    for row in reader:
        if row:
            yield begins, row
        begins = reader.line_num + 1


def _quotes(buffer: pa.Buffer) -> int:
    """How many quotation marks there are, counted in pieces that fit the processor's cache."""
    view = np.frombuffer(buffer, dtype=np.uint8)
    return sum(int(np.count_nonzero(view[i : i + 2**18] == ord('"'))) for i in range(0, len(view), 2**18))


def _refuse_open_quote(where: str, buffer: pa.Buffer, separator: str) -> None:
    """A quoted field that is never closed would swallow all the rows after it."""
    last = 0
    try:
        for begins, row in _rows(buffer, separator, strict=True):
            last = begins + sum(field.count("\n") for field in row)
    except UnicodeDecodeError:
        _refuse_bad_text(where, buffer)
    except csv.Error as exc:
        if "unexpected end of data" in str(exc):
            raise DataInvalid(f"{where}: after line {last} a quotation mark is opened and never closed") from exc


def _refuse_bad_row(where: str, buffer: pa.Buffer, separator: str, width: int) -> None:
    try:
        for line, row in _rows(buffer, separator):
            if len(row) != width:
                raise DataInvalid(f"{where}: line {line} has {len(row)} fields; the header has {width}")
    except csv.Error as exc:
        raise DataInvalid(f"{where} cannot be read as CSV: {exc}") from exc


def _refuse_bad_text(where: str, buffer: pa.Buffer) -> None:
    data = buffer.to_pybytes()
    try:
        data.decode()
    except UnicodeDecodeError as exc:
        line = data.count(b"\n", 0, exc.start) + 1
        raise DataInvalid(f"{where} is not UTF-8: see line {line}; save it as UTF-8") from exc


def _without_zero_fractions(table: pa.Table, j: int) -> pa.Table:
    """Whole numbers that were written as 3.0, since values were missing beside them, as 3."""
    column = table.column(j)
    if pc.all(pc.match_substring_regex(column, r"^-?[0-9]+\.0+$")).as_py():
        table = table.set_column(j, table.field(j), pc.replace_substring_regex(column, r"\.0+$", ""))
    return table
