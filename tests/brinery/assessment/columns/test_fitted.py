"""Ranges and values of the rows that a model was fitted on, where held-out rows have others."""

import numpy as np
import pandas as pd

from brinery.assessment.columns.arrays import to_array
from brinery.assessment.columns.fitted import fitted_on
from brinery.assessment.columns.infer import infer_features
from brinery.rows.feature import Feature


def of_training(frame: pd.DataFrame, train: list[int]) -> tuple[Feature, ...]:
    features = infer_features(frame)
    return fitted_on(features, to_array(frame, features)[train], frame.dtypes)


def test_ranges_are_of_the_rows_of_training() -> None:
    frame = pd.DataFrame(
        {"x": [1.0, 2.0, 9.0], "n": [5, 6, -7], "d": pd.to_datetime(["2024-01-02"] * 2 + ["2025-01-01"])}
    )
    ranges = [(feature.minimum, feature.maximum) for feature in of_training(frame, [0, 1])]
    assert ranges == [(1.0, 2.0), (5.0, 6.0), (19724.0, 19724.0)]


def test_ends_in_single_precision_hold_what_is_shown_of_them() -> None:
    (feature,) = of_training(pd.DataFrame({"x": np.array([0.1, 0.2, 0.9], np.float32)}), [0, 1])
    assert (feature.minimum, feature.maximum) == (0.1, float(np.float32(0.2)))


def test_values_that_held_out_rows_alone_have_are_told() -> None:
    frame = pd.DataFrame(
        {
            "c": ["x", "y", "x", "z"],
            "n": ["x", "y", None, "x"],
            "b": [True, True, False, False],
            "m": [1.0, 2.0, np.nan, 1.0],
            "f": [1.0, np.nan, np.nan, 2.0],
        }
    )
    unfitted = {feature.name: feature.unfitted for feature in of_training(frame, [0, 1])}
    assert unfitted == {"c": ("z",), "n": (None,), "b": (False,), "m": (None,), "f": ()}


def test_column_without_a_value_in_training_keeps_its_range() -> None:
    (feature, _) = of_training(pd.DataFrame({"x": [np.nan, np.nan, 3.0, 4.0], "y": [1.0, 2, 3, 4]}), [0, 1])
    assert (feature.minimum, feature.maximum, feature.unfitted) == (3.0, 4.0, ())
