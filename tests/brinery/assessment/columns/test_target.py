"""Targets: the classes that a column makes, and what cannot be learnt."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from brinery.assessment.columns.target import encode_target
from brinery.errors import DataInvalid
from tests.brinery.assessment.columns.values import series

TARGETS: dict[str, tuple[pd.Series, list[Any], str]] = {
    "whole numbers": (series([1, 2] * 2), [1, 2], "i"),
    "whole floats": (series([1.0, 2.0] * 2), [1, 2], "i"),
    "nullable integers": (series([1, 2] * 2, "Int64"), [1, 2], "i"),
    "booleans": (series([False, True] * 2), [False, True], "b"),
    "boolean objects": (series([False, True] * 2, object), [False, True], "b"),
    "texts": (series(["a", "b"] * 2), ["a", "b"], "U"),
    "text objects": (series(["a", "b"] * 2, object), ["a", "b"], "U"),
    "Arrow's texts": (series(["a", "b"] * 2, "string[pyarrow]"), ["a", "b"], "U"),
    "dates": (series(pd.to_datetime(["2024-01-02", "2024-01-03"] * 2)), ["2024-01-02", "2024-01-03"], "U"),
    "moments": (
        series(pd.to_datetime(["2024-01-02 10:00", "2024-01-03 00:00"] * 2)),
        ["2024-01-02T10:00:00", "2024-01-03"],
        "U",
    ),
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
        (
            series([2**64 - 1, 1] * 2, np.uint64),
            "holds 18446744073709551615, which no integer of 64 bits can hold; its",
        ),
        (series([1, 1, 2]), "so that one is held out; a number is predicted by a regressor"),
        (series(["a", "a", "b"]), 'has one row only of the class "b"; each class needs 2 or more, so that one is'),
    ],
)
def test_target_that_cannot_be_learnt_gets_a_sentence(target: pd.Series, message: str) -> None:
    with pytest.raises(DataInvalid) as caught:
        encode_target(target.rename("t"), "d.csv")
    assert str(caught.value).startswith('the target "t" ') and message in str(caught.value)
