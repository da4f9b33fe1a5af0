"""Data: from a source's name to a frame, a target and a digest."""

import hashlib
from collections.abc import Buffer, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
from sklearn import datasets

from brinery.rows.feature import MAX_NAME_LENGTH
from brinery.tables.compression import decompressed
from brinery.tables.csv import read_csv
from brinery.tables.parquet import MAGIC, read_parquet, read_parquet_set
from brinery.tables.sources import Load, Source, find_source
from brinery.tables.table import Choose, listed, to_frame, with_usable_types
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
    """Feature columns and target, row by row.

    `source` names where they came from, without secrets. `sha256` is that of the source's bytes as fetched; of a
    folder, that of the lines "SHA256  PATH" of its files; of scikit-learn's, that of the whole set as CSV.
    `columns` counts those of the whole source. `named` are the features that the spec names, and all of
    scikit-learn's: they are used even where they look useless.
    """

    model: str
    features: pd.DataFrame
    target: pd.Series
    source: str
    sha256: str
    columns: int
    named: frozenset[str]


def read_dataset(name: str, spec: ModelSpec, folder: Path = Path()) -> Dataset:
    """Read the source of a spec and take its columns.

    Args:
        folder: what relative paths are relative to, the folder of models.json.

    Raises:
        DataInvalid: no such source or column, data that cannot be read, or a target that cannot be learnt.
    """
    if spec.data.startswith("sklearn:"):
        return _from_sklearn(name, spec)
    source = find_source(name, spec.data, folder)

    def choose(columns: Sequence[str]) -> list[str]:
        return _chosen(name, source.shown, spec, columns)

    texts = frozenset(column for column, kind in spec.kinds.items() if kind == "category")
    table, columns, digest = _table(f"{name}: {source.shown}", source, choose, texts)
    frame = to_frame(table)
    del table
    named = frozenset({*(spec.features or ()), *spec.kinds})
    return _dataset(name, spec, frame, source.shown, digest, columns, named)


def _from_sklearn(name: str, spec: ModelSpec) -> Dataset:
    which = spec.data.partition(":")[2]
    if which not in SKLEARN:
        raise DataInvalid(f"{name}: data is {spec.data!r}; scikit-learn's data sets are {', '.join(SKLEARN)}")
    whole: pd.DataFrame = SKLEARN[which](as_frame=True).frame  # type: ignore[attr-defined]
    digest = hashlib.sha256(whole.to_csv(index=False).encode()).hexdigest()
    frame = whole[_chosen(name, spec.data, spec, list(whole.columns))]
    return _dataset(name, spec, frame, spec.data, digest, len(whole.columns), frozenset(frame.columns))


def _dataset(
    name: str, spec: ModelSpec, frame: pd.DataFrame, source: str, digest: str, columns: int, named: frozenset[str]
) -> Dataset:
    target = frame[spec.target]
    if target.isna().any():
        raise DataInvalid(
            f'{name}: the target "{spec.target}" is missing in {int(target.isna().sum())} rows of {source}'
        )
    if target.nunique() < 2:
        raise DataInvalid(f'{name}: the target "{spec.target}" of {source} has one class only; at least two are needed')
    return Dataset(name, frame.drop(columns=spec.target), target, source, digest, columns, named)


def _chosen(model: str, source: str, spec: ModelSpec, columns: Sequence[str]) -> list[str]:
    """The features, in the spec's order or the source's, and the target as the last."""
    known = set(columns)
    for column in (*(spec.features or ()), spec.target, *spec.exclude):
        if column not in known:
            raise DataInvalid(f'{model}: {source} has no column "{column}"; it has {listed(columns)}')
    left_out = {spec.target, *spec.exclude}
    features = list(spec.features or (column for column in columns if column not in left_out))
    if not features:
        raise DataInvalid(f'{model}: {source} has no column left besides the target "{spec.target}"')
    for column in spec.kinds:
        if column not in features:
            raise DataInvalid(
                f'{model}: kinds names "{column}", which is no feature that is used; those are {listed(features)}'
            )
    for column in features:
        if not 0 < len(column) <= MAX_NAME_LENGTH:
            raise DataInvalid(_bad_name(model, source, column, columns))
    return [*features, spec.target]


def _bad_name(model: str, source: str, column: str, columns: Sequence[str]) -> str:
    place = list(columns).index(column) + 1
    if column:
        return f"{model}: {source}: the name of column {place} is longer than {MAX_NAME_LENGTH} letters"
    return (
        f"{model}: {source}: column {place} has no name, as where pandas writes its index; "
        'give it one, put "" into exclude, or name the features'
    )


def _table(where: str, source: Source, choose: Choose, texts: frozenset[str]) -> tuple[pa.Table, int, str]:
    """The chosen columns, how many the source has, and its digest; the bytes are given back as this returns."""
    if source.is_folder:
        digests: dict[str, str] = {}

        def loader(path: str, load: Load) -> Callable[[], Buffer]:
            def load_and_note() -> Buffer:
                data, digests[path] = load()
                return data

            return load_and_note

        files = {path: loader(path, load) for path, load in source.files.items()}
        table, columns = read_parquet_set(where, files, choose)
        listing = "".join(f"{digest}  {path}\n" for path, digest in digests.items())
        return with_usable_types(where, table), columns, hashlib.sha256(listing.encode()).hexdigest()
    data, digest = source.files[""]()
    if not memoryview(data).nbytes:
        raise DataInvalid(f"{where} is empty; it must hold a header and rows")
    data = decompressed(where, data)
    if bytes(memoryview(data)[:4]) == MAGIC:
        table, columns = read_parquet(where, data, choose)
    else:
        table, columns = read_csv(where, data, choose, texts)
    return with_usable_types(where, table), columns, digest
