"""The data of a model: from what its spec names to a frame, a target and a digest."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
from sklearn import datasets

from brinery.assessment.columns.kinds import as_texts
from brinery.assessment.note import Note
from brinery.errors import DataInvalid
from brinery.rows.feature import MAX_NAME_LENGTH
from brinery.rows.written import Written
from brinery.tables.read import Reading, SourceTable
from brinery.tables.sources import find_source
from brinery.tables.spelling import Spelling
from brinery.tables.table import listed
from brinery.tables.texts.cells import MARKED
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
    column, by column. `faults` are sentences about the names of columns, in the header and in the spec; with one of
    them the data are only good for telling what else is wrong, and the target may be empty.
    """

    features: pd.DataFrame
    target: pd.Series
    source: str
    sha256: str
    columns: int
    named: frozenset[str]
    problems: Mapping[str, str]
    notes: tuple[Note, ...]
    written: Mapping[str, Written]
    faults: tuple[str, ...] = ()


def read_dataset(spec: ModelSpec, folder: Path = Path(), numeric_target: bool = False) -> Dataset:
    """Read the source of a spec and take its columns.

    Args:
        folder: what relative paths are relative to, the folder of models.json.
        numeric_target: whether the target are numbers to predict, and not labels.

    Raises:
        DataInvalid: no such source, or data that cannot be read.
    """
    if spec.data.startswith("sklearn:"):
        return _from_sklearn(spec)
    table = SourceTable(find_source(spec.data, folder))
    chosen, faults = _chosen(table.shown, spec, table.names, table.index)
    try:
        reading = table.read(chosen, _spelling(spec, numeric_target))
    except DataInvalid as exc:
        raise DataInvalid("\n  ".join([*faults, str(exc)])) from exc
    named = frozenset({*(spec.features or ()), *spec.kinds})
    unused = [name for name in table.index if name not in chosen and name not in spec.exclude and not spec.features]
    notes = [
        Note(f'column "{name}" is left out: it was the index of a frame; name it in kinds to use it', "data")
        for name in unused
    ]
    notes += [Note(f'column "{name}" {note}', feature=name) for name, told in reading.notes.items() for note in told]
    dataset = _dataset(spec, reading, table.shown, len(table.names), named, notes)
    return replace(dataset, faults=tuple(faults))


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
    chosen, faults = _chosen(spec.data, spec, list(whole.columns), ())
    reading = Reading(whole[chosen], digest)
    dataset = _dataset(spec, reading, spec.data, len(whole.columns), frozenset(chosen), [])
    return replace(dataset, faults=tuple(faults))


def _dataset(
    spec: ModelSpec, reading: Reading, source: str, columns: int, named: frozenset[str], notes: Sequence[Note]
) -> Dataset:
    frame, problems = reading.frame, dict(reading.problems)
    is_there = spec.target in frame
    if not is_there:
        frame = frame.assign(**{spec.target: None})
    missing = 0 if spec.target in problems or not is_there else int(frame[spec.target].isna().sum())
    if missing and spec.drop_missing_target:
        frame = frame[frame[spec.target].notna()].reset_index(drop=True)
        notes = [
            *notes,
            Note(
                f'{missing} of {missing + len(frame)} rows are left out: their target "{spec.target}" is missing',
                "data",
            ),
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


def _chosen(source: str, spec: ModelSpec, columns: Sequence[str], index: Sequence[str]) -> tuple[list[str], list[str]]:
    """The features, in the spec's order or the source's, and the target as the last; and what is wrong with names.

    Raises:
        DataInvalid: there is nothing to read.
    """
    values = all(MARKED.fullmatch(column) for column in columns)
    heads = "; these are numbers, and the first line of a CSV must name its columns" if values else ""
    unset = "" if "target" in spec.model_fields_set else ", which is the target where the model names none"
    faults = [
        f'{source} has no column "{column}"{unset if column == spec.target else ""}; it has {listed(columns)}{heads}'
        for column in dict.fromkeys((*(spec.features or ()), spec.target, *spec.exclude))
        if column not in columns
    ]
    left_out = {spec.target, *spec.exclude, *(name for name in index if name not in spec.kinds)}
    features = list(spec.features or (column for column in columns if column not in left_out))
    if not features:
        faults.append(f'{source} has no column left besides the target "{spec.target}"')
    faults += [
        f'kinds names "{column}", which is no feature that is used; those are {listed(features)}'
        for column in spec.kinds
        if column not in features and column != spec.target
    ]
    bad = {column for column in features if not 0 < len(column) <= MAX_NAME_LENGTH}
    faults += [_bad_name(source, place, column) for place, column in enumerate(columns, 1) if column in bad]
    usable = [column for column in (*features, spec.target) if column in columns and column not in bad]
    if not usable:
        raise DataInvalid("\n  ".join(faults))
    return usable, faults


def _bad_name(source: str, place: int, column: str) -> str:
    if column:
        return f"{source}: the name of column {place} is longer than {MAX_NAME_LENGTH} letters"
    return (
        f"{source}: column {place} has no name, as where pandas writes its index; "
        'give it one, put "" into exclude, or name the features'
    )
