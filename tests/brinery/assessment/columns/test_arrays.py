"""Arrays: the numbers and texts that columns become, the same in training and in serving."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from brinery.assessment.columns.arrays import to_array
from brinery.assessment.columns.infer import infer_features
from brinery.assessment.columns.kinds import Unreadable
from brinery.rows.feature import Feature
from brinery.rows.parser import RowParser
from tests.brinery.assessment.columns.values import DAY


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


def test_array_of_other_rows_refuses_what_the_kind_is_not() -> None:
    features = (Feature(name="c", kind="integer", minimum=0, maximum=1),)
    with pytest.raises(Unreadable, match="^holds 1.5 in row 2, which is not a whole number$"):
        to_array(pd.DataFrame({"c": [1, 1.5]}), features)


def test_moment_with_an_offset_is_taken_to_utc() -> None:
    moments = [datetime(2007, 11, 11, 12, tzinfo=UTC), datetime(2007, 11, 12)]
    frame = pd.DataFrame({"d": pd.Series(moments, dtype=object)})
    assert to_array(frame, infer_features(frame)).tolist() == [[DAY + 0.5], [DAY + 1]]
