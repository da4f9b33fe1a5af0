"""Data: from a source's name to a frame, a target and a digest."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from sklearn import datasets

from training.errors import DataInvalid
from training.spec import ModelSpec

SKLEARN: dict[str, Callable[..., object]] = {
    "breast_cancer": datasets.load_breast_cancer,
    "digits": datasets.load_digits,
    "iris": datasets.load_iris,
    "wine": datasets.load_wine,
}


@dataclass(frozen=True)
class Dataset:
    """Feature columns and target, row by row; `sha256` is that of the whole source as CSV."""

    features: pd.DataFrame
    target: pd.Series
    source: str
    sha256: str


def read_dataset(name: str, spec: ModelSpec) -> Dataset:
    """Read the source of a spec and take its columns.

    Raises:
        DataInvalid: no such source or column, or a target that cannot be learnt.
    """
    frame = _read(name, spec.data)
    wanted = [*(spec.features or ()), spec.target]
    for column in wanted:
        if column not in frame.columns:
            raise DataInvalid(
                f'{name}: {spec.data} has no column "{column}"; it has {", ".join(map(str, frame.columns))}'
            )
    target = frame[spec.target]
    if target.isna().any():
        raise DataInvalid(
            f'{name}: the target "{spec.target}" is missing in {int(target.isna().sum())} rows of {spec.data}'
        )
    if target.nunique() < 2:
        raise DataInvalid(f'{name}: the target "{spec.target}" has one class only; at least two are needed')
    features = frame[list(spec.features)] if spec.features else frame.drop(columns=spec.target)
    digest = hashlib.sha256(frame.to_csv(index=False).encode()).hexdigest()
    return Dataset(features, target, spec.data, digest)


def _read(name: str, source: str) -> pd.DataFrame:
    scheme, _, rest = source.partition(":")
    if scheme == "sklearn" and rest in SKLEARN:
        return SKLEARN[rest](as_frame=True).frame  # type: ignore[attr-defined]
    raise DataInvalid(f"{name}: data is {source!r}; scikit-learn's data sets are {', '.join(SKLEARN)}")
