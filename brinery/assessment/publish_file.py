"""From a pickle or an ONNX file that somebody has, and rows in a file, to a published version."""

import warnings
from pathlib import Path
from typing import Any

import joblib
import pandas as pd

from brinery.assessment.given.file import OnnxFile, is_onnx
from brinery.assessment.publish_fitted import publish_fitted
from brinery.errors import DataInvalid, words_of
from brinery.tables.read import SourceTable
from brinery.tables.sources import find_source
from brinery.tables.spelling import PLAIN, Spelling
from brinery.tables.table import listed
from brinery.versions.reference import Reference


def publish_file(
    name: str, model: Path, rows: str, target: str, train_rows: str | None, folder: Path, **more: Any
) -> tuple[Reference, list[str]]:
    """Publish a fitted model from a file.

    A pickle runs what it holds: it is loaded by who has it, on their machine. An ONNX file is data.

    Args:
        model: a pickle of joblib or of pickle itself, or an ONNX file.
        rows, train_rows: held-out rows, and those that it was fitted on: paths below `folder`, or URLs, of CSV or
            Parquet.
        target: the column with the truth; the others are the features, or of a model that was fitted on a frame, or
            an ONNX file of an input a column, those that it knows.
        more: as of `publish_fitted`.

    Returns:
        The reference, and sentences that a person should read.

    Raises:
        DataInvalid: the file or the rows cannot be read or used.
        BrineryError: as of `publish_fitted`.
    """
    fitted, notes = (OnnxFile.of(model), []) if is_onnx(model) else _unpickled(model)
    table = SourceTable(find_source(rows, folder))
    if isinstance(fitted, OnnxFile):
        names = fitted.columns([each for each in table.names if each != target])
    else:
        known = getattr(fitted, "feature_names_in_", None)
        names = None if known is None else list(map(str, known))
    labels = getattr(fitted, "classes_", ())
    spelling = Spelling(target=target) if len(labels) and all(isinstance(each, str) for each in labels) else PLAIN
    x_test, y_test, left_out = _rows(table, target, names, spelling)
    if left_out:
        notes.append(f"columns that the model does not know are left out: {listed(left_out)}")
    if train_rows is not None:
        x_train, y_train, _ = _rows(
            SourceTable(find_source(train_rows, folder)), target, list(x_test.columns), spelling
        )
        more |= {"x_train": x_train, "y_train": y_train}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* did not pass its gate", UserWarning)  # told by whoever asked
        return publish_fitted(name, fitted, x_test, y_test, **more, tell=notes.append), notes


def _unpickled(path: Path) -> tuple[Any, list[str]]:
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            fitted = joblib.load(path)
    except FileNotFoundError as exc:
        raise DataInvalid(f"{path} does not exist; it must be a pickle of a fitted model") from exc
    except Exception as exc:  # a pickle raises whatever it likes
        text = words_of(exc)
        raise DataInvalid(f"{path} cannot be loaded as a pickle: {type(exc).__name__}: {text}") from exc
    return fitted, [words_of(each.message) for each in told if each.category is not FutureWarning][:3]


def _rows(
    table: SourceTable, target: str, names: list[str] | None, spelling: Spelling
) -> tuple[pd.DataFrame, pd.Series, list[str]]:
    """The features in the model's order, the truth, and columns that are neither."""
    features = [each for each in table.names if each != target and each not in table.index] if names is None else names
    missing = [each for each in (*features, target) if each not in table.names]
    if missing:
        raise DataInvalid(f"{table.shown} lacks {listed(missing)}; it has {listed(table.names)}")
    reading = table.read([*features, target], spelling)
    if reading.problems:
        problems = "\n  ".join(f'column "{column}" {problem}' for column, problem in reading.problems.items())
        raise DataInvalid(f"{table.shown} cannot be used as it is:\n  {problems}")
    left_out = [each for each in table.names if each not in features and each != target]
    return reading.frame[features], reading.frame[target], left_out
