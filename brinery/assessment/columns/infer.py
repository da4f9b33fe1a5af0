"""Columns: each one's kind and range, inferred once from the whole frame."""

from collections.abc import Collection, Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from brinery.assessment.columns.kinds import Unreadable, as_numbers, as_texts, natural_kind, shown
from brinery.errors import DataInvalid
from brinery.rows.feature import Feature, Kind

MAX_CATEGORIES = 1000
IDENTIFIERS_FROM = 20  # of fewer rows, all different texts may be chance
NO_KINDS: Mapping[str, Kind] = MappingProxyType({})


def infer_features(
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
            raise DataInvalid(f'column "{column}" of {source} {exc}') from exc
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
