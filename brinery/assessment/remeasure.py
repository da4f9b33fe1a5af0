"""Measured again: a published version on rows of one's own, since a manifest's figures are its publisher's word."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np
import pandas as pd
from pydantic import ValidationError

from brinery.assessment.assessor import ASSESSORS
from brinery.assessment.columns.arrays import to_array, to_rows
from brinery.assessment.columns.kinds import as_texts
from brinery.assessment.evaluate import measure
from brinery.assessment.predictions import Predictions
from brinery.errors import DataInvalid, RowInvalid
from brinery.rows.feature import Kind
from brinery.rows.parser import RowParser
from brinery.rows.written import Written
from brinery.tables.read import SourceTable
from brinery.tables.sources import find_source
from brinery.tables.spelling import Own, Spelling
from brinery.tables.table import listed
from brinery.tasks.task import AnyAnswers
from brinery.versions.manifest import Gate, GateCheck, Manifest

Answers = Callable[[np.ndarray], AnyAnswers]


def remeasure(
    manifest: Manifest, answers: Answers, data: str, folder: Path, target: str
) -> tuple[dict[str, float], Gate]:
    """The metrics of a version on rows of one's own, and its gate's limits held against them.

    What the gate compared with another version stays as it was.

    Args:
        answers: the version's answers to rows, shape (rows, features).
        data: a path below `folder`, or a URL, of CSV or Parquet; it is read as the version's training data were.
        target: the column with the labels.

    Raises:
        DataInvalid: the data cannot be read, lack a column, or hold a row that serving would refuse.
    """
    frame, where = _read(manifest, data, folder, target)
    assessor = ASSESSORS[manifest.task.kind]
    truth = assessor.truth(frame[target], where, getattr(manifest.task, "classes", None))
    features = manifest.features
    array = to_array(frame[[feature.name for feature in features]], features)
    try:
        RowParser(features).parse(to_rows(array, features), len(array))
    except RowInvalid as exc:
        path, message = exc.errors[0]
        row = int(path.split("/")[2]) + 1
        raise DataInvalid(f"{where}: row {row} is none that the version answers: {message}") from exc
    found = measure(assessor, Predictions(truth, answers(array)))
    checks = tuple(_again(check, found) for check in manifest.gate.checks)
    return found, Gate(passed=all(check.passed for check in checks), checks=checks)


def _read(manifest: Manifest, data: str, folder: Path, target: str) -> tuple[pd.DataFrame, str]:
    table = SourceTable(find_source(data, folder))
    names = [feature.name for feature in manifest.features]
    missing = [name for name in (*names, target) if name not in table.names]
    if missing:
        raise DataInvalid(f"{table.shown} lacks {listed(missing)}; it has {listed(table.names)}")
    kind = _kind_of_target(manifest, target)
    reading = table.read([*names, target], _spelling(manifest, target, kind))
    if reading.problems:
        name, problem = next(iter(reading.problems.items()))
        raise DataInvalid(f'column "{name}" of {table.shown} {problem}')
    frame = reading.frame
    if kind == "category":
        frame[target] = pd.Series(as_texts(frame[target]), name=target)
    return frame, table.shown


def _spelling(manifest: Manifest, target: str, kind: Kind | None) -> Spelling:
    """How the training data were spelled, as the features tell; texts that were trimmed there are so here."""
    written = {feature.name: feature.written or Written() for feature in manifest.features}
    kinds = {
        each.name: each.kind for each in manifest.features if each.kind != "category" or written[each.name].verbatim
    }
    file = _written(manifest.spec)
    written[target] = _written_target(manifest, target)
    return Spelling(
        missing=file.missing,
        decimal=file.decimal,
        thousands=file.thousands,
        own={name: _own(each, file) for name, each in written.items()},
        kinds=kinds if kind is None else {**kinds, target: kind},
        target=target,
    )


def spelling_of_labels(manifest: Manifest, ids: str, labels: str) -> Spelling:
    """How a table of ids and labels is read, so that labels are spelled as in the training data."""
    declared = manifest.spec.get("target")
    target = declared if isinstance(declared, str) else labels
    kind, file = _kind_of_target(manifest, target), _written(manifest.spec)
    kinds: dict[str, Kind] = {ids: "category", **({} if kind is None else {labels: kind})}
    return Spelling(
        missing=file.missing,
        decimal=file.decimal,
        thousands=file.thousands,
        own={ids: Own(missing=()), labels: _own(_written_target(manifest, target), file)},
        kinds=kinds,
        target=labels,
        numeric_target=manifest.task.kind == "regression",
    )


def _written_target(manifest: Manifest, target: str) -> Written:
    """How the training data spelled the target."""
    declared = manifest.spec.get("kinds")
    own = declared.get(target) if isinstance(declared, Mapping) else None
    return _written({**manifest.spec, **own} if isinstance(own, Mapping) else manifest.spec)


def _written(spec: Mapping[str, Any]) -> Written:
    """How a spec says that values are written; what says it in no known way says nothing."""
    try:
        return Written.model_validate({key: spec[key] for key in ("missing", "decimal", "thousands") if key in spec})
    except ValidationError:
        return Written()


def _own(written: Written, file: Written) -> Own:
    """Nothing where a column is written as the file, so that it is read as fast."""
    return Own(
        missing=None if written.missing == file.missing else written.missing,
        decimal=None if written.decimal == file.decimal else written.decimal,
        thousands=None if written.thousands == file.thousands else written.thousands,
        dates=written.dates,
    )


def _kind_of_target(manifest: Manifest, target: str) -> Kind | None:
    """As the training declared it, or else as the labels are that the version answers with."""
    kinds = manifest.spec.get("kinds")
    declared = kinds.get(target) if isinstance(kinds, Mapping) else None
    kind = declared.get("kind") if isinstance(declared, Mapping) else declared
    if kind in get_args(Kind):
        return cast(Kind, kind)
    types = {type(label) for label in getattr(manifest.task, "classes", ())}
    return "boolean" if types == {bool} else "number" if types <= {int} else None


def _again(check: GateCheck, found: Mapping[str, float]) -> GateCheck:
    """A limit held against a metric that was measured again."""
    if check.rule == "no_worse_than_promoted" or check.limit is None or check.metric not in found:
        return check
    value = found[check.metric]
    kept = value >= check.limit if check.side == "least" else value <= check.limit
    return check.model_copy(update={"value": value, "passed": kept})
