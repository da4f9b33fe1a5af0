import json
import math
from typing import Any

import numpy as np
import pytest

from brinery.errors import RowInvalid, TooManyRows
from brinery.rows.feature import Feature
from brinery.rows.parser import PIECE, RowParser

ALCOHOL = RowParser([Feature(name="alcohol", kind="number", minimum=11, maximum=15)])
MIXED = RowParser(
    [
        Feature(name="mass", kind="number", minimum=0, maximum=10, nullable=True),
        Feature(name="year", kind="integer", minimum=2007, maximum=2009),
        Feature(name="tagged", kind="boolean"),
        Feature(name="sex", kind="category", categories=("female", "male"), nullable=True),
        Feature(name="a/b~{c}", kind="category", categories=("x",)),
    ]
)
DATED = RowParser(
    [
        Feature(name="seen", kind="date", minimum=13828, maximum=14579.5),
        Feature(name="left", kind="date", minimum=0, maximum=1, nullable=True),
    ]
)
ROW = {"mass": 1.5, "year": 2008, "tagged": True, "sex": "male", "a/b~{c}": "x"}


@pytest.mark.parametrize(
    ("data", "rows", "single"),
    [
        (".10", [[0.1]], True),
        (0.1, [[0.1]], True),
        ([0.1], [[0.1]], True),
        ({"alcohol": "1e1"}, [[10.0]], True),
        ([0.1, ".2", 3], [[0.1], [0.2], [3.0]], False),
        ([[0.1]], [[0.1]], False),
        ([[0.1], {"alcohol": 2}, "-3."], [[0.1], [2.0], [-3.0]], False),
    ],
)
def test_rows_of_one_feature_come_in_every_form(data: Any, rows: list[list[float]], single: bool) -> None:
    batch = ALCOHOL.parse(data, 100)
    assert (batch.array.tolist(), batch.single) == (rows, single)
    assert batch.array.dtype == np.float64


@pytest.mark.parametrize(
    "data",
    [
        ROW,
        list(ROW.values()),
        dict(reversed(ROW.items())),
        {**ROW, "year": "2008"},
        {**ROW, "year": 2008.0, "mass": "1.5"},
    ],
    ids=["object", "list", "another order", "numeric strings", "whole float"],
)
def test_rows_of_mixed_kinds_make_the_same_array(data: Any) -> None:
    expected = [1.5, 2008.0, 1.0, "male", "x"]
    assert MIXED.parse(data, 1).array.tolist() == [expected]
    assert MIXED.parse([data, data], 2).array.tolist() == [expected, expected]
    assert MIXED.parse([data, ROW, list(ROW.values())], 3).array.tolist() == [expected] * 3


def test_rows_take_null_where_training_saw_missing_values() -> None:
    (mass, *_, sex, _), *_ = MIXED.parse({**ROW, "mass": None, "sex": None}, 1).array.tolist()
    assert math.isnan(mass)
    assert sex is None


@pytest.mark.parametrize(
    ("data", "path", "message"),
    [
        ({**ROW, "mass": "x"}, "/data/mass", "mass must be a finite number or null"),
        ({**ROW, "mass": True}, "/data/mass", "mass must be a finite number or null"),
        ({**ROW, "mass": float("nan")}, "/data/mass", "mass must be a finite number or null"),
        ({**ROW, "mass": float("inf")}, "/data/mass", "mass must be a finite number or null"),
        ({**ROW, "mass": 10**400}, "/data/mass", "mass must be a finite number or null"),
        ({**ROW, "mass": "NaN"}, "/data/mass", "mass must be a finite number or null"),
        ({**ROW, "mass": "1e999"}, "/data/mass", "mass must be a finite number or null"),
        ({**ROW, "mass": "١"}, "/data/mass", "mass must be a finite number or null"),
        ({**ROW, "mass": []}, "/data/mass", "mass must be a finite number or null"),
        ({**ROW, "year": 2008.5}, "/data/year", "year must be a whole number"),
        ({**ROW, "year": "2008.5"}, "/data/year", "year must be a whole number"),
        ({**ROW, "year": None}, "/data/year", "year must be a whole number"),
        ({**ROW, "tagged": 1}, "/data/tagged", "tagged must be true or false"),
        ({**ROW, "tagged": "true"}, "/data/tagged", "tagged must be true or false"),
        ({**ROW, "sex": "Male"}, "/data/sex", "sex must be one of 'female', 'male' or null"),
        ({**ROW, "sex": {}}, "/data/sex", "sex must be one of 'female', 'male' or null"),
        ({**ROW, "a/b~{c}": 1}, "/data/a~1b~0{c}", "a/b~{c} must be one of 'x'"),
        ({**ROW, "extra": 1}, "/data/extra", "is not a feature of this model"),
        ({k: v for k, v in ROW.items() if k != "year"}, "/data/year", "year is missing"),
        ([1.5, 2008, True, "male"], "/data/4", "a/b~{c} is missing"),
        ([1.5, 2008, True, "male", "x", 6], "/data", "has more than the 5 values of a row"),
        ([ROW, {**ROW, "year": "x"}], "/data/1/year", "year must be a whole number"),
        ([list(ROW.values()), [1.5, "x", True, "male", "x"]], "/data/1/1", "year must be a whole number"),
        ([ROW, 5], "/data/1", "must be a row: an object by feature name, or a list of 5 values"),
        (5, "/data", "must be a row: an object by feature name, or a list of 5 values"),
        (None, "/data", "must be a row: an object by feature name, or a list of 5 values"),
        ([], "/data", "must hold at least one row"),
    ],
)
def test_rows_refuse_what_does_not_fit(data: Any, path: str, message: str) -> None:
    with pytest.raises(RowInvalid) as caught:
        MIXED.parse(data, 10)
    assert (path, message) in caught.value.errors


def test_rows_tell_at_most_ten_errors() -> None:
    with pytest.raises(RowInvalid) as caught:
        MIXED.parse({str(i): i for i in range(1000)}, 1)
    assert len(caught.value.errors) == 10


def test_rows_stop_at_the_first_bad_row() -> None:
    with pytest.raises(RowInvalid) as caught:
        ALCOHOL.parse([["x"]] * 1000, 1000)
    assert caught.value.errors == [("/data/0/0", "alcohol must be a finite number")]


@pytest.mark.parametrize("place", [0, PIECE - 1, PIECE, 2 * PIECE + 3])
@pytest.mark.parametrize(
    ("good", "bad", "path"),
    [([13.1], ["x"], "/0"), ({"alcohol": 13.1}, {"alcohol": "x"}, "/alcohol"), (13.1, "x", "")],
)
def test_row_that_does_not_fit_is_named_wherever_it_stands(good: Any, bad: Any, path: str, place: int) -> None:
    data = [good] * (2 * PIECE + 5)
    assert ALCOHOL.parse(data, 10_000).array.tolist() == [[13.1]] * len(data)
    data[place] = bad
    with pytest.raises(RowInvalid) as caught:
        ALCOHOL.parse(data, 10_000)
    assert [found for found, _ in caught.value.errors] == [f"/data/{place}{path}"]


@pytest.mark.parametrize("odd", [None, 7, "x"])
def test_list_with_a_row_in_it_is_a_list_of_rows(odd: Any) -> None:
    """Whatever comes first."""
    batch = MIXED.parse([odd, ROW, list(ROW.values())], 10, partial=True)
    assert (list(batch.places), list(batch.refused)) == ([1, 2], [0])
    with pytest.raises(RowInvalid) as caught:
        MIXED.parse([odd, ROW], 10)
    assert [path for path, _ in caught.value.errors] == ["/data/0"]


def test_rows_over_the_limit_are_too_many() -> None:
    with pytest.raises(TooManyRows, match="/data holds 3 rows; at most 2 are allowed"):
        ALCOHOL.parse([1, 2, 3], 2)


@pytest.mark.parametrize(
    ("parser", "data", "path"),
    [
        (ALCOHOL, 16, "/data"),
        (ALCOHOL, [16], "/data/0"),
        (ALCOHOL, {"alcohol": 10}, "/data/alcohol"),
        (ALCOHOL, [[12], {"alcohol": 16}], "/data/1/alcohol"),
        (ALCOHOL, [[12], [16]], "/data/1/0"),
        (ALCOHOL, [12, 16], "/data/1"),
        (MIXED, {**ROW, "year": 2010}, "/data/year"),
    ],
)
def test_rows_outside_the_training_range_are_marked(parser: RowParser, data: Any, path: str) -> None:
    (warned,) = parser.parse(data, 10).warnings
    assert warned.path == path
    assert "is outside the training range" in warned.message


@pytest.mark.parametrize("data", [ROW, {**ROW, "mass": None}, {**ROW, "mass": 0, "year": 2009}])
def test_rows_inside_the_training_range_are_not_marked(data: Any) -> None:
    assert MIXED.parse(data, 1).warnings == []


def test_rows_survive_a_round_through_json() -> None:
    assert MIXED.parse(json.loads(json.dumps([ROW] * 3)), 3).array.shape == (3, 5)


@pytest.mark.parametrize(
    ("sent", "days"),
    [
        (13828, 13828.0),
        (13828.25, 13828.25),
        (-1, -1.0),
        ("2007-11-11", 13828.0),
        ("2007-11-11T06:00", 13828.25),
        ("2007-11-11 06", 13828.25),
        ("2007-11-11 06:00:00Z", 13828.25),
        ("2007-11-11t06:00:00.000000000z", 13828.25),
        ("2007-11-11T08:00:00+02:00", 13828.25),
        ("2007-11-10T22:00-0800", 13828.25),
        ("2007-11-11T06:00+00", 13828.25),
        ("1969-12-31", -1.0),
        ("0001-01-01", -719162.0),
        ("9999-12-31", 2932896.0),
    ],
)
def test_rows_take_dates_as_days_and_as_text(sent: Any, days: float) -> None:
    assert DATED.parse([sent, 0], 1).array.tolist() == [[days, 0.0]]
    array = DATED.parse([{"seen": sent, "left": None}] * 2, 2).array
    assert array.dtype == np.float64
    assert array[:, 0].tolist() == [days] * 2 and np.isnan(array[:, 1]).all()


@pytest.mark.parametrize(
    "sent",
    [
        *("2007", "13828", "20071111", "2007-11", "2007-W45-7", "2007-02-30", "2007-11-11T24:00", "2007-11-11T6"),
        *("2007-11-11T06:00:60", "2007-11-11\n", " 2007-11-11", "2007-11-11T06:00+25:00", "٢٠٠٧-11-11", "", "NaN"),
        *("0001-01-01T00:00+01:00", "9999-12-31T23:59-01:00"),
        *(1_707_523_200, 1_707_523_200_000, 2_932_897, -719_163, 1e300),
        *(True, None, [], float("nan"), float("inf"), 10**400, "2007-11-11T06:00:00.000000" + "0" * 50),
    ],
)
def test_rows_refuse_what_is_no_date(sent: Any) -> None:
    with pytest.raises(RowInvalid) as caught:
        DATED.parse({"seen": sent, "left": 0}, 1)
    rule = "an ISO 8601 date or date-time such as '2007-11-11', or days since 1970-01-01, of the years 1 to 9999"
    assert caught.value.errors == [("/data/seen", f"seen must be {rule}")]


ZONED = RowParser([Feature(name="seen", kind="date", minimum=0, maximum=1.25, zoned=True)])


@pytest.mark.parametrize(
    ("sent", "days"),
    [
        ("1970-01-02T00:00:00Z", 1),
        ("1970-01-02T02:00+02:00", 1),
        ("1970-01-01t22:00:00.5-02", 1 + 0.5 / 86_400),
        (1, 1),
    ],
)
def test_dates_that_had_offsets_are_taken_with_one(sent: Any, days: float) -> None:
    assert ZONED.parse({"seen": sent}, 1).array.tolist() == [[days]]


@pytest.mark.parametrize("sent", ["1970-01-02", "1970-01-02T00:00:00", "1970-01-02 00:00"])
def test_dates_that_had_offsets_are_refused_without_one(sent: str) -> None:
    with pytest.raises(RowInvalid) as caught:
        ZONED.parse({"seen": sent}, 1)
    rule = "an ISO 8601 date-time with its offset such as '2007-11-11T06:00:00Z'"
    assert caught.value.errors == [
        ("/data/seen", f"seen must be {rule}, or days since 1970-01-01, of the years 1 to 9999")
    ]


def test_only_dates_have_offsets() -> None:
    with pytest.raises(ValueError, match="kind number and zoned do not fit together"):
        Feature(name="x", kind="number", minimum=0, maximum=1, zoned=True)


@pytest.mark.parametrize(
    ("kind", "minimum", "maximum"),
    [
        ("number", 0.12345678901234567, 1234567.0000001),
        ("number", 5e-324, 1e300),
        ("integer", -9007199254740991, 9007199254740991),
        ("date", 13828 + 1 / 86_400_000_000, 19723 + 12_345_678_901 / 86_400_000_000),
        ("date", -719162, 2932896.999999),
    ],
)
@pytest.mark.parametrize("zoned", [False, True])
def test_bounds_that_are_shown_are_taken_without_a_warning(
    kind: Any, minimum: float, maximum: float, zoned: bool
) -> None:
    feature = Feature(name="x", kind=kind, minimum=minimum, maximum=maximum, zoned=zoned and kind == "date")
    shown, _, days = feature.range_text.partition(" (days since 1970-01-01: ")
    numbers = [json.loads(bound) for bound in days.removesuffix(")").split(" to ") if bound]
    for bound in shown.split(" to ") + numbers:
        assert RowParser([feature]).parse([bound], 1).warnings == [], bound


def test_range_of_dates_may_end_with_the_calendar() -> None:
    shown = Feature(name="seen", kind="date", minimum=-719162, maximum=2932896.999999).range_text
    assert shown.startswith("0001-01-01 to 9999-12-31T23:59:59.913619Z (")


def test_unknown_category_may_come_as_the_whole_number_that_it_looks_like() -> None:
    rooms = Feature(name="rooms", kind="category", categories=("1", "2"), unknown_categories="accept")
    parser = RowParser([rooms])
    for value, text in ((1, "1"), (9, "9"), ("9", "9"), (-3, "-3")):
        batch = parser.parse({"rooms": value}, 1)
        assert batch.array.tolist() == [[text]] and len(batch.warnings) == (text != "1")
    for wrong in (1.5, True, None):
        with pytest.raises(RowInvalid):
            parser.parse({"rooms": wrong}, 1)
    town = RowParser([Feature(name="town", kind="category", categories=("a",), unknown_categories="accept")])
    with pytest.raises(RowInvalid):
        town.parse({"town": 9}, 1)
