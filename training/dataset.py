"""The data of a model: from what its spec names to a frame, a target and a digest."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from sklearn import datasets

from brinery.assessment.columns.kinds import as_texts
from brinery.errors import DataInvalid
from brinery.rows.feature import MAX_NAME_LENGTH
from brinery.rows.written import Written
from brinery.tables.read import Reading, SourceTable
from brinery.tables.sources import find_source
from brinery.tables.spelling import Spelling
from brinery.tables.table import listed
from training.spec import ModelSpec

SKLEARN: dict[str, Callable[..., object]] = {
    "breast_cancer": datasets.load_breast_cancer,
    "diabetes": datasets.load_diabetes,
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
    scikit-learn's: they are used even where they look useless. `problems` says why columns cannot be used, by column,
    each text following its name; `notes` are sentences about what was done to the data; `written` is how a CSV wrote a
    column, by column.
    """

    features: pd.DataFrame
    target: pd.Series
    source: str
    sha256: str
    columns: int
    named: frozenset[str]
    problems: Mapping[str, str]
    notes: tuple[str, ...]
    written: Mapping[str, Written]


def read_dataset(spec: ModelSpec, folder: Path = Path(), numeric_target: bool = False) -> Dataset:
    """Read the source of a spec and take its columns.

    Args:
        folder: what relative paths are relative to, the folder of models.json.
        numeric_target: whether the target are numbers to predict, and not labels.

    Raises:
        DataInvalid: no such source or column, or data that cannot be read.
    """
    if spec.data.startswith("sklearn:"):
        return _from_sklearn(spec)
    table = SourceTable(find_source(spec.data, folder))
    chosen = _chosen(table.shown, spec, table.names, table.index)
    reading = table.read(chosen, _spelling(spec, numeric_target))
    named = frozenset({*(spec.features or ()), *spec.kinds})
    unused = [name for name in table.index if name not in chosen and name not in spec.exclude and not spec.features]
    notes = [f'column "{name}" is left out: it was the index of a frame; name it in kinds to use it' for name in unused]
    notes += [f'column "{name}" {note}' for name, told in reading.notes.items() for note in told]
    return _dataset(spec, reading, table.shown, len(table.names), named, notes)


def _spelling(spec: ModelSpec, numeric_target: bool) -> Spelling:
    return Spelling(
        missing=spec.missing,
        decimal=spec.decimal,
        thousands=spec.thousands,
        dates=spec.dates,
        own=spec.own,
        kinds=spec.declared_kinds,
        target=spec.target,
        numeric_target=numeric_target,
    )


def _from_sklearn(spec: ModelSpec) -> Dataset:
    which = spec.data.partition(":")[2]
    if which not in SKLEARN:
        raise DataInvalid(f"data is {spec.data!r}; scikit-learn's data sets are {', '.join(SKLEARN)}")
    whole: pd.DataFrame = SKLEARN[which](as_frame=True).frame  # type: ignore[attr-defined]
    digest = hashlib.sha256(whole.to_csv(index=False).encode()).hexdigest()
    frame = whole[_chosen(spec.data, spec, list(whole.columns), ())]
    return _dataset(spec, Reading(frame, digest), spec.data, len(whole.columns), frozenset(frame.columns), [])


def _dataset(
    spec: ModelSpec, reading: Reading, source: str, columns: int, named: frozenset[str], notes: Sequence[str]
) -> Dataset:
    frame, problems = reading.frame, dict(reading.problems)
    missing = 0 if spec.target in problems else int(frame[spec.target].isna().sum())
    if missing and spec.drop_missing_target:
        frame = frame[frame[spec.target].notna()].reset_index(drop=True)
        notes = [
            *notes,
            f'{missing} of {missing + len(frame)} rows are left out: their target "{spec.target}" is missing',
        ]
    elif missing:
        problems[spec.target] = _why_missing(spec, missing, reading.notes.get(spec.target, ()))
    target = frame[spec.target]
    if spec.declared_kinds.get(spec.target) == "category":
        target = pd.Series(as_texts(target), name=spec.target)
    features = frame.drop(columns=spec.target)
    return Dataset(features, target, source, reading.sha256, columns, named, problems, tuple(notes), reading.written)


def _why_missing(spec: ModelSpec, missing: int, notes: Sequence[str]) -> str:
    """Words such as None, which are taken as missing, may be meant as answers."""
    told = "".join(f"; it {note}" for note in notes)
    return (
        f"is the target, and is missing in {missing} rows{told}; "
        'fill them in, or leave these rows out by "drop_missing_target": true'
    )


def _chosen(source: str, spec: ModelSpec, columns: Sequence[str], index: Sequence[str]) -> list[str]:
    """The features, in the spec's order or the source's, and the target as the last."""
    known = set(columns)
    for column in (*(spec.features or ()), spec.target, *spec.exclude):
        if column not in known:
            raise DataInvalid(f'{source} has no column "{column}"; it has {listed(columns)}')
    left_out = {spec.target, *spec.exclude, *(name for name in index if name not in spec.kinds)}
    features = list(spec.features or (column for column in columns if column not in left_out))
    if not features:
        raise DataInvalid(f'{source} has no column left besides the target "{spec.target}"')
    for column in spec.kinds:
        if column not in features and column != spec.target:
            raise DataInvalid(f'kinds names "{column}", which is no feature that is used; those are {listed(features)}')
    for column in features:
        if not 0 < len(column) <= MAX_NAME_LENGTH:
            raise DataInvalid(_bad_name(source, column, columns))
    return [*features, spec.target]


def _bad_name(source: str, column: str, columns: Sequence[str]) -> str:
    place = list(columns).index(column) + 1
    if column:
        return f"{source}: the name of column {place} is longer than {MAX_NAME_LENGTH} letters"
    return (
        f"{source}: column {place} has no name, as where pandas writes its index; "
        'give it one, put "" into exclude, or name the features'
    )
