"""brinery.load(…).predict: frames, arrays and rows get the answers that serving gives."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brinery.errors import RowInvalid
from brinery.loading.given import rows_of
from brinery.loading.load import load
from brinery.loading.model import VerifiedModel
from brinery.versions.reference import Reference
from brinery.versions.store import Store
from tests.examples import frame
from tests.serving.conftest import _event_loop as _event_loop
from tests.serving.conftest import serving

Published = tuple[Store, dict[str, Reference]]


def model(published: Published, name: str, format: str = "auto") -> VerifiedModel:
    store, references = published
    return load(store, references[name], format=format)


@pytest.mark.parametrize("format", ["onnx", "pickle"])
@pytest.mark.parametrize("name", ["wine", "alcohol", "mixed", "progress"])
def test_frame_is_answered_as_by_serving(published: Published, name: str, format: str) -> None:
    rows, served = frame(name)[0].head(40), model(published, name, format)
    body = {"data": rows_of(rows)}
    answers = serving(served).request("POST", "/predict", json=body).json()["predictions"]
    assert served.predict(rows) == answers
    assert served.predict(rows[rows.columns[::-1]]) == answers  # by name
    assert served.predict(rows.to_dict("records")) == answers
    assert served.predict(rows.to_numpy()) == answers
    one = served.predict(rows.to_dict("records")[0])
    assert served.predict(rows.to_numpy()[0]) == one and served.predict(rows.head(1)) == [one]
    read = served.task.read  # of many rows at once, the last bit may be another
    assert served.task.difference(read([one]), read(answers[:1])).alike


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.nan, None),
        (pd.NA, None),
        (pd.NaT, None),
        (np.datetime64("NaT", "s"), None),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (Decimal("1.25"), 1.25),
        (date(2024, 2, 3), "2024-02-03"),
        (pd.Timestamp("2024-02-03 04:05"), "2024-02-03T04:05:00"),
        (np.datetime64("2024-02-03"), "2024-02-03"),
        (datetime(2024, 2, 3, tzinfo=UTC), "2024-02-03T00:00:00+00:00"),
    ],
    ids=repr,
)
def test_values_of_libraries_become_those_of_json(value: Any, expected: Any) -> None:
    for given in ([[value]], pd.DataFrame({"x": pd.Series([value], dtype=object)}), [{"x": value}], ([value],)):
        (row,) = rows_of(given)
        (found,) = row.values() if isinstance(row, dict) else row
        assert found == expected and type(found) is type(expected), given


def test_frames_of_every_kind_of_column_are_read(published: Published) -> None:
    columns = pd.DataFrame(
        {
            "a": pd.Series([1, None], dtype="Int64"),
            "b": pd.Series([True, None], dtype="boolean"),
            "c": pd.Series(["x", None], dtype="category"),
            "d": pd.Series(["x", None], dtype="string"),
            "e": pd.to_datetime(["2024-02-03", None]),
        }
    )
    assert rows_of(columns) == [
        {"a": 1, "b": True, "c": "x", "d": "x", "e": "2024-02-03T00:00:00"},
        dict.fromkeys("abcde"),
    ]


def test_what_does_not_fit_is_told_by_its_path(published: Published) -> None:
    served, rows = model(published, "wine"), frame("wine")[0].head(3)
    with pytest.raises(RowInvalid, match="/data/0/colour is not a feature of this model"):
        served.predict(rows.assign(colour=1))
    with pytest.raises(RowInvalid, match="/data/1/ash ash must be a finite number"):
        served.predict(rows.assign(ash=[1.0, np.nan, 2.0]))
    with pytest.raises(RowInvalid, match="/data must hold at least one row"):
        served.predict(rows.head(0))
    with pytest.warns(UserWarning, match="wine: /data/2/ash ash is outside the training range"):
        served.predict(rows.assign(ash=[2.0, 2.0, 99.0]))
