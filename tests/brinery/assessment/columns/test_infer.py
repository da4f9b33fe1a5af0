"""Features: what columns tell of their values, and which columns no model can use."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brinery.assessment.columns.infer import infer_features
from brinery.assessment.columns.problems import ColumnsInvalid
from brinery.errors import DataInvalid
from brinery.rows.feature import Feature, Kind
from tests.brinery.assessment.columns.values import DAY, MOMENTS, series


def test_columns_have_the_range_of_their_values() -> None:
    frame = pd.DataFrame({"n": [3, None, 1.5], "s": ["b", "a", "b"], "d": MOMENTS, "b": [True, False, True]})
    assert infer_features(frame) == (
        Feature(name="n", kind="number", nullable=True, minimum=1.5, maximum=3),
        Feature(name="s", kind="category", categories=("a", "b")),
        Feature(name="d", kind="date", minimum=DAY, maximum=DAY + 2),
        Feature(name="b", kind="boolean"),
    )


def test_range_of_single_floats_holds_its_ends_as_they_are_shown() -> None:
    (feature,) = infer_features(pd.DataFrame({"x": series([0.1, 4.9], np.float32)}))
    assert feature.minimum is not None and feature.maximum is not None
    assert feature.minimum <= 0.1 and feature.maximum >= 4.9
    assert feature.minimum <= float(np.float32(0.1)) and feature.maximum >= float(np.float32(4.9))


def test_problems_of_all_columns_are_told_at_once() -> None:
    frame = pd.DataFrame({"a": [1, 1], "b": [1, 2], "c": [None, None], "d": [1, "x"]})
    with pytest.raises(ColumnsInvalid) as caught:
        infer_features(frame, source="d.csv", named=(), problems={"b": "is of no use", "target": "is missing"})
    head, *lines = str(caught.value).splitlines()
    assert head == "5 columns of d.csv cannot be used as they are:"
    assert [line.split()[1] for line in lines] == ['"a"', '"b"', '"c"', '"d"', '"target"']
    assert lines[1] == '  column "b" is of no use'


REFUSED: dict[str, tuple[pd.Series, Kind | None, str]] = {
    "no values": (series([None, None], float), None, "has no values; put it into exclude, or leave it out of features"),
    "constant number": (series([1.0, 1.0]), None, "has the same value in every row, 1.0, from which nothing can be"),
    "constant text": (series(["a", "a"]), None, 'has the same value in every row, "a", from which nothing can be'),
    "constant boolean": (series([True, True]), None, "has the same value in every row, True"),
    "constant date": (series(["2007-11-11"] * 2), None, 'has the same value in every row, "2007-11-11"'),
    "identifiers": (series([f"id{i}" for i in range(21)]), None, "holds 21 texts that are all different, as identi"),
    "too many categories": (series([f"c{i // 2}" for i in range(2002)]), None, "has 1001 categories; at most 1000"),
    "too many of numbers": (series(range(1001)), "category", "has 1001 categories; at most 1000 are allowed, so put"),
    "row numbers": (
        series(range(5, 30)),
        None,
        "holds the whole numbers 5 to 29, which rise by one from row to row, as",
    ),
    "shuffled row numbers": (
        series([*range(10, 31), *range(10)]),
        None,
        "0 to 30, which are all there once, as row num",
    ),
    "large whole numbers": (
        series([2**53 + 1, 1]),
        None,
        "holds 9007199254740993 in row 1, a whole number beyond 2^53",
    ),
    "large nullable ones": (
        series([None, 2**53 + 1], "Int64"),
        None,
        "holds 9007199254740993 in row 2, a whole number",
    ),
    "large ones that are one": (
        series([2**53 + 1, 2**53]),
        "number",
        "holds 9007199254740993 in row 1, a whole number",
    ),
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
        (series(range(30)), ["c"], {}),
        (series(range(20)), (), {}),
        (series([*range(29), 28]), (), {}),
        (series([2**53 + 2, 2**53]), (), {"c": "number"}),
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
        "row numbers",
        "few row numbers",
        "numbers that come twice",
        "large numbers that stay apart",
    ],
)
def test_column_that_looks_useless_is_used_where_it_is_named(
    values: pd.Series, named: Any, kinds: dict[str, Kind]
) -> None:
    assert len(infer_features(pd.DataFrame({"c": values}), kinds=kinds, named=named)) == 1


ZONE = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("values", "zoned"),
    [
        (pd.Series(pd.date_range("2026-01-01", periods=2, tz="Europe/Berlin")), True),
        (pd.Series(pd.date_range("2026-01-01", periods=2)), False),
        (series(["2026-01-01T10:00+02:00", None, "2026-01-02T10:00:00Z"]), True),
        (series(["2026-01-01T10:00+02:00", "2026-01-02T10:00:00"]), False),
        (series(["2026-01-01T10:00+02:00", "2026-01-02"]), False),
        (series([datetime(2026, 1, 1, tzinfo=ZONE), datetime(2026, 1, 2, tzinfo=UTC)]), True),
        (series([datetime(2026, 1, 1, tzinfo=ZONE), datetime(2026, 1, 2)]), False),
        (series([date(2026, 1, 1), date(2026, 1, 2)]), False),
    ],
)
def test_dates_have_offsets_where_each_of_them_has_one(values: pd.Series, zoned: bool) -> None:
    (feature,) = infer_features(values.astype(values.dtype).to_frame("d"), kinds={"d": "date"})
    assert (feature.kind, feature.zoned) == ("date", zoned)
