"""Columns: those of a table, checked against the features as requests are, and turned into one array.

What is surely right is taken as whole columns; every other row is asked of the parser that checks requests, which
alone says that a row does not fit, and why.
"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic_core import SchemaValidator, ValidationError

from brinery.errors import RowInvalid
from brinery.rows.cell import LONGEST_NUMBER, NUMERIC_STRING, WHOLE_STRING, cell_schema
from brinery.rows.dates import FIRST_DAY, LAST_DAY, MICROSECONDS_OF_DAY
from brinery.rows.feature import Feature
from brinery.rows.parser import RowParser
from brinery.rows.written import Written

ROWS_AT_ONCE = 4096  # that fit the processor's cache while columns are put side by side
UNITS_OF_DAY = {"day": 1, "s": 86_400, "ms": 86_400_000, "us": MICROSECONDS_OF_DAY}
Refused = dict[int, list[str]]
_NO_VALUE = object()


@dataclass(frozen=True)
class Checked:
    """Rows that fit, shape (rows, features), as the parser makes them; their `places`, and why others do not fit."""

    array: np.ndarray
    places: np.ndarray
    refused: Refused


class Columns:
    """Checks tables that have a column for each feature, in their order."""

    def __init__(self, features: Sequence[Feature], of_csv: bool = False) -> None:
        """Make the checks.

        Args:
            of_csv: values are texts, as a CSV has them.
        """
        self.features = as_of_csv(features) if of_csv else tuple(features)
        self._parser = RowParser(self.features)
        self._columns = [_Column(feature) for feature in self.features]
        self._of_numbers = all(feature.kind == "number" for feature in self.features)
        self._of_texts = any(feature.of_texts for feature in self.features)

    def check(self, table: pa.Table) -> Checked:
        """Check a table of so many rows as are answered at once."""
        rows = len(table)
        plain = self._plain(table)
        if plain is not None:
            return Checked(plain, np.arange(rows), {})
        taken = [column.take(_whole(table.column(j))) for j, column in enumerate(self._columns)]
        array = self._side_by_side([values for values, _ in taken], rows)
        doubted = np.zeros(rows, dtype=bool)
        for _, doubts in taken:
            if doubts is not None:
                doubted |= doubts
        places, refused = np.arange(rows), dict[int, list[str]]()
        for place in np.flatnonzero(doubted).tolist():
            row = [_as_json(table.column(j)[place]) for j in range(len(self.features))]
            try:
                array[place] = self._parser.parse([row], 1).array[0]
            except RowInvalid as exc:
                refused[place] = [message for _, message in exc.errors]
        if refused:
            places = np.delete(places, list(refused))
            array = array[places]
        return Checked(array, places, refused)

    def _plain(self, table: pa.Table) -> np.ndarray | None:
        """Rows of finite numbers alone, where the features are such; None where some cell asks for more than a look."""
        if not self._of_numbers:
            return None
        columns = [_whole(column) for column in table.columns]
        if not all(pa.types.is_floating(each.type) and not each.null_count for each in columns):
            return None
        array = self._side_by_side([column.to_numpy() for column in columns], len(table))
        return array if np.isfinite(array).all() else None

    def _side_by_side(self, columns: Sequence[np.ndarray], rows: int) -> np.ndarray:
        array = np.empty((rows, len(columns)), dtype=object if self._of_texts else np.float64)
        for start in range(0, rows, ROWS_AT_ONCE):
            for j, column in enumerate(columns):
                array[start : start + ROWS_AT_ONCE, j] = column[start : start + ROWS_AT_ONCE]
        return array


def as_of_csv(features: Sequence[Feature]) -> tuple[Feature, ...]:
    """The features with values that may be spelled as in a CSV, as their own was, or else as any."""
    return tuple(
        feature if feature.written is not None else feature.model_copy(update={"written": Written()})
        for feature in features
    )


class _Column:
    """Takes the values of one feature; a value that is not surely right is doubted."""

    def __init__(self, feature: Feature) -> None:
        self._feature = feature
        self._cell = SchemaValidator(cell_schema(feature))

    def take(self, column: pa.Array) -> tuple[np.ndarray, np.ndarray | None]:
        """Values, and which rows are doubted, both of shape (rows,); None where none is."""
        kind, found = self._feature.kind, column.type
        if kind in ("number", "integer"):
            if pa.types.is_decimal(found):
                column = column.cast(pa.string()).cast(pa.float64())  # a cast by itself may be off by the last bit
            if pa.types.is_integer(found) or pa.types.is_floating(column.type):
                return self._numbers(column)
            if _is_text(found) and self._is_plain:
                return self._numbers_of_texts(column)
        elif kind == "boolean" and pa.types.is_boolean(found):
            return self._numbers(column.cast(pa.uint8()))
        elif kind == "date" and (pa.types.is_timestamp(found) or pa.types.is_date(found)):
            return self._days(column)
        return self._each(column)

    @property
    def _is_plain(self) -> bool:
        """Whether its numbers are written as Python writes them."""
        written = self._feature.written
        return written is None or (written.decimal == "." and not written.thousands)

    def _numbers(self, column: pa.Array) -> tuple[np.ndarray, np.ndarray | None]:
        values = column.to_numpy(zero_copy_only=False)
        if values.dtype.kind == "f":
            right = np.isfinite(values)
            if self._feature.nullable:
                right |= np.isnan(values)
            if self._feature.kind == "integer":
                right &= np.isnan(values) | (values == np.floor(values))
            return values, None if right.all() else ~right
        return values, None

    def _numbers_of_texts(self, column: pa.Array) -> tuple[np.ndarray, np.ndarray | None]:
        bare = pc.utf8_trim_whitespace(column) if self._feature.written is not None else column
        pattern = WHOLE_STRING if self._feature.kind == "integer" else NUMERIC_STRING
        fits = pc.and_(pc.match_substring_regex(bare, pattern), pc.less_equal(pc.utf8_length(bare), LONGEST_NUMBER))
        fits = pc.fill_null(fits, False)
        numbers = pc.if_else(fits, pc.replace_substring_regex(bare, r"^\+", ""), None).cast(pa.float64())
        values = np.array(numbers.to_numpy(zero_copy_only=False), dtype=np.float64)
        others = ~fits.to_numpy(zero_copy_only=False) | ~np.isfinite(values)
        if not others.any():
            return values, None
        places = np.flatnonzero(others)
        values[places], doubts = self._each(column.take(pa.array(places)))
        doubted = np.zeros(len(values), dtype=bool)
        doubted[places] = True if doubts is None else doubts
        return values, doubted if doubts is not None else None

    def _days(self, column: pa.Array) -> tuple[np.ndarray, np.ndarray | None]:
        """Days as `days_of_moment` has them; a time without an offset is doubted where each must have one."""
        zoned = pa.types.is_timestamp(column.type) and column.type.tz is not None
        unit = "day" if pa.types.is_date32(column.type) else getattr(column.type, "unit", "ms")
        missing = pc.is_null(column).to_numpy(zero_copy_only=False)
        whole = column.cast(pa.int32() if unit == "day" else pa.int64()).fill_null(0)
        since = whole.to_numpy(zero_copy_only=False).astype(np.int64)
        if unit == "ns":
            since, unit = since // 1000, "us"
        days, rest = np.divmod(since, UNITS_OF_DAY[unit])
        values = days + rest / UNITS_OF_DAY[unit]
        right = (values >= FIRST_DAY) & (values < LAST_DAY) & (zoned or not self._feature.zoned)
        values[missing] = np.nan
        right = np.where(missing, self._feature.nullable, right)
        return values, None if right.all() else ~right

    def _each(self, column: pa.Array) -> tuple[np.ndarray, np.ndarray | None]:
        """Each different value by itself."""
        if pa.types.is_null(column.type):
            column = column.cast(pa.string())
        try:
            coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode(null_encoding="encode")
        except pa.ArrowNotImplementedError:  # lists and the like, which the parser refuses
            return np.full(len(column), None if self._feature.of_texts else np.nan), np.ones(len(column), dtype=bool)
        places = pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False)
        known = [_as_json(value) for value in coded.dictionary]
        values = np.empty(len(known) + 1, dtype=object if self._feature.of_texts else np.float64)
        wrong = np.zeros(len(known) + 1, dtype=bool)
        for place, value in enumerate([*known, None]):
            try:
                found = self._cell.validate_python(value)
            except ValidationError:
                wrong[place], found = True, None
            values[place] = found if found is not None or self._feature.of_texts else np.nan
        doubted = wrong[places]
        return values[places], doubted if doubted.any() else None


def _whole(column: pa.ChunkedArray) -> pa.Array:
    found = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _as_json(scalar: pa.Scalar) -> Any:
    """A value of a table as a request would have it; one that Python has none for fits no feature."""
    try:
        value = scalar.as_py()
    except (OverflowError, ValueError):  # a moment after the year 9999, nanoseconds, or bytes that are no UTF-8
        return _NO_VALUE
    if isinstance(value, float) and value != value:
        return None
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else value


def refused_at(refused: Mapping[int, list[str]], places: np.ndarray) -> Refused:
    """Refusals by the places that rows have in a whole of which some were checked."""
    return {int(places[row]): errors for row, errors in refused.items()}
