"""Kinds: what a column's values are, and the numbers or texts that a model gets for them."""

import re
from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from brinery.errors import DataInvalid
from brinery.rows.cell import NUMERIC_STRING
from brinery.rows.dates import (
    FIRST_DAY,
    LAST_DAY,
    MICROSECONDS_OF_DAY,
    ZONED_DATE_STRING,
    days_of_moment,
    days_of_text,
)
from brinery.rows.feature import Kind

NUMBER = re.compile(NUMERIC_STRING)
ZONED = re.compile(ZONED_DATE_STRING)
OBJECT_KINDS: dict[str, Kind] = {
    "boolean": "boolean",
    "integer": "integer",
    "floating": "number",
    "mixed-integer-float": "number",
    "decimal": "number",
    "datetime64": "date",
    "datetime": "date",
    "date": "date",
    "string": "category",
}


class Unreadable(DataInvalid):
    """A value that is not of the wanted kind, with its row, counted from 0."""

    def __init__(self, row: int, value: object, wanted: str) -> None:
        super().__init__(f"holds {shown(value)} in row {row + 1}, which is not {wanted}")


def shown(value: object) -> str:
    """A value for a message."""
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 80 else text[:77] + "..."


def natural_kind(values: pd.Series) -> Kind | None:
    """The kind that the values have by themselves, or None where a model cannot take them; one is not missing."""
    kind = _kind_of_type(values)
    if kind == "category" and not isinstance(values.dtype, pd.CategoricalDtype):
        try:
            _each(values, _days)
        except Unreadable:
            return "category"
        return "date"
    return kind


def as_numbers(values: pd.Series, kind: Kind) -> np.ndarray:
    """Values as float64, shape (rows,), missing ones as NaN; dates as days since 1970-01-01.

    Raises:
        Unreadable: a value is not of this kind, or infinite.
    """
    array = _days_of(values) if kind == "date" else _floats(values)
    bad = np.isinf(array)
    if bad.any():
        raise _unreadable(values, bad, "a finite number")
    if kind == "boolean":
        _check(values, array, (array == 0) | (array == 1), "true or false, or 1 or 0")
    elif kind == "integer":
        _check(values, array, array == np.trunc(array), "a whole number")
    return array


def have_offsets(values: pd.Series) -> bool:
    """Whether each date of a column carries its offset from UTC."""
    if types.is_datetime64_any_dtype(values.dtype):
        return isinstance(values.dtype, pd.DatetimeTZDtype)
    distinct = [value for value in _factorized(values)[1] if not pd.isna(value)]
    return bool(distinct) and all(
        (isinstance(value, str) and ZONED.fullmatch(value) is not None)
        or (isinstance(value, datetime) and value.tzinfo is not None)
        for value in distinct
    )


def as_texts(values: pd.Series) -> np.ndarray:
    """Values as strings, shape (rows,), missing ones as None; each distinct string is one object.

    Numbers are written as JSON does, whole ones without a fraction where all of the column are whole.

    Raises:
        Unreadable: a value is neither a text, a number, a boolean nor a date.
    """
    codes, distinct = _factorized(values)
    whole = all(isinstance(value, int | float) and value == value // 1 for value in distinct)
    texts = np.empty(len(distinct) + 1, dtype=object)  # the last stays None, for the code -1
    for code, value in enumerate(distinct):
        text = _text(value, whole)
        if text is None:
            raise Unreadable(int(np.argmax(codes == code)), value, "a text, a number, a boolean or a date")
        texts[code] = text
    return np.asarray(texts[codes])


def _kind_of_type(values: pd.Series) -> Kind | None:
    if isinstance(values.dtype, pd.CategoricalDtype):  # of booleans, it is a boolean to pandas
        return "category"
    by_type: tuple[tuple[Callable[[Any], bool], Kind | None], ...] = (
        (types.is_bool_dtype, "boolean"),
        (types.is_integer_dtype, "integer"),
        (types.is_complex_dtype, None),
        (types.is_numeric_dtype, "number"),
        (types.is_datetime64_any_dtype, "date"),
        (lambda dtype: isinstance(dtype, pd.StringDtype), "category"),
    )
    for test, kind in by_type:
        if test(values.dtype):
            return kind
    return OBJECT_KINDS.get(types.infer_dtype(values, skipna=True))


def _floats(values: pd.Series) -> np.ndarray:
    if types.is_numeric_dtype(values.dtype) and not types.is_complex_dtype(values.dtype):
        return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan))
    return _each(values, _float)


def _days_of(values: pd.Series) -> np.ndarray:
    if not types.is_datetime64_any_dtype(values.dtype):
        return _each(values, _days)
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        values = values.dt.tz_convert(None)
    moments = values.to_numpy()
    missing = np.isnat(moments)
    days = moments.astype("datetime64[D]").astype(np.int64)
    beyond = ~missing & ((days < FIRST_DAY) | (days >= LAST_DAY))
    if beyond.any():
        raise _unreadable(values, beyond, "a date of the years 1 to 9999")
    # Calculated as `days_of_moment` does, so that a served text makes the very number that was fitted.
    array = days + moments.astype("datetime64[us]").astype(np.int64) % MICROSECONDS_OF_DAY / MICROSECONDS_OF_DAY
    array[missing] = np.nan
    return np.asarray(array)


def _each(values: pd.Series, convert: Callable[[Any], float]) -> np.ndarray:
    """Each distinct value converted once."""
    codes, distinct = _factorized(values)
    numbers = np.full(len(distinct) + 1, np.nan)  # the last stays missing, for the code -1
    for code, value in enumerate(distinct):
        try:
            numbers[code] = convert(value)
        except (ValueError, OverflowError) as exc:
            raise Unreadable(int(np.argmax(codes == code)), value, str(exc)) from exc
    return np.asarray(numbers[codes])


def _factorized(values: pd.Series) -> tuple[np.ndarray, list[Any]]:
    if isinstance(values.dtype, pd.CategoricalDtype):
        used = values.cat.remove_unused_categories().cat
        return np.asarray(used.codes), used.categories.tolist()
    try:
        codes, distinct = pd.factorize(values)
    except TypeError:  # lists and the like cannot be compared
        row = next(i for i, value in enumerate(values) if getattr(value, "__hash__", None) is None)
        raise Unreadable(row, values.iloc[row], "a text, a number, a boolean or a date") from None
    return codes, distinct.tolist() if hasattr(distinct, "tolist") else list(distinct)


def _float(value: Any) -> float:
    """Texts are numbers where serving takes them as such, so that "nan" and "1_000" are none."""
    if isinstance(value, str) and not NUMBER.fullmatch(value.strip()):
        raise ValueError("a number")
    try:
        return float(value)
    except TypeError:
        raise ValueError("a number") from None


def _days(value: Any) -> float:
    if isinstance(value, str):
        try:
            days = days_of_text(value)
        except ValueError:
            raise ValueError("an ISO 8601 date or date-time") from None
    elif isinstance(value, datetime):
        days = days_of_moment(value)
    elif isinstance(value, date):
        days = days_of_moment(datetime(value.year, value.month, value.day))
    else:
        raise ValueError("an ISO 8601 date or date-time")
    if not FIRST_DAY <= days < LAST_DAY:
        raise ValueError("a date of the years 1 to 9999")
    return days


def _text(value: Any, whole: bool) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(int(value)) if whole else repr(value)
    if isinstance(value, date):
        midnight = isinstance(value, datetime) and value.time() == time() and value.tzinfo is None
        return value.isoformat()[:10] if midnight else value.isoformat()
    return str(value) if hasattr(value, "is_finite") else None  # a Decimal


def _check(values: pd.Series, array: np.ndarray, good: np.ndarray, wanted: str) -> None:
    bad = ~good & ~np.isnan(array)
    if bad.any():
        raise _unreadable(values, bad, wanted)


def _unreadable(values: pd.Series, bad: np.ndarray, wanted: str) -> Unreadable:
    row = int(np.argmax(bad))
    return Unreadable(row, values.iloc[row], wanted)
