"""Columns: each one's kind and range, inferred once from the whole frame."""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from brinery.assessment.columns.kinds import Unreadable, as_numbers, as_texts, have_offsets, natural_kind, shown
from brinery.assessment.columns.numbering import why_row_numbers
from brinery.assessment.columns.problems import ColumnsInvalid
from brinery.rows.feature import EXACT, LONGEST_PROSE, Feature, Kind
from brinery.rows.written import Written

MAX_CATEGORIES = 1000
IDENTIFIERS_FROM = 20  # of fewer rows, all different texts may be chance
NO_KINDS: Mapping[str, Kind] = MappingProxyType({})
NO_PROBLEMS: Mapping[str, str] = MappingProxyType({})
NOTHING_WRITTEN: Mapping[str, Written] = MappingProxyType({})


def infer_features(
    frame: pd.DataFrame,
    *,
    source: str = "the data",
    kinds: Mapping[str, Kind] = NO_KINDS,
    named: Collection[str] | None = None,
    problems: Mapping[str, str] = NO_PROBLEMS,
    written: Mapping[str, Written] = NOTHING_WRITTEN,
    accepting: Collection[str] = (),
) -> tuple[Feature, ...]:
    """The feature schema of a frame, in column order.

    Whole numbers that pandas holds as floats, since values are missing beside them, are numbers: serving then
    refuses no fraction that the model could answer.

    Args:
        source: where the frame came from, for messages.
        kinds: overrules what is inferred, by column.
        named: columns that are wanted even where they are constant or look like identifiers; without it, all are.
        problems: why columns cannot be used as they were read; told with what is found here.
        written: how a CSV wrote the values, by column.
        accepting: columns of which categories are answered that are not there.

    Raises:
        ColumnsInvalid: columns that no model can use, or with a value that is not of the kind asked for; all of them.
    """
    features, found = [], {}
    for column in map(str, frame.columns):
        if column in problems:
            found[column] = problems[column]
            continue
        try:
            is_named = named is None or column in named or column in kinds
            feature = _feature(column, frame[column], kinds.get(column), is_named)
            unknown = "accept" if feature.kind == "category" and column in accepting else "refuse"
            more = {"written": written.get(column), "unknown_categories": unknown}
            features.append(feature.model_copy(update=more))
        except _Refused as exc:
            found[column] = str(exc)
    found.update(problems)
    if found:
        raise ColumnsInvalid(source, found)
    return tuple(features)


class _Refused(Exception):
    """Its text follows the column's name."""


def _feature(column: str, values: pd.Series, wanted: Kind | None, named: bool) -> Feature:
    missing = int(values.isna().sum())
    if missing == len(values):
        raise _Refused("has no values; put it into exclude, or leave it out of features")
    kind = wanted or natural_kind(values)
    if kind is None:
        raise _Refused(_why_no_kind(values))
    nullable = missing > 0
    try:
        if kind == "text":
            _refuse_long_texts(as_texts(values))
            return Feature(name=column, kind=kind, nullable=nullable)
        if kind == "category":
            found = sorted(set(as_texts(values)) - {None})
            _refuse_useless_categories(found, len(values) - missing, wanted, nullable, named)
            return Feature(name=column, kind=kind, nullable=nullable, categories=tuple(found))
        numbers = as_numbers(values, kind)
    except Unreadable as exc:
        asked = f', which kinds "{kind}" asks for' if wanted else ""
        raise _Refused(f"{exc}{asked}; mend it, overrule the column in kinds, or put it into exclude") from exc
    low, high = float(np.nanmin(numbers)), float(np.nanmax(numbers))
    _refuse_rounded(values, numbers, kind, wanted)
    if low == high and not nullable and not named:
        raise _Refused(_why_constant(values.iloc[0]))
    why = None if named else why_row_numbers(column, numbers)
    if why:
        raise _Refused(f"{why}; put it into exclude, or name it in features or kinds if the model shall use it")
    if kind == "boolean":
        return Feature(name=column, kind=kind, nullable=nullable)
    low, high = as_shown(low, high, values.dtype)
    zoned = kind == "date" and have_offsets(values)
    return Feature(name=column, kind=kind, nullable=nullable, minimum=low, maximum=high, zoned=zoned)


def _refuse_long_texts(texts: np.ndarray) -> None:
    for row, text in enumerate(texts):
        if text is not None and len(text) > LONGEST_PROSE:
            raise _Refused(
                f"holds a text of {len(text)} letters in row {row + 1}; at most {LONGEST_PROSE} are allowed: cut it, "
                "or put the column into exclude"
            )


def _refuse_rounded(values: pd.Series, numbers: np.ndarray, kind: Kind, wanted: Kind | None) -> None:
    """Whole numbers beyond 2^53, of which different ones would be one number."""
    if kind not in ("number", "integer") or not types.is_integer_dtype(values.dtype):
        return
    beyond = np.abs(numbers) >= EXACT  # which 2^53 + 1 is too, as a float
    if not beyond.any() or (wanted and values.nunique() == len(np.unique(numbers[~np.isnan(numbers)]))):
        return
    number = "" if wanted else ', as "number" where it is a quantity'
    row = int(np.argmax(beyond))
    raise _Refused(
        f"holds {values.iloc[row]} in row {row + 1}, a whole number beyond 2^53, of which neighbours are one number "
        f'to a model; name it in kinds as "category" to keep all apart{number}, or put it into exclude'
    )


def as_shown(low: float, high: float, dtype: Any) -> tuple[float, float]:
    """A range that holds its ends as people write them too: single precision has no 0.1, and shows one."""
    if dtype not in (np.float32, np.float16):
        return low, high
    shortest = [float(str(dtype.type(end))) for end in (low, high)]
    return min(low, shortest[0]), max(high, shortest[1])


def _refuse_useless_categories(
    found: list[str], present: int, wanted: Kind | None, nullable: bool, named: bool
) -> None:
    if len(found) == 1 and not nullable and not named:
        raise _Refused(_why_constant(found[0]))
    if len(found) == present > IDENTIFIERS_FROM and not named:
        raise _Refused(
            f"holds {present} texts that are all different, as identifiers are; put it into exclude, "
            'name it in kinds as "text" if its words shall count, or in features or kinds if the model shall use it'
        )
    if len(found) > MAX_CATEGORIES:
        number = "" if wanted else '; a column of numbers, dates or prose is one by kinds "number", "date" or "text"'
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
