"""Columns to make features of."""

from typing import Any

import pandas as pd

DAY = 13828.0  # 2007-11-11
MOMENTS = ["2007-11-11", "2007-11-12T12:00Z", "2007-11-13 02:00:00+02:00"]


def series(values: Any, dtype: Any = None) -> pd.Series:
    return pd.Series(values, dtype=dtype)
