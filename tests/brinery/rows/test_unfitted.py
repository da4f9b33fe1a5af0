"""Values that are answered with a warning, since no row like them was fitted on."""

from typing import Any

import pytest

from brinery.rows.feature import Feature
from brinery.rows.parser import MAX_WARNINGS, RowParser

PARSER = RowParser(
    [
        Feature(name="mass", kind="number", minimum=0, maximum=10, nullable=True, unfitted=(None,)),
        Feature(name="tagged", kind="boolean", nullable=True, unfitted=(True,)),
        Feature(name="sex", kind="category", categories=("female", "male"), nullable=True, unfitted=("male", None)),
        Feature(name="isle", kind="category", categories=("x", "y"), unfitted=("y",), unknown_categories="accept"),
    ]
)
FITTED = [5, False, "female", "x"]


@pytest.mark.parametrize(
    ("place", "value"),
    [(0, None), (0, 11), (1, True), (2, "male"), (2, None), (3, "y"), (3, "z"), (3, "")],
)
def test_value_that_was_not_fitted_on_is_marked_where_it_stands(place: int, value: Any) -> None:
    row = [*FITTED[:place], value, *FITTED[place + 1 :]]
    for data, path in ((row, "/data"), ([FITTED, row], "/data/1")):
        (warned,) = PARSER.parse(data, 10).warnings
        assert warned.path == f"{path}/{place}"
        assert warned.message.startswith(f"{PARSER.names[place]} is ")
    named = dict(zip(PARSER.names, row, strict=True))
    assert [each.path for each in PARSER.parse(named, 10).warnings] == [f"/data/{PARSER.names[place]}"]


@pytest.mark.parametrize("row", [FITTED, [5, None, "female", "x"]])
def test_value_that_was_fitted_on_is_not_marked(row: list[Any]) -> None:
    assert PARSER.parse([row], 10).warnings == []


def test_marks_come_by_rows_and_are_few() -> None:
    warned = PARSER.parse([[99, True, "male", "z"]] * 20, 20).warnings
    assert [each.path for each in warned] == [f"/data/{i // 4}/{i % 4}" for i in range(MAX_WARNINGS)]


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"kind": "number", "minimum": 0, "maximum": 1, "unfitted": (None,)}, "unfitted"),
        ({"kind": "boolean", "unfitted": ("x",)}, "unfitted"),
        ({"kind": "category", "categories": ("x",), "unfitted": ("y",)}, "unfitted"),
        ({"kind": "boolean", "unknown_categories": "accept"}, "unknown_categories"),
    ],
)
def test_only_accepted_values_can_be_unfitted(changes: dict[str, Any], what: str) -> None:
    with pytest.raises(ValueError, match=f"and {what} do not fit together"):
        Feature(name="x", **changes)
