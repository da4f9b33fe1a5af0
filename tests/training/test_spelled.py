"""Requests that spell values as the CSV did get the very row that training made of them."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brinery.assessment.columns.arrays import to_array
from brinery.errors import RowInvalid
from brinery.rows.parser import RowParser
from tests.training.test_dataset import read
from training.run import features_of
from training.spec import ModelSpec

SPEC = {"estimator": "sklearn.linear_model.LogisticRegression", "data": "data.csv"}
# By name: the cells of a column, and what the spec says of it.
SPELLED: dict[str, tuple[list[str], dict[str, Any]]] = {
    "numbers between blanks": ([" 50 ", "7.25", "-.5", "+3e2"], {}),
    "numbers with missing cells": (["50", "", "NA", " nan "], {}),
    "numbers with a word for missing": (["50", "?", " ? ", "1"], {"missing": ["?"]}),
    "decimal commas": (["50,0", "1,25", ",5", "3"], {"decimal": ","}),
    "thousands": (["1,250", "12", "1,250,000.5", "7"], {"thousands": ","}),
    "points that part thousands": (["1.250", "12", "1.250.000,5", "-3"], {"decimal": ",", "thousands": "."}),
    "blanks that part thousands": (["1 250", "12", "1\u00a0250\u202f000", "3"], {"thousands": " "}),
    "booleans in capitals": (["TRUE", "False", " true", "FALSE"], {}),
    "yes and no": (["Yes", "no", " YES ", "n"], {"kinds": {"x": "boolean"}}),
    "ones and zeros": (["1", "0", "1", "0"], {"kinds": {"x": "boolean"}}),
    "booleans as pandas writes them beside missing ones": (["1.0", "0.0", "", "1.0"], {"kinds": {"x": "boolean"}}),
    "booleans with missing cells": (["true", "", "None", "false"], {}),
    "dates": (["2024-02-10", " 2024-02-11", "2024-03-01", "2023-12-31"], {}),
    "hours": (["2024-02-10 07", "2024-02-10 19", "2024-02-11 00", "2024-02-12 23"], {}),
    "minutes behind a blank": (["2024-02-10 07:30", "2024-02-10 19:15", "2024-02-11 00:00", "2024-02-12 23:59"], {}),
    "date-times with their offsets": (["2024-02-10 07:30+01:00", "2024-02-10T19:15Z"] * 2, {}),
    "date-times of warehouses": (["2024-02-10 07:30:00 UTC", " 2024-02-10 07:30:00.5 +0100"] * 2, {}),
    "days of another order": (["15/06/2024", " 01/02/2024", "28/12/2023", ""], {"dates": "%d/%m/%Y"}),
    "days of one column": (
        ["6/15/24", "1/2/24", "12/28/23", "1/1/23"],
        {"kinds": {"x": {"kind": "date", "format": "%m/%d/%y"}}},
    ),
    "decimal commas of one column": (["12,50", "-1,5", "3"], {"kinds": {"x": {"kind": "number", "decimal": ","}}}),
    "thousands of one column": (
        ["1.250,5", "?", "3", "1.000"],
        {"thousands": ",", "kinds": {"x": {"kind": "number", "decimal": ",", "thousands": ".", "missing": ["?"]}}},
    ),
    "points of one column": (
        ["12.5", "", "-1.5", "3"],
        {"decimal": ",", "thousands": ".", "kinds": {"x": {"kind": "number", "decimal": "."}}},
    ),
    "words for missing of one column": (
        ["red", "?", "blue", "-"],
        {"missing": ["-"], "kinds": {"x": {"kind": "category", "missing": ["?"]}}},
    ),
    "words for missing of a column as it looks": (["4", "?", "5", " ?"], {"kinds": {"x": {"missing": ["?"]}}}),
    "days of digits": (["20240615", "20240201", "20231228", "20230101"], {"dates": "%Y%m%d"}),
    "days with offsets": (["15.06.2024 07:30 +0200", "01.02.2024 00:00 +0000"] * 2, {"dates": "%d.%m.%Y %H:%M %z"}),
    "texts between blanks": ([" red ", "green", "blue  ", "red"], {}),
    "texts with missing cells": (["red", "", "NA", " None "], {}),
    "texts kept as they are": ([" red ", "red", "NA", "None"], {"kinds": {"x": "category"}}),
    "codes with missing cells": (["3.0", "", "12.0", "-1.0"], {"kinds": {"x": "category"}}),
    "zip codes": (["02139", "10001", "02138", "94105"], {}),
}


def trained(folder: Path, cells: list[str], changes: dict[str, Any]) -> tuple[RowParser, np.ndarray]:
    with (folder / "data.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["x", "y", "target"], *([cell, i, i % 2] for i, cell in enumerate(cells))])
    dataset = read("data.csv", folder, features=["x", "y"], **changes)
    features = features_of(ModelSpec.model_validate({**SPEC, **changes}), dataset, folder)
    return RowParser(features), to_array(dataset.features, features)


@pytest.mark.parametrize("name", SPELLED)
def test_row_as_the_csv_spells_it_is_the_row_that_was_trained(tmp_path: Path, name: str) -> None:
    cells, changes = SPELLED[name]
    parser, array = trained(tmp_path, cells, changes)
    as_lists = [[cell, str(i)] for i, cell in enumerate(cells)]
    for rows in (as_lists, [dict(zip("xy", row, strict=True)) for row in as_lists]):
        batch = parser.parse(rows, 100)
        assert batch.warnings == []
        assert [[str(cell) for cell in row] for row in batch.array.tolist()] == [
            [str(cell) for cell in row] for row in array.tolist()
        ]


@pytest.mark.parametrize(
    ("name", "cell", "rule"),
    [
        ("points that part thousands", "1.5", "a finite number, or a text of one such as '1.234,5'"),
        ("decimal commas", "1.5", "a finite number, or a text of one such as '1234,5'"),
        ("decimal commas of one column", "1.5", "a finite number, or a text of one such as '1234,5'"),
        ("points of one column", "1,5", "a finite number"),
        ("words for missing of one column", "+", "one of '-', 'blue', 'red' or null"),
        ("thousands", "1,25", "a finite number, or a text of one such as '1,234.5'"),
        ("numbers with missing cells", "?", "a finite number or null"),
        ("numbers between blanks", "", "a finite number"),
        ("booleans in capitals", "ja", "true or false"),
        ("days of another order", "06/15/2024", "or a date written as %d/%m/%Y, or days since 1970-01-01"),
        ("texts kept as they are", "blue", "one of ' red ', 'NA', 'None', 'red'"),
        ("texts kept as they are", " NA", "one of ' red ', 'NA', 'None', 'red'"),
        ("texts between blanks", "Red", "one of 'blue', 'green', 'red'"),
    ],
)
def test_text_that_the_csv_would_not_hold_is_refused(tmp_path: Path, name: str, cell: str, rule: str) -> None:
    parser, _ = trained(tmp_path, *SPELLED[name])
    with pytest.raises(RowInvalid) as caught:
        parser.parse([[cell, 1]], 1)
    ((path, message),) = caught.value.errors
    assert path == "/data/0/0"
    assert rule in message


def test_what_came_from_no_csv_is_taken_as_json_has_it(tmp_path: Path) -> None:
    parser, _ = trained(tmp_path, *SPELLED["numbers between blanks"])
    bare = RowParser([feature.model_copy(update={"written": None}) for feature in parser.features])
    with pytest.raises(RowInvalid, match="x must be a finite number"):
        bare.parse([[" 50 ", 1]], 1)


ACCEPTING = {"unknown_categories": "accept"}


@pytest.mark.parametrize("cells", [["red", "", "NA", " "], ["red", "blue", "?", "-"]])
def test_missing_cells_are_missing_where_unknown_categories_are_taken_too(tmp_path: Path, cells: list[str]) -> None:
    """A word of missing is no category that nobody knows."""
    parser, array = trained(tmp_path, cells, {**ACCEPTING, "missing": ["?", "-"]})
    batch = parser.parse([[cell, i] for i, cell in enumerate(cells)], 10)
    assert batch.array.tolist() == array.tolist() and batch.warnings == []
    assert [warned.path for warned in parser.parse([["mauve", 1]], 1).warnings] == ["/data/0/0"]


@pytest.mark.parametrize("cell", ["", " NA", "None"])
def test_missing_cell_is_no_unknown_category_where_none_was_missing(tmp_path: Path, cell: str) -> None:
    parser, _ = trained(tmp_path, ["red", "blue", "red", "blue"], ACCEPTING)
    with pytest.raises(RowInvalid, match="x must be one of 'blue', 'red', or another text"):
        parser.parse([[cell, 1]], 1)


@pytest.mark.parametrize(
    ("cells", "kind", "sent", "expected"),
    [
        (["1", "0", "1", "0"], "boolean", 1, 1.0),
        (["1", "0", "1", "0"], "boolean", 0, 0.0),
        (["1", "0", "1", "0"], "category", 1, "1"),
        (["2007", "2008", "2009", "-1"], "category", -1, "-1"),
    ],
)
def test_whole_numbers_of_json_are_taken_where_the_csv_has_such_texts(
    tmp_path: Path, cells: list[str], kind: str, sent: int, expected: object
) -> None:
    parser, _ = trained(tmp_path, cells, {"kinds": {"x": kind}})
    assert parser.parse([[sent, 1]], 1).array.tolist() == [[expected, 1.0]]
    for odd in (2, True if kind == "category" else 0.5, 1.5):
        with pytest.raises(RowInvalid):
            parser.parse([[odd, 1]], 1)
