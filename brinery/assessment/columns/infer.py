"""Columns: each one's kind and range, inferred once from the whole frame, and the arrays that they make."""

from collections.abc import Collection, Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd
from pandas.api import types

from brinery.assessment.columns.kinds import Unreadable, as_numbers, as_texts, natural_kind, shown
from brinery.rows.feature import Feature, Kind
from training.dataset import Dataset
from training.errors import DataInvalid

MAX_CATEGORIES = 1000
IDENTIFIERS_FROM = 20  # of fewer rows, all different texts may be chance
MAX_CLASSES = 1000
EXACT = 2.0**53  # beyond it, floats skip whole numbers
COLUMNS_AT_ONCE, ROWS_AT_ONCE = 8, 4096  # a line of the processor's cache, and rows that fit it
NO_KINDS: Mapping[str, Kind] = MappingProxyType({})


def infer_features(
    name: str,
    frame: pd.DataFrame,
    *,
    source: str = "the data",
    kinds: Mapping[str, Kind] = NO_KINDS,
    named: Collection[str] | None = None,
) -> tuple[Feature, ...]:
    """The feature schema of a frame, in column order.

    Whole numbers that pandas holds as floats, since values are missing beside them, are numbers: serving then
    refuses no fraction that the model could answer.

    Args:
        source: where the frame came from, for messages.
        kinds: overrules what is inferred, by column.
        named: columns that are wanted even where they are constant or look like identifiers; without it, all are.

    Raises:
        DataInvalid: a column that no model can use, or a value that is not of the kind asked for.
    """
    features = []
    for column in map(str, frame.columns):
        try:
            is_named = named is None or column in named or column in kinds
            features.append(_feature(column, frame[column], kinds.get(column), is_named))
        except _Refused as exc:
            raise DataInvalid(f'{name}: column "{column}" of {source} {exc}') from exc
    return tuple(features)


def to_array(frame: pd.DataFrame, features: tuple[Feature, ...]) -> np.ndarray:
    """The array that serving will build from the same rows: float64, or object where there are categories."""
    if all(feature.kind != "category" for feature in features):
        return _numeric_array(frame, features)
    array = np.empty(frame.shape, dtype=object)
    for j, feature in enumerate(features):
        column = frame.iloc[:, j]
        array[:, j] = as_texts(column) if feature.kind == "category" else as_numbers(column, feature.kind)
    return array


def to_rows(array: np.ndarray, features: tuple[Feature, ...]) -> list[list[object]]:
    """Rows as JSON carries them: missing values as null, booleans as such, dates as numbers of days."""
    kinds = [feature.kind for feature in features]
    return [[_cell(cell, kind) for cell, kind in zip(row, kinds, strict=True)] for row in array.tolist()]


def encode_target(dataset: Dataset) -> np.ndarray:
    """The target as an array of whole numbers, booleans or strings, whichever it holds, shape (rows,).

    Raises:
        DataInvalid: it holds fractions, too many classes, or a class of one row.
    """
    where = f'{dataset.model}: the target "{dataset.target.name}" of {dataset.source}'
    target = _plain(dataset.target)
    if types.is_float_dtype(target) and not (target.abs().le(EXACT) & target.eq(target.round())).all():
        raise DataInvalid(f"{where} holds fractions; a class is a whole number, a text or a boolean")
    counts = target.value_counts()
    if len(counts) > MAX_CLASSES or len(counts) == len(target):
        raise DataInvalid(
            f"{where} has {len(counts)} classes in {len(target)} rows, as a number to predict or an identifier has; "
            f"at most {MAX_CLASSES} classes of 2 or more rows can be learnt"
        )
    if counts.iloc[-1] < 2:
        raise DataInvalid(
            f'{where} has one row only of the class "{counts.index[-1]}"; each class needs 2 or more, '
            "so that one is held out"
        )
    if types.is_bool_dtype(target):
        return np.asarray(target.to_numpy(dtype=np.bool_))
    if types.is_numeric_dtype(target):
        return np.asarray(target.to_numpy(dtype=np.int64))
    return np.asarray(target.to_numpy(dtype=object).astype(np.str_))


def _numeric_array(frame: pd.DataFrame, features: tuple[Feature, ...]) -> np.ndarray:
    """Filled a few columns and rows at a time, ten times as fast as column by column."""
    array = np.empty(frame.shape, dtype=np.float64)
    for first in range(0, len(features), COLUMNS_AT_ONCE):
        group = range(first, min(first + COLUMNS_AT_ONCE, len(features)))
        columns = [as_numbers(frame.iloc[:, j], features[j].kind) for j in group]
        for start in range(0, len(array), ROWS_AT_ONCE):
            for j, column in zip(group, columns, strict=True):
                array[start : start + ROWS_AT_ONCE, j] = column[start : start + ROWS_AT_ONCE]
    return array


class _Refused(Exception):
    """Its text follows the column's name."""


def _cell(cell: object, kind: str) -> object:
    if cell is None or cell != cell:  # NaN
        return None
    return bool(cell) if kind == "boolean" else cell


def _feature(column: str, values: pd.Series, wanted: Kind | None, named: bool) -> Feature:
    missing = int(values.isna().sum())
    if missing == len(values):
        raise _Refused("has no values; put it into exclude, or leave it out of features")
    kind = wanted or natural_kind(values)
    if kind is None:
        raise _Refused(_why_no_kind(values))
    nullable = missing > 0
    try:
        if kind == "category":
            found = sorted(set(as_texts(values)) - {None})
            _refuse_useless_categories(found, len(values) - missing, wanted, nullable, named)
            return Feature(name=column, kind=kind, nullable=nullable, categories=tuple(found))
        numbers = as_numbers(values, kind)
    except Unreadable as exc:
        asked = f', which kinds "{kind}" asks for' if wanted else ""
        raise _Refused(f"{exc}{asked}; mend it, overrule the column in kinds, or put it into exclude") from exc
    low, high = float(np.nanmin(numbers)), float(np.nanmax(numbers))
    if low == high and not nullable and not named:
        raise _Refused(_why_constant(values.iloc[0]))
    if kind == "boolean":
        return Feature(name=column, kind=kind, nullable=nullable)
    return Feature(name=column, kind=kind, nullable=nullable, minimum=low, maximum=high)


def _refuse_useless_categories(
    found: list[str], present: int, wanted: Kind | None, nullable: bool, named: bool
) -> None:
    if len(found) == 1 and not nullable and not named:
        raise _Refused(_why_constant(found[0]))
    if len(found) == present > IDENTIFIERS_FROM and not named:
        raise _Refused(
            f"holds {present} texts that are all different, as identifiers are; put it into exclude, "
            "or name it in features or kinds if the model shall use it"
        )
    if len(found) > MAX_CATEGORIES:
        number = "" if wanted else '; a column of numbers or dates is one by kinds "number" or "date"'
        raise _Refused(
            f"has {len(found)} categories; at most {MAX_CATEGORIES} are allowed, so put it into exclude "
            f"or group its values{number}"
        )


def _why_constant(value: object) -> str:
    return (
        f"has the same value in every row, {shown(value)}, from which nothing can be learnt; put it into exclude, "
        "or name it in features or kinds"
    )


def _why_no_kind(values: pd.Series) -> str:
    """Two types, each with an example, or the one type that no model can take."""
    present = values.dropna()
    examples: dict[str, tuple[int, object]] = {}
    for row, value in zip(np.flatnonzero(values.notna()), present, strict=True):
        examples.setdefault(type(value).__name__, (int(row) + 1, value))
        if len(examples) == 2:
            (first, (_, one)), (second, (at, other)) = examples.items()
            return (
                f"holds values of type {first}, such as {shown(one)}, and of type {second}, such as {shown(other)} "
                f'in row {at}; mend it, make it texts by kinds "category", or put it into exclude'
            )
    return f"holds values of type {next(iter(examples))}, which no model can take; put it into exclude"


def _plain(target: pd.Series) -> pd.Series:
    """The target by what it holds: a categorical as its categories' type, objects as theirs."""
    if isinstance(target.dtype, pd.CategoricalDtype):
        return target.astype(target.cat.categories.dtype)
    return target.infer_objects() if types.is_object_dtype(target) else target
