"""Kinds: the one that each column has, and the cells that are made of it."""

from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brinery.assessment.columns.arrays import to_array, to_rows
from brinery.assessment.columns.infer import infer_features
from brinery.rows.feature import Kind
from brinery.rows.parser import RowParser
from tests.brinery.assessment.columns.values import DAY, MOMENTS, series

TIMES = [DAY, DAY + 1.5, DAY + 2]


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
