"""Arguments of `publish_fitted`: rows, labels and rules as a person gives them, checked."""

from collections.abc import Iterable, Mapping
from typing import Any, get_args

import numpy as np
import pandas as pd
from pydantic import ValidationError

from brinery.assessment.gate import Beside
from brinery.assessment.metrics.table import NAMES
from brinery.assessment.rules import GateSpec
from brinery.errors import DataInvalid, GateInvalid
from brinery.rows.feature import MAX_NAME_LENGTH, Kind
from brinery.versions.reference import Reference


def check_options(random_state: Any, description: Any, shares: Mapping[str, Any]) -> None:
    """Raise DataInvalid for the first option whose value is not allowed."""
    if not isinstance(random_state, int) or not 0 <= random_state < 2**32:
        raise DataInvalid(f"random_state is {random_state!r}; it must be a whole number from 0 to 4294967295")
    if not isinstance(description, str) or any("\ud800" <= letter <= "\udfff" for letter in description):
        raise DataInvalid(f"description is {str(description)[:80]!a}; it must be a text without lone surrogates")
    for what, share in shares.items():
        if share is not None and not (isinstance(share, float) and 0 < share < 1):
            raise DataInvalid(f"{what} is {share!r}; it must be a share above 0 and below 1, such as 0.9")


def check_kinds(kinds: Mapping[str, Kind] | None, frame: pd.DataFrame) -> None:
    """Raise DataInvalid for the first column that there is not, or whose kind is none."""
    for column, kind in (kinds or {}).items():
        if column not in frame.columns:
            raise DataInvalid(f'kinds names "{column}", which is no column; those are {few(frame.columns)}')
        if kind not in get_args(Kind):
            allowed = ", ".join(get_args(Kind))
            raise DataInvalid(f'kinds calls "{column}" {str(kind)[:80]!r}; it must be one of {allowed}')


def frame_of(rows: pd.DataFrame | np.ndarray, what: str) -> pd.DataFrame:
    """Rows by names that are texts.

    Raises:
        DataInvalid: a name is none, or stands twice; or the rows are no table.
    """
    if not isinstance(rows, pd.DataFrame):
        array = np.asarray(rows)
        if array.ndim != 2:
            raise DataInvalid(f"{what} has shape {array.shape}; it must have two dimensions, rows and features")
        return pd.DataFrame(array, columns=[f"x{j}" for j in range(array.shape[1])])
    for name in rows.columns:
        if not isinstance(name, str | int | np.integer) or not 0 < len(str(name)) <= MAX_NAME_LENGTH:
            raise DataInvalid(f"{what} has a column {str(name)[:80]!r}; a name has 1 to {MAX_NAME_LENGTH} letters")
    named = rows.set_axis(list(map(str, rows.columns)), axis=1)
    if not named.columns.is_unique:
        raise DataInvalid(f"{what} has the column {named.columns[named.columns.duplicated()][0]!r} twice")
    return named


def as_fitted(model: str, names: Iterable[Any], frame: pd.DataFrame) -> pd.DataFrame:
    """The columns that a model was fitted on by name, in its order; `model` is what it is called."""
    known = list(map(str, names))
    missing, more = pd.Index(known).difference(frame.columns), frame.columns.difference(known)
    if len(missing):
        raise DataInvalid(f"{model} was fitted on a frame, and x_test lacks its columns {few(missing)}")
    if len(more):
        raise DataInvalid(f"x_test has the columns {few(more)}, which {model} was not fitted on")
    return frame[known]


def series_of(labels: Any, rows: int, what: str) -> pd.Series:
    """Labels, one for each of so many rows; DataInvalid where they are not."""
    if isinstance(labels, pd.DataFrame) and len(labels.columns) == 1:
        labels = labels.iloc[:, 0]
    shape = np.shape(labels)
    if len(shape) != 1 or shape[0] != rows:
        raise DataInvalid(f"{what} has shape {shape}; it must hold one value for each of {rows} rows, shape ({rows},)")
    return labels if isinstance(labels, pd.Series) else pd.Series(np.asarray(labels), name=what)


def rules_of(rules: Mapping[str, Any]) -> GateSpec:
    """The gate's rules; GateInvalid where they are none."""
    if not isinstance(rules, Mapping) or not all(isinstance(key, str) for key in rules):
        raise GateInvalid('gate must be an object of metrics, such as {"accuracy": {"min": 0.9}}')
    try:
        return GateSpec(**rules)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        at = ".".join(str(part) for part in first["loc"] if "[" not in str(part))
        raise GateInvalid(
            f'gate.{at} is no rule; a gate has metrics, each with "min" or "max" ({", ".join(NAMES)}), and '
            "no_worse_than_promoted"
        ) from exc


def beside_of(name: str, baseline: str | Reference | None, trust_bucket: bool) -> Beside:
    """What the gate compares with; DataInvalid where it is no pinned version of the model."""
    if baseline is None:
        return Beside(None, trust_bucket)
    pin = baseline if isinstance(baseline, Reference) else Reference.parse(str(baseline))
    if pin.name != name or not pin.pinned:
        raise DataInvalid(f"baseline is {pin}; it must be a version of {name} with its digest: {name}:7@sha256:…")
    return Beside(pin, trust_bucket)


def few(names: pd.Index) -> str:
    """At most twenty names, for a message."""
    return ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
