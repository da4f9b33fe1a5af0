"""Columns: their kinds, the numbers and texts they become, and what is refused."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brinery.assessment.columns.arrays import to_array, to_rows
from brinery.assessment.columns.infer import infer_features
from brinery.assessment.columns.kinds import Unreadable
from brinery.assessment.columns.target import encode_target
from brinery.errors import DataInvalid
from brinery.rows.feature import Feature, Kind
from brinery.rows.parser import RowParser

DAY = 13828.0  # 2007-11-11
MOMENTS = ["2007-11-11", "2007-11-12T12:00Z", "2007-11-13 02:00:00+02:00"]
TIMES = [DAY, DAY + 1.5, DAY + 2]


def series(values: Any, dtype: Any = None) -> pd.Series:
    return pd.Series(values, dtype=dtype)


KINDS: dict[str, tuple[pd.Series, Kind | None, Kind, list[Any]]] = {
    "floats": (series([1.5, None, 2]), None, "number", [1.5, None, 2.0]),
    "single floats": (series([1.5, 2], np.float32), None, "number", [1.5, 2.0]),
    "integers": (series([1, 2]), None, "integer", [1.0, 2.0]),
    "unsigned": (series([1, 2], np.uint8), None, "integer", [1.0, 2.0]),
    "integers that became floats": (series([1, None, 2]), None, "number", [1.0, None, 2.0]),
    "nullable integers": (series([1, None, 2], "Int64"), None, "integer", [1.0, None, 2.0]),
    "nullable floats": (series([1.5, None, 2], "Float64"), None, "number", [1.5, None, 2.0]),
    "Arrow's integers": (series([1, None, 2], "int64[pyarrow]"), None, "integer", [1.0, None, 2.0]),
    "decimals": (series([Decimal("1.5"), None, Decimal(2)]), None, "number", [1.5, None, 2.0]),
    "booleans": (series([True, False]), None, "boolean", [True, False]),
    "boolean objects": (series([True, None, False]), None, "boolean", [True, None, False]),
    "nullable booleans": (series([True, None, False], "boolean"), None, "boolean", [True, None, False]),
    "texts": (series(["b", None, "a"]), None, "category", ["b", None, "a"]),
    "text objects": (series(["b", None, "a"], object), None, "category", ["b", None, "a"]),
    "a categorical": (series(["b", None, "a"], "category"), None, "category", ["b", None, "a"]),
    "a categorical of numbers": (series([2, 1], "category"), None, "category", ["2", "1"]),
    "a categorical of booleans": (series([True, False], "category"), None, "category", ["true", "false"]),
    "a categorical with unused ones": (
        series(["1", "2"], pd.CategoricalDtype(["x", "1", "2"])),
        "number",
        "number",
        [1.0, 2.0],
    ),
    "dates": (series([date(2007, 11, 11), None, date(2007, 11, 12)]), None, "date", [DAY, None, DAY + 1]),
    "date-times": (
        series(pd.to_datetime(["2007-11-11 00:00", None, "2007-11-12 12:00"])),
        None,
        "date",
        [DAY, None, DAY + 1.5],
    ),
    "date-times of a zone": (
        series(pd.to_datetime(["2007-11-11T01:00", "2007-11-12T00:00"]).tz_localize("Europe/Berlin")),
        None,
        "date",
        [DAY, DAY + 23 / 24],
    ),
    "ISO texts": (series([*MOMENTS, None]), None, "date", [*TIMES, None]),
    "nearly ISO texts": (series(["2007-11-11", "2007-11"]), None, "category", ["2007-11-11", "2007-11"]),
    "digits as texts": (series(["20071111", "20071112"]), None, "category", ["20071111", "20071112"]),
    "numbers from texts": (series(["1", None, " 2.5"]), "number", "number", [1.0, None, 2.5]),
    "numbers from booleans": (series([True, False]), "number", "number", [1.0, 0.0]),
    "numbers from integers": (series([1, 2]), "number", "number", [1.0, 2.0]),
    "integers from floats": (series([1.0, None, 2.0]), "integer", "integer", [1.0, None, 2.0]),
    "booleans from numbers": (series([1, 0]), "boolean", "boolean", [True, False]),
    "booleans from texts": (series(["1", None, "0"]), "boolean", "boolean", [True, None, False]),
    "categories from integers": (series([3, 10]), "category", "category", ["3", "10"]),
    "categories from whole floats": (series([3.0, None, 10.0]), "category", "category", ["3", None, "10"]),
    "categories from floats": (series([3.0, None, 2.5]), "category", "category", ["3.0", None, "2.5"]),
    "categories from booleans": (series([True, None]), "category", "category", ["true", None]),
    "categories from dates": (series([date(2007, 11, 11), None]), "category", "category", ["2007-11-11", None]),
    "categories from a mixture": (series([1, "a", None]), "category", "category", ["1", "a", None]),
    "dates from ISO texts": (series(["2007-11-11", None]), "date", "date", [DAY, None]),
}


@pytest.mark.parametrize(("values", "wanted", "kind", "cells"), KINDS.values(), ids=KINDS)
def test_column_has_a_kind_and_cells(values: pd.Series, wanted: Kind | None, kind: Kind, cells: list[Any]) -> None:
    frame = pd.DataFrame({"c": values})
    (feature,) = features = infer_features(frame, kinds={"c": wanted} if wanted else {})
    assert (feature.kind, feature.nullable) == (kind, None in cells)
    array = to_array(frame, features)
    assert to_rows(array, features) == [[cell] for cell in cells]
    assert array.dtype == (object if kind == "category" else np.float64)
    served = RowParser(features).parse([[cell] for cell in cells], 99).array
    assert to_rows(served, features) == to_rows(array, features)


def test_columns_have_the_range_of_their_values() -> None:
    frame = pd.DataFrame({"n": [3, None, 1.5], "s": ["b", "a", "b"], "d": MOMENTS, "b": [True, False, True]})
    assert infer_features(frame) == (
        Feature(name="n", kind="number", nullable=True, minimum=1.5, maximum=3),
        Feature(name="s", kind="category", categories=("a", "b")),
        Feature(name="d", kind="date", minimum=DAY, maximum=DAY + 2),
        Feature(name="b", kind="boolean"),
    )


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_dates_are_the_numbers_that_serving_makes_of_their_texts(unit: str) -> None:
    moments = pd.Series(pd.date_range("1680-12-01", "2200-01-01", 999, unit="us"))
    frame = pd.DataFrame({"d": moments.astype(f"datetime64[{unit}]")})
    features = infer_features(frame)
    texts = [[moment.isoformat(timespec="microseconds")] for moment in frame["d"]]
    assert np.array_equal(RowParser(features).parse(texts, 999).array, to_array(frame, features))


def test_array_of_numbers_holds_the_frame_row_by_row() -> None:
    frame = pd.DataFrame(np.arange(21 * 5000.0).reshape(5000, 21), columns=[f"x{j}" for j in range(21)])
    array = to_array(frame, infer_features(frame))
    assert np.array_equal(array, frame.to_numpy()) and array.flags.c_contiguous


REFUSED: dict[str, tuple[pd.Series, Kind | None, str]] = {
    "no values": (series([None, None], float), None, "has no values; put it into exclude, or leave it out of features"),
    "constant number": (series([1.0, 1.0]), None, "has the same value in every row, 1.0, from which nothing can be"),
    "constant text": (series(["a", "a"]), None, 'has the same value in every row, "a", from which nothing can be'),
    "constant boolean": (series([True, True]), None, "has the same value in every row, True"),
    "constant date": (series(["2007-11-11"] * 2), None, 'has the same value in every row, "2007-11-11"'),
    "identifiers": (series([f"id{i}" for i in range(21)]), None, "holds 21 texts that are all different, as identi"),
    "too many categories": (series([f"c{i // 2}" for i in range(2002)]), None, "has 1001 categories; at most 1000"),
    "too many of numbers": (series(range(1001)), "category", "has 1001 categories; at most 1000 are allowed, so put"),
    "infinite": (series([1, np.inf]), None, "holds inf in row 2, which is not a finite number; mend it, overrule"),
    "durations": (series([timedelta(1), timedelta(2)]), None, "holds values of type Timedelta, which no model can ta"),
    "times": (series([time(1), time(2)]), None, "holds values of type time, which no model can take; put it into"),
    "lists": (series([[1], [2]]), None, "holds values of type list, which no model can take; put it into exclude"),
    "complex": (series([1j, 2j]), None, "holds values of type complex, which no model can take; put it into exclude"),
    "a mixture": (series([None, 1, "a"]), None, 'of type int, such as 1, and of type str, such as "a" in row 3; mend'),
    "words as numbers": (series(["1", "a"]), "number", 'holds "a" in row 2, which is not a number, which kinds "numb'),
    "nan as a text": (series(["1", "nan"], object), "number", 'holds "nan" in row 2, which is not a number, which'),
    "a number as Python has it": (series(["1", "1_0"]), "number", 'holds "1_0" in row 2, which is not a number, whi'),
    "too large a text": (series(["1", "1e999"]), "number", 'holds "1e999" in row 2, which is not a finite number'),
    "dates as numbers": (series([date(2007, 1, 1), date(2007, 1, 2)]), "number", "in row 1, which is not a number"),
    "fractions as integers": (series([1, 1.5]), "integer", "holds 1.5 in row 2, which is not a whole number, which"),
    "numbers as booleans": (series([0, 1, 2]), "boolean", "holds 2 in row 3, which is not true or false, or 1 or 0"),
    "words as dates": (series(["2007-11-11", "a"]), "date", 'holds "a" in row 2, which is not an ISO 8601 date'),
    "no such day": (series(["2007-02-30", "2007-03-01"]), "date", 'holds "2007-02-30" in row 1, which is not an ISO'),
    "numbers as dates": (series([1, 2]), "date", "holds 1 in row 1, which is not an ISO 8601 date or date-time"),
    "far dates": (series(np.array([0, 10**12], "M8[s]")), None, "in row 2, which is not a date of the years 1 to 9999"),
    "lists as categories": (series([[1], [2]]), "category", "holds [1] in row 1, which is not a text, a number, a b"),
    "times as categories": (series([time(1), time(2)]), "category", "holds 01:00:00 in row 1, which is not a text, a"),
}


@pytest.mark.parametrize(("values", "wanted", "message"), REFUSED.values(), ids=REFUSED)
def test_column_that_no_model_can_use_gets_a_sentence(values: pd.Series, wanted: Kind | None, message: str) -> None:
    with pytest.raises(DataInvalid) as caught:
        infer_features(pd.DataFrame({"c": values}), source="d.csv", kinds={"c": wanted} if wanted else {}, named=())
    assert str(caught.value).startswith('column "c" of d.csv ')
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("values", "named", "kinds"),
    [
        (series([1.0, 1.0]), ["c"], {}),
        (series(["a", "a"]), (), {"c": "category"}),
        (series([f"id{i}" for i in range(21)]), ["c"], {}),
        (series([f"id{i}" for i in range(20)]), (), {}),
        (series([1.0, None]), (), {}),
        (series(["a", None]), (), {}),
        (series([f"c{i // 2}" for i in range(2000)]), (), {}),
        (series([1.0, 1.0]), None, {}),
    ],
    ids=[
        "constant",
        "constant by kind",
        "identifiers",
        "few rows",
        "missing",
        "missing text",
        "1000 categories",
        "all",
    ],
)
def test_column_that_looks_useless_is_used_where_it_is_named(
    values: pd.Series, named: Any, kinds: dict[str, Kind]
) -> None:
    assert len(infer_features(pd.DataFrame({"c": values}), kinds=kinds, named=named)) == 1


def test_array_of_other_rows_refuses_what_the_kind_is_not() -> None:
    features = (Feature(name="c", kind="integer", minimum=0, maximum=1),)
    with pytest.raises(Unreadable, match="^holds 1.5 in row 2, which is not a whole number$"):
        to_array(pd.DataFrame({"c": [1, 1.5]}), features)


TARGETS: dict[str, tuple[pd.Series, list[Any], str]] = {
    "whole numbers": (series([1, 2] * 2), [1, 2], "i"),
    "whole floats": (series([1.0, 2.0] * 2), [1, 2], "i"),
    "nullable integers": (series([1, 2] * 2, "Int64"), [1, 2], "i"),
    "booleans": (series([False, True] * 2), [False, True], "b"),
    "boolean objects": (series([False, True] * 2, object), [False, True], "b"),
    "texts": (series(["a", "b"] * 2), ["a", "b"], "U"),
    "text objects": (series(["a", "b"] * 2, object), ["a", "b"], "U"),
    "Arrow's texts": (series(["a", "b"] * 2, "string[pyarrow]"), ["a", "b"], "U"),
    "a categorical": (series(["a", "b"] * 2, "category"), ["a", "b"], "U"),
    "a categorical of numbers": (series([1, 2] * 2, "category"), [1, 2], "i"),
}


@pytest.mark.parametrize(("target", "classes", "kind"), TARGETS.values(), ids=TARGETS)
def test_target_holds_whole_numbers_booleans_or_strings(target: pd.Series, classes: list[Any], kind: str) -> None:
    encoded = encode_target(target.rename("t"), "d.csv")
    assert (encoded.tolist(), encoded.dtype.kind) == (classes * 2, kind)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (series(["a", "a"]), "of d.csv has one class only; at least two are needed"),
        (series(["a", None, "b"]), "is missing in 1 rows of d.csv"),
        (series([1.5, 2]), "holds fractions; a class is a whole number, a text or a boolean"),
        (series([np.inf, 2]), "holds fractions"),
        (series([1e300, 2]), "holds fractions"),
        (series(range(9)), "has 9 classes in 9 rows, as a number to predict or an identifier has; at most 1000"),
        (series([i // 2 for i in range(2002)]), "has 1001 classes in 2002 rows, as a number to predict"),
        (series(["a", "a", "b"]), 'has one row only of the class "b"; each class needs 2 or more, so that one is'),
    ],
)
def test_target_that_cannot_be_learnt_gets_a_sentence(target: pd.Series, message: str) -> None:
    with pytest.raises(DataInvalid) as caught:
        encode_target(target.rename("t"), "d.csv")
    assert str(caught.value).startswith('the target "t" ') and message in str(caught.value)


def test_moment_with_an_offset_is_taken_to_utc() -> None:
    moments = [datetime(2007, 11, 11, 12, tzinfo=UTC), datetime(2007, 11, 12)]
    frame = pd.DataFrame({"d": pd.Series(moments, dtype=object)})
    assert to_array(frame, infer_features(frame)).tolist() == [[DAY + 0.5], [DAY + 1]]
