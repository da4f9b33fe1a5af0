"""Columns of a CSV: what they are taken for, and what is said where that is not clear."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brinery.errors import DataInvalid
from brinery.tables.spelling import Own
from tests.brinery.tables.reading import Found, read_bytes

NUMBERS = [f"{n}.5" for n in range(10, 20)]


def read_column(folder: Path, cells: list[str], **spelling: Any) -> Found:
    """Read a file of a column "c" and one of texts."""
    rows = "".join(f"{cell};{'uv'[i % 2]}\n" for i, cell in enumerate(cells))
    return read_bytes(folder, f"c;t\n{rows}".encode(), **spelling)


REFUSED: dict[str, tuple[list[str], dict[str, Any], str]] = {
    "decimal commas": (
        ["1,5", "2,25", "3"],
        {},
        'is mostly numbers, and holds "1,5" (line 2) and "2,25" (line 3); say that the comma is the decimal mark: "dec',
    ),
    "decimal commas alone": (["1,5", "2,5"], {}, 'holds "1,5" (line 2) and "2,5" (line 3), which look like numbers'),
    "thousands": (
        ["1,500", "20,000", "3"],
        {},
        'say what the comma is: "thousands": "," where it parts thousands, "de',
    ),
    "thousands and decimals": (["1,500.25", "20,000.5"], {}, 'say that the comma parts thousands: "thousands": ","'),
    "German marks": (["1.500,25", "2,5"], {}, 'say what the marks are: "decimal": ",", "thousands": "."'),
    "points beside decimal commas": (["1.500", "2,5"], {"decimal": ","}, 'say "thousands": "." where the point parts'),
    "points in a file of commas": (["1.5", "2.25"], {"decimal": ","}, 'in kinds {"kind": "number", "decimal": "."} wh'),
    "months in a file of days": (["2015-08", "2018-11"], {"dates": "%d/%m/%Y"}, '{"kind": "date", "format": "%Y-%m"}'),
    "blanks in numbers": (["1 500", "20 000"], {}, 'say that the blank parts thousands: "thousands": " "'),
    "narrow blanks in numbers": (["1\u202f500", "20\u202f000"], {}, '"thousands": " "'),
    "several units": (["50.5 cm", "0.62 m", "71 cm", "3 m"], {}, "write the numbers without the unit"),
    "thousands and millions": (["50M", "620k", "1.5M", "7k"], {}, "write the numbers without the unit"),
    "about": (
        ["~50.31", "~3.2", "~7"],
        {},
        'holds "~50.31" (line 2), "~3.2" (line 3) and "~7" (line 4), which look like',
    ),
    "typographic minus": (["−335.84", "12.5", "−3"], {}, "write negative numbers with a minus sign in front"),
    "negatives in brackets": (
        ["($300.11)", "12.5", "($3)", "7"],
        {},
        "write negative numbers with a minus sign in front",
    ),
    "apostrophes": (["1'500", "20'000"], {}, 'say that the apostrophe parts thousands: "thousands": "\'"'),
    "per cent": (["50%", "7.5 %", "8%"], {}, "which look like numbers; write the numbers without the percent sign"),
    "a currency": (["$50", "$1,200.50", "7 €"], {}, "write the numbers without the currency"),
    "minus signs behind": (["50-", "7", "8"], {}, "write negative numbers with a minus sign"),
    "brackets": (["(50)", "7", "8"], {}, "write negative numbers with a minus sign"),
    "units": (["50 kg", "7 kg", "8.5 kg"], {}, "which look like numbers; write the numbers without the unit"),
    "a unit here and there": (["50", "7", "8.5 mm"], {}, 'holds "8.5 mm" (line 4); write the numbers without the unit'),
    "question marks": ([*NUMBERS, "?", "?"], {}, 'holds "?" (line 12); say "missing": ["?"] where that means missing'),
    "many words": (
        [*NUMBERS, "-", "n.a.", "#DIV/0!", "unknown"],
        {},
        'holds "-" (line 12), "n.a." (line 13), "#DIV/0!" (line 14) and 1 more; say "missing": ["-", "n.a."',
    ),
    "limits": (
        [*NUMBERS, "<0.006"],
        {},
        'write numbers for such as "<0.006", or say that they mean missing: "missing"',
    ),
    "faults of two kinds": (
        ["1,5", "2", "?", "3"],
        {},
        '"decimal": ","; say "missing": ["?"] where that means missing',
    ),
    "a second header": (["mm", *NUMBERS], {}, "where line 2 is a second header, such as one of units, take it out"),
    "the header again": ([*NUMBERS, "c", "1"], {}, "line 12 seems to be the header again, so take it out"),
    "day first": (
        ["28/03/2024", "01/02/2024"],
        {},
        'which look like dates; say how dates are spelled: "dates": "%d/%m/%Y"',
    ),
    "month first": (["03/28/2024", "01/02/2024"], {}, '"dates": "%m/%d/%Y"'),
    "either first": (["03/08/2024", "01/02/2024"], {}, '"dates": "%d/%m/%Y" or "%m/%d/%Y"'),
    "points": (["28.03.24", "01.02.24"], {}, '"dates": "%d.%m.%y"'),
    "times of day": (["28/03/2024 10:30", "01/02/2024 09:00"], {}, '"dates": "%d/%m/%Y %H:%M"'),
    "months by name": (["28 Mar 2024", "1 Feb 2024"], {}, '"dates": "%d %b %Y"'),
    "dates and words": (
        ["2024-01-02", "2024-01-03", "never"],
        {},
        'is mostly dates, and holds "never" (line 4); say "mi',
    ),
    "dates in two ways": (["2024-01-02", "03/28/2024"], {"dates": "%m/%d/%Y"}, "not spelled as its other dates are"),
    "numbers few in rows": (["few"] * 9 + ["1", "2", "3"], {}, 'is mostly numbers, and holds "few" (line 2)'),
    "words as numbers": (
        [*NUMBERS, "x"],
        {"kinds": {"c": "number"}},
        'holds "x" (line 12), where kinds "number" asks for a number; ',
    ),
    "words as booleans": (
        ["yes", "no", "perhaps"],
        {"kinds": {"c": "boolean"}},
        'where kinds "boolean" asks for true or false, yes or no, or 1 or 0; ',
    ),
    "words as dates": (
        ["2024-01-02", "x"],
        {"kinds": {"c": "date"}},
        'where kinds "date" asks for an ISO 8601 date or date-time; ',
    ),
    "truths as numbers": (
        ["Yes", "No"],
        {"kinds": {"c": "number"}},
        'holds "Yes" (line 2) and "No" (line 3), where kinds "number" asks for a number; name it in kinds as "boo',
    ),
    "words alone as numbers": (
        ["red", "blue"],
        {"kinds": {"c": "integer"}},
        'asks for a whole number; name it in kinds as "category" to keep its texts',
    ),
    "words alone as dates": (["red", "blue"], {"kinds": {"c": "date"}}, 'name it in kinds as "category" to keep'),
    "months as dates": (
        ["2015-08", "2018-11"],
        {"kinds": {"c": "date"}},
        'say how dates are spelled: "dates": "%Y-%m"',
    ),
    "another format": (
        ["28/03/2024", "28.03.2024"],
        {"kinds": {"c": "date"}, "own": {"c": Own(dates="%d/%m/%Y")}},
        'holds "28.03.2024" (line 3), where kinds "date" asks for a date spelled as "%d/%m/%Y"; say of',
    ),
    "zeros before numbers": (
        ["1", "02", "345"],
        {},
        'holds "02" (line 3), as codes do, among numbers; name it in kinds',
    ),
    "exponents": (["12345", "1E5", "12"], {}, 'holds "1E5" (line 3), as codes do, among numbers'),
    "large whole numbers": (
        ["9007199254740993", "9007199254740992"],
        {},
        'holds "9007199254740993" (line 2), a whole num',
    ),
    "larger ones": (
        ["123456789012345678901", "1"],
        {},
        'holds "123456789012345678901" (line 2), a whole number beyond',
    ),
    "large ones that are numbers": (
        ["9007199254740993", "9007199254740992"],
        {"kinds": {"c": "number"}},
        "which is one number with another of its whole numbers beyond 2^53",
    ),
    "long decimals": (
        ["0.12345678901234567891", "0.12345678901234567892"],
        {},
        "is one number with another of its texts",
    ),
}


@pytest.mark.parametrize(("cells", "spelling", "message"), REFUSED.values(), ids=REFUSED)
def test_column_that_is_not_clear_is_refused_by_its_cells_and_lines(
    tmp_path: Path, cells: list[str], spelling: dict[str, Any], message: str
) -> None:
    found = read_column(tmp_path, cells, **spelling)
    assert message in found.problems.get("c", "")
    assert found.frame["c"].isna().all() and "\n" not in found.problems["c"]


TAKEN: dict[str, tuple[list[str], dict[str, Any], list[Any]]] = {
    "padded numbers": ([" 1 ", "2.5", " "], {}, [1, 2.5, None]),
    "blanks": (["1.5", " ", ""], {}, [1.5, None, None]),
    "padded words of missing": (["1.5", " NA", "2"], {}, [1.5, None, 2]),
    "padded texts": ([" a", "b ", "  "], {}, ["a", "b", None]),
    "words of missing": (["1.5", "?", "-", "2"], {"missing": ("?", "-")}, [1.5, None, None, 2]),
    "decimal commas": (["1,5", "2", "3,"], {"decimal": ","}, [1.5, 2, 3]),
    "thousands": (["1,500", "20,000.5", "3"], {"thousands": ","}, [1500, 20000.5, 3]),
    "German marks": (["1.500,5", "-20.000", "3"], {"decimal": ",", "thousands": "."}, [1500.5, -20000, 3]),
    "blanks in numbers": (["1\u00a0500", "20 000"], {"thousands": " "}, [1500, 20000]),
    "decimals below one": (["0.5", "0.25", "00.5"], {}, [0.5, 0.25, 0.5]),
    "measured exponents": (["1e5", "1.5e-3", "2"], {}, [1e5, 1.5e-3, 2]),
    "signed exponents": (["1e+05", "1e-05"], {}, [1e5, 1e-5]),
    "numbers with all their digits": (
        ["0.1234567890123456", "0.1234567890123457"],
        {},
        [0.1234567890123456, 0.1234567890123457],
    ),
    "padded booleans": (["true ", "False"], {}, [True, False]),
    "yes and no": (
        ["Yes", "no", "Y", "f", "1", ""],
        {"kinds": {"c": "boolean"}},
        [True, False, True, False, True, None],
    ),
    "codes of one width": (["02139", "94105", "00501"], {}, ["02139", "94105", "00501"]),
    "exponents of one width": (["1E5", "123", "2E7"], {}, ["1E5", "123", "2E7"]),
    "hexadecimals": (["0x1F", "0x20"], {}, ["0x1F", "0x20"]),
    "zeros that are numbers": (["1", "02"], {"kinds": {"c": "integer"}}, [1, 2]),
    "large numbers that stay apart": (
        ["9007199254740994", "9007199254740992"],
        {"kinds": {"c": "number"}},
        [2**53 + 2, 2**53],
    ),
    "texts as written": (
        ["NA", " a", "02", "", "1.0"],
        {"kinds": {"c": "category"}},
        ["NA", " a", "02", None, "1.0"],
    ),
    "texts beside what is missing": (["NA", "?"], {"kinds": {"c": "category"}, "missing": ("?",)}, ["NA", None]),
    "versions": (["1.0", "1.00"], {"kinds": {"c": "category"}}, ["1.0", "1.00"]),
    "names with numbers": (["2D", "3D"], {}, ["2D", "3D"]),
    "bands": (["<18", "18-25", "65+"], {}, ["<18", "18-25", "65+"]),
    "sizes": (["S", "M", "38"], {}, ["S", "M", "38"]),
    "days": (
        ["28/03/2024", "1/2/2024"],
        {"dates": "%d/%m/%Y"},
        [pd.Timestamp("2024-03-28"), pd.Timestamp("2024-02-01")],
    ),
    "days of digits": (
        ["20240328", "20240201"],
        {"dates": "%Y%m%d"},
        [pd.Timestamp("2024-03-28"), pd.Timestamp("2024-02-01")],
    ),
    "numbers beside days of digits": (["2024", "2025"], {"dates": "%Y%m%d"}, [2024, 2025]),
    "ISO days beside a format": (
        ["2024-03-28", "2024-02-01"],
        {"dates": "%d/%m/%Y"},
        [pd.Timestamp("2024-03-28"), pd.Timestamp("2024-02-01")],
    ),
    "ISO days beside a format of digits": (
        ["2024-03-28", "2024-02-01"],
        {"dates": "%Y%m%d"},
        ["2024-03-28", "2024-02-01"],
    ),
    "months of digits": (
        ["2024.03", "2024.12"],
        {"dates": "%Y.%m"},
        [pd.Timestamp("2024-03-01"), pd.Timestamp("2024-12-01")],
    ),
    "seats": (["12A", "12B", "14C", "9A"], {}, ["12A", "12B", "14C", "9A"]),
    "fixed decimals of three": (["1.250", "0.500", "900"], {}, [1.25, 0.5, 900]),
    "decimals of three that are declared": (["1.250", "900"], {"kinds": {"c": "number"}}, [1.25, 900]),
    "fifteen decimals more than floats have": (
        ["1.000000000000000056e-01", "2.999999999999999889e-01", "NA"],
        {},
        [0.1, 0.3, None],
    ),
    "moments of a zone": (
        ["28/03/2024 01:00 +0200", ""],
        {"kinds": {"c": "date"}, "own": {"c": Own(dates="%d/%m/%Y %H:%M %z")}},
        [pd.Timestamp("2024-03-27 23:00", tz="UTC"), None],
    ),
}


@pytest.mark.parametrize(("cells", "spelling", "values"), TAKEN.values(), ids=TAKEN)
def test_column_is_taken_for_what_it_is(
    tmp_path: Path, cells: list[str], spelling: dict[str, Any], values: list[Any]
) -> None:
    found = read_column(tmp_path, cells, **spelling)
    assert not found.problems
    assert [None if pd.isna(value) else value for value in found.frame["c"]] == values


NOTES: dict[str, tuple[list[str], str]] = {
    "codes": (["02139", "94105"], 'is taken as texts, since it holds "02139" (line 2), as codes do; kinds "number"'),
    "marks": (["a", "?", "b"], 'has "?" (line 3) among its categories; say "missing": ["?"] where that means missing'),
    "trimmed": (["a", "b "], 'is taken without the blanks around its texts, as in "b " (line 3)'),
    "missing": (
        ["a", "None", "b"],
        'has 1 cells such as "None" (line 3), taken as missing; named in kinds as "category"',
    ),
}


@pytest.mark.parametrize(("cells", "note"), NOTES.values(), ids=NOTES)
def test_what_was_chosen_for_a_column_is_told(tmp_path: Path, cells: list[str], note: str) -> None:
    ((told,),) = read_column(tmp_path, cells).notes.values()
    assert told.startswith(note)


TARGETS: dict[str, tuple[list[str], list[Any]]] = {
    "whole numbers": (["1", "0"], [1, 0]),
    "codes": (["1", "07"], ["1", "07"]),
    "exponents": (["1E5", "17"], ["1E5", "17"]),
    "beyond 64 bits": (["9223372036854775809", "1"], ["9223372036854775809", "1"]),
    "beyond 2^53": (["9007199254740993", "1"], [9007199254740993, 1]),
    "dates": (["2024-01-02", "2024-01-03"], ["2024-01-02", "2024-01-03"]),
    "dates in another way": (["02/01/2024", "03/01/2024"], ["02/01/2024", "03/01/2024"]),
    "padded": (["yes", "yes "], ["yes", "yes "]),
    "booleans": (["true", "false "], [True, False]),
    "booleans of Python": (["True", "False"], ["True", "False"]),
    "booleans of Excel": (["TRUE ", "FALSE"], ["TRUE", "FALSE"]),
    "booleans in two ways": (["TRUE", "true"], ["TRUE", "true"]),
    "signs": (["+1", " -1"], ["+1", "-1"]),
    "zeros of two signs": (["0", "-0"], ["0", "-0"]),
    "padded numbers": ([" -1", "1 "], [-1, 1]),
    "fractions of zero": (["1.0", "-2.0"], [1.0, -2.0]),
    "exponents of programs": (["1e+03", "1"], ["1e+03", "1"]),
    "numbers": (["+1.5", "2"], [1.5, 2]),
    "words": (["None", "a"], [None, "a"]),
}


@pytest.mark.parametrize(("cells", "labels"), TARGETS.values(), ids=TARGETS)
def test_target_is_kept_as_it_is_written(tmp_path: Path, cells: list[str], labels: list[Any]) -> None:
    found = read_column(tmp_path, cells, target="c")
    assert not found.problems
    assert [None if pd.isna(label) else label for label in found.frame["c"]] == labels


NUMERIC: dict[str, tuple[list[str], list[Any]]] = {
    "signs": (["+1", "-2"], [1, -2]),
    "codes": (["07", "1"], [7, 1]),
    "exponents": (["1E5", "17"], [1e5, 17]),
    "fractions": (["1.5", "-0"], [1.5, 0]),
}


@pytest.mark.parametrize(("cells", "numbers"), NUMERIC.values(), ids=NUMERIC)
def test_target_of_a_regressor_is_numbers(tmp_path: Path, cells: list[str], numbers: list[Any]) -> None:
    found = read_column(tmp_path, cells, target="c", numeric_target=True)
    assert (found.problems, found.notes, found.frame["c"].tolist()) == ({}, {}, numbers)
    refused = read_column(tmp_path, [*cells, "x"], target="c", numeric_target=True).problems["c"]
    assert refused.startswith('holds "x" (line 4), where a regressor predicts numbers; ')


def test_columns_of_a_file_are_written_each_in_its_way(tmp_path: Path) -> None:
    data = b"a;b;c;d\n12,50;3.5;?;1.250\n1,5;0.25;x;900\n-;2;y;-\n"
    own = {"a": Own(decimal=",", missing=("-",)), "c": Own(missing=("?",)), "d": Own(decimal=",", thousands=".")}
    found = read_bytes(tmp_path, data, kinds={"a": "number", "d": "number"}, own=own, missing=("-",))
    assert found.problems == {}
    assert found.frame.replace({np.nan: None}).to_dict("list") == {
        "a": [12.5, 1.5, None],
        "b": [3.5, 0.25, 2],
        "c": [None, "x", "y"],
        "d": [1250, 900, None],
    }


def test_target_that_is_declared_is_read_as_such(tmp_path: Path) -> None:
    for kind, cells, labels in (("boolean", ["TRUE", "False"], [True, False]), ("number", ["+1", "-0"], [1, 0])):
        assert read_column(tmp_path, cells, target="c", kinds={"c": kind}).frame["c"].tolist() == labels


def test_target_that_is_a_category_holds_words_of_missing(tmp_path: Path) -> None:
    found = read_column(tmp_path, ["None", "NA", "01"], target="c", kinds={"c": "category"})
    assert found.frame["c"].tolist() == ["None", "NA", "01"]


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    data = b'sep=;\n\nc;t\n1;"a\nb"\n\n2;b\n?;c\n3;d\n'
    assert 'holds "?" (line 8)' in read_bytes(tmp_path, data).problems["c"]


def test_header_that_comes_again_among_texts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataInvalid, match="^data: line 4 is the header again; take it out$"):
        read_bytes(tmp_path, b"c,t\na,u\nb,v\nc,t\na,u\n")


def test_numbers_are_what_pandas_reads_with_the_same_options(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    prices = [f"{value:,.2f}".translate(str.maketrans(",.", ".,")) for value in random.lognormal(8, 2, 500)]
    cells = ["?" if value < 0.1 else price for value, price in zip(random.random(500), prices, strict=True)]
    data = ("c;t\n" + "".join(f"{cell};x\n" for cell in cells)).encode()
    found = read_bytes(tmp_path, data, decimal=",", thousands=".", missing=("?",))
    theirs = pd.read_csv(io.BytesIO(data), sep=";", decimal=",", thousands=".", na_values=["?"])
    pd.testing.assert_series_equal(found.frame["c"], theirs["c"], rtol=0, atol=0)
