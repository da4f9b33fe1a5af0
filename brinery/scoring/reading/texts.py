"""Texts: the rows of a piece of CSV, as a table; and those of JSON lines, as a request has them."""

import json
import re
from collections.abc import Callable, Collection, Sequence
from typing import Any

import pyarrow as pa
from pyarrow import csv as arrow_csv

from brinery.errors import DataInvalid, words_of
from brinery.rows.feature import Feature
from brinery.rows.written import Written
from brinery.scoring.reading.columns import Refused
from brinery.tables.csv import BLOCK_BYTES

HALF = re.compile(rb"\\u[dD][89a-fA-F]")  # of a character, which is none without the other half
WRONG_COLUMN = re.compile(r"In CSV column #(\d+): ")


class CsvRows:
    """Reads pieces of one CSV file."""

    def __init__(
        self, where: str, names: Sequence[str], separator: str, features: Sequence[Feature], keep: Sequence[str]
    ):
        """Decide how each column is read: as numbers where those are plain, and as it is written else.

        Args:
            names: of the columns that the file has.
            features: as of a CSV, see `as_of_csv`.
            keep: further columns, which are kept as they are written.
        """
        self._where, self._names, self._separator = where, list(names), separator
        numbers = [each for each in features if each.kind in ("number", "integer") and each.name not in keep]
        plain = {
            each.name: each.written.words_of_missing for each in numbers if each.written and _is_plain(each.written)
        }
        alike = len(set(plain.values())) == 1
        self._missing: Collection[str] = next(iter(plain.values())) if alike else ()
        self._numbers = set(plain) if alike else set()
        self._columns = list(dict.fromkeys([*(feature.name for feature in features), *keep]))

    def read(self, data: bytes) -> tuple[pa.Table, Refused]:
        """The rows that have as many fields as the header, and why others are none, by their places.

        Raises:
            DataInvalid: the piece is not UTF-8, or no CSV.
        """
        numbers = set(self._numbers)
        while True:
            ragged: Refused = {}
            try:
                return self._parsed(data, numbers, ragged), ragged
            except pa.ArrowInvalid as exc:
                found = WRONG_COLUMN.match(str(exc))
                name = self._names[int(found[1])] if found else None
                if name not in numbers:
                    raise self._explained(data, exc) from exc
                numbers.remove(name)  # it is read as it is written, so that the wrong values can be told

    def _parsed(self, data: bytes, numbers: Collection[str], ragged: Refused) -> pa.Table:
        if not data.strip(b"\r\n"):
            return pa.table({name: pa.array([], pa.string()) for name in self._columns})
        types = {name: pa.float64() if name in numbers else pa.string() for name in self._columns}
        return arrow_csv.read_csv(
            pa.BufferReader(data),
            read_options=arrow_csv.ReadOptions(
                column_names=self._names, use_threads=False, block_size=max(len(data), BLOCK_BYTES)
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=self._separator, newlines_in_values=b'"' in data, invalid_row_handler=_note_in(ragged)
            ),
            convert_options=arrow_csv.ConvertOptions(
                include_columns=self._columns,
                column_types=types,
                null_values=list(self._missing),
                strings_can_be_null=False,
            ),
        )

    def _explained(self, data: bytes, exc: Exception) -> DataInvalid:
        try:
            data.decode()
        except UnicodeDecodeError:
            return DataInvalid(f"{self._where} is not UTF-8; save it as UTF-8")
        return DataInvalid(f"{self._where} cannot be read as CSV: {words_of(exc, 200)}")


def _is_plain(written: Written) -> bool:
    """Whether numbers are written as Python writes them."""
    return written.decimal == "." and not written.thousands


def _note_in(ragged: Refused) -> Callable[[Any], str]:
    def note(row: Any) -> str:
        ragged[row.number - 1] = [f"has {row.actual_columns} fields; the header has {row.expected_columns}"]
        return "skip"

    return note


def json_rows(data: bytes) -> tuple[list[Any], Refused]:
    """The rows of lines, without those that are blank, and why some are none, by their places: None stands there."""
    rows: list[Any] = []
    refused: Refused = {}
    for line in data.split(b"\n"):
        if not line.strip():
            continue
        try:
            row = _DECODER.decode(line.decode())
            if HALF.search(line):
                json.dumps(row, ensure_ascii=False).encode()
            rows.append(row)
        except (ValueError, RecursionError):
            refused[len(rows)] = ["must be a row as JSON, in Unicode and with no name twice"]
            rows.append(None)
    return rows, refused


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is there twice")
    return found


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_number)
