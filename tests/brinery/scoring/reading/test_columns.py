"""Columns: whole columns are taken exactly as the parser takes row by row."""

import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brinery.errors import RowInvalid
from brinery.rows.feature import Feature
from brinery.rows.parser import RowParser
from brinery.rows.written import Written
from brinery.scoring.reading.columns import Columns, as_of_csv
from brinery.scoring.reading.texts import CsvRows

WRITTEN = Written(decimal=",", thousands=".", dates="%d.%m.%Y", missing=("-",))
FEATURES = [
    Feature(name="n", kind="number", minimum=0, maximum=9),
    Feature(name="n?", kind="number", minimum=0, maximum=9, nullable=True),
    Feature(name="i", kind="integer", minimum=0, maximum=9),
    Feature(name="b", kind="boolean", nullable=True),
    Feature(name="c", kind="category", categories=("1", "a", "b")),
    Feature(name="c?", kind="category", categories=("a", "b"), nullable=True, unknown_categories="accept"),
    Feature(name="d", kind="date", minimum=0, maximum=9),
    Feature(name="z", kind="date", minimum=0, maximum=9, zoned=True, nullable=True),
    Feature(name="t", kind="text", nullable=True),
]
CSV_FEATURES = [
    *as_of_csv(FEATURES),
    *(feature.model_copy(update={"name": f"{feature.name} w", "written": WRITTEN}) for feature in FEATURES),
]
TEXTS = st.sampled_from(
    ["", "NA", "-", " 1", "1.0", "+2", "1.234,5", "1,5", "x", "a", " b ", "true", "No", "0", "1", "inf", "nan", "1e400"]
    + [
        "2007-11-11",
        "2007-11-11T06:00Z",
        "11.11.2007",
        "0x1",
        ".5",
        "5.",
        "1e3",
        "９",
        "null",
        "None",
        "a" * 70,
        "1" * 70,
    ]
)
VALUES: dict[pa.DataType, st.SearchStrategy[Any]] = {
    pa.float64(): st.floats() | st.integers(-3, 3).map(float),
    pa.float32(): st.floats(width=32),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.uint8(): st.integers(0, 3),
    pa.bool_(): st.booleans(),
    pa.string(): TEXTS,
    pa.dictionary(pa.int32(), pa.string()): TEXTS,
    pa.decimal128(12, 3): st.decimals(-1000, 1000, places=3),
    pa.date32(): st.dates(),
    pa.timestamp("us"): st.datetimes(),
    pa.timestamp("ms", "UTC"): st.datetimes(
        datetime.datetime(1, 1, 3), datetime.datetime(9999, 12, 29), timezones=st.just(datetime.UTC)
    ),
    pa.null(): st.none(),
}


def row_by_row(feature: Feature, values: list[Any]) -> tuple[list[Any], set[int]]:
    """What the parser takes, and which rows it refuses."""
    parser, taken, wrong = RowParser([feature]), [], set()
    for place, value in enumerate(values):
        try:
            taken.append(parser.parse([[value]], 1).array[0, 0])
        except RowInvalid:
            wrong.add(place)
    return taken, wrong


def as_sent(value: Any) -> Any:
    """A value as a request has it."""
    if isinstance(value, float) and np.isnan(value):
        return None
    if isinstance(value, datetime.date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.data())
def test_typed_columns_are_taken_as_by_the_parser(data: st.DataObject) -> None:
    feature = data.draw(st.sampled_from(FEATURES))
    kind = data.draw(st.sampled_from(list(VALUES)))
    values = data.draw(st.lists(st.none() | VALUES[kind], min_size=1, max_size=8))
    table = pa.table({feature.name: pa.array(values, kind)})
    found = Columns([feature]).check(table)
    taken, wrong = row_by_row(feature, [as_sent(value) for value in table.column(0).to_pylist()])
    assert set(found.refused) == wrong and found.places.tolist() == [i for i in range(len(values)) if i not in wrong]
    assert [None if each != each else each for each in found.array[:, 0].tolist()] == [
        None if each != each else each for each in taken
    ]


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.data())
def test_cells_of_csv_are_taken_as_by_the_parser(data: st.DataObject) -> None:
    feature = data.draw(st.sampled_from(CSV_FEATURES))
    texts = data.draw(st.lists(TEXTS, min_size=1, max_size=8))
    quoted = "".join(f'"{text}",1\n' for text in texts).encode()
    table, ragged = CsvRows("x", [feature.name, "other"], ",", [feature], []).read(quoted)
    found = Columns([feature]).check(table)
    taken, wrong = row_by_row(feature, texts)
    lenient = {place for place, text in enumerate(texts) if _is_lenient(feature, text)}
    assert not ragged and set(found.refused) | lenient == wrong | lenient
    if not lenient:
        assert [None if each != each else each for each in found.array[:, 0].tolist()] == [
            None if each != each else each for each in taken
        ]


def _is_lenient(feature: Feature, text: str) -> bool:
    """Numbers that a request would spell otherwise, and that training reads from a CSV."""
    return feature.kind in ("number", "integer") and text in ("1e3", "1" * 70)


@pytest.mark.parametrize(
    ("moment", "kind", "days"),
    [
        (2**64 // 10**6 + 5, pa.timestamp("s"), None),
        (2**63 - 1, pa.timestamp("ms"), None),
        (2**63 - 1, pa.timestamp("us"), None),
        (2**31 - 1, pa.date32(), None),
        (86_400_000 * 10**9, pa.date64(), None),
        (86_400_000 * 3, pa.date64(), 3.0),
        (43_200, pa.timestamp("s", "UTC"), 0.5),
        (-43_200_000, pa.timestamp("ms"), -0.5),
        (-1, pa.timestamp("ns"), -1 / 86_400_000_000),
        (2**63 - 1, pa.timestamp("ns"), 9223372036854775 / 86_400_000_000),
    ],
)
def test_moments_are_days_in_every_unit_and_never_wrap(moment: int, kind: pa.DataType, days: float | None) -> None:
    found = Columns([FEATURES[6]]).check(pa.table({"d": pa.array([moment, None, 0], kind)}))
    assert found.places.tolist() == ([2] if days is None else [0, 2]) and set(found.refused) >= {1}
    assert found.array[:-1, 0].tolist() == pytest.approx([] if days is None else [days], rel=1e-15)


def test_rows_are_refused_with_every_reason_of_theirs() -> None:
    table = pa.table({"n": [1.0, None, 2.0], "i": [1.5, 2.0, 3.0], "c": ["a", "q", "b"]})
    features = [FEATURES[0], FEATURES[2], FEATURES[4]]
    found = Columns(features).check(table)
    assert found.refused == {
        0: ["i must be a whole number"],
        1: ["n must be a finite number", "c must be one of '1', 'a', 'b'"],
    }
    assert found.array.tolist() == [[2.0, 3.0, "b"]] and found.places.tolist() == [2]


@pytest.mark.parametrize("count", [1, 4096, 10_000])
def test_columns_are_put_side_by_side(count: int) -> None:
    features = [Feature(name=f"x{j}", kind="number", minimum=0, maximum=1) for j in range(3)]
    array = np.random.default_rng(0).random((count, 3))
    table = pa.table({f"x{j}": array[:, j].copy() for j in range(3)})
    assert np.array_equal(Columns(features).check(table).array, array)
