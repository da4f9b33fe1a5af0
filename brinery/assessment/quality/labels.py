"""Labels that came later: a table of the ids of requests and of what the rows really were."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from brinery.assessment.columns.kinds import as_texts
from brinery.assessment.columns.target import as_labels, as_numbers
from brinery.assessment.remeasure import spelling_of_labels
from brinery.errors import DataInvalid
from brinery.tables.read import SourceTable
from brinery.tables.sources import find_source
from brinery.tables.table import listed
from brinery.versions.manifest import Manifest

ID, LABEL = "id", "label"
SHOWN = 10


@dataclass(frozen=True)
class Labels:
    """The truth by id, as one version spells it; what cannot be used is counted.

    `missing` rows have no label; `unknown` have one that is none of the version's classes, such as the `examples`.
    """

    truth: dict[str, Any]
    missing: int = 0
    unknown: int = 0
    examples: tuple[str, ...] = ()


def read_labels(manifest: Manifest, data: str, folder: Path) -> Labels:
    """Read labels as the version's training data were read.

    Args:
        data: a path below `folder`, or a URL, of CSV or Parquet with the columns `id` and `label`.

    Raises:
        DataInvalid: it cannot be read, has other columns, a row without an id, or an id with two different labels.
    """
    frame, where = _read(manifest, data, folder)
    kept = frame[frame[LABEL].notna()]
    classes = getattr(manifest.task, "classes", None)
    if not len(kept):
        return Labels({}, missing=len(frame))
    truth = as_numbers(kept[LABEL], where) if classes is None else as_labels(kept[LABEL], where)
    ids = as_texts(kept[ID]).tolist()
    known = np.ones(len(truth), dtype=bool)
    if classes is not None:
        known = np.array([label in classes and _alike(label, classes[0]) for label in truth.tolist()], dtype=bool)
    found: dict[str, Any] = {}
    twice: list[str] = []
    for id, label, usable in zip(ids, truth.tolist(), known.tolist(), strict=True):
        if usable and found.setdefault(id, label) != label:
            twice.append(id)
    if twice:
        raise DataInvalid(f"{where} has different labels of one id: {_some(dict.fromkeys(twice))}")
    strange = dict.fromkeys(map(repr, truth[~known].tolist()))
    return Labels(found, len(frame) - len(kept), int((~known).sum()), tuple(strange)[:SHOWN])


def _read(manifest: Manifest, data: str, folder: Path) -> tuple[pd.DataFrame, str]:
    spelling = spelling_of_labels(manifest, ID, LABEL)
    texts = all(isinstance(each, str) for each in getattr(manifest.task, "classes", (0,)))
    for kinds in (spelling.kinds, {**spelling.kinds, LABEL: "category"}):
        table = SourceTable(find_source(data, folder))
        if sorted(table.names) != [ID, LABEL]:
            raise DataInvalid(f"{table.shown} has the columns {listed(table.names)}; it must have {ID} and {LABEL}")
        reading = table.read([ID, LABEL], replace(spelling, kinds=kinds))
        if reading.problems:
            name, problem = next(iter(reading.problems.items()))
            raise DataInvalid(f'column "{name}" of {table.shown} {problem}')
        frame = reading.frame
        # Texts that all look like numbers, by accident.
        if not texts or not (types.is_numeric_dtype(frame[LABEL]) or types.is_bool_dtype(frame[LABEL])):
            break
    if frame[ID].isna().any():
        raise DataInvalid(f"{table.shown} has no id in row {int(frame[ID].isna().to_numpy().argmax()) + 1}")
    if spelling.kinds.get(LABEL) == "category" or kinds is not spelling.kinds:
        frame[LABEL] = pd.Series(as_texts(frame[LABEL]), name=LABEL)
    return frame, table.shown


def _alike(label: Any, known: Any) -> bool:
    """Whether both are booleans, or none is: 1 is no truth."""
    return isinstance(label, bool) == isinstance(known, bool)


def _some(names: Sequence[str] | dict[str, None]) -> str:
    shown = list(names)[:SHOWN]
    return ", ".join(map(ascii, shown)) + (", …" if len(names) > SHOWN else "")
