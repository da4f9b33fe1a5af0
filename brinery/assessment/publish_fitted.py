"""The way in for a notebook: a fitted model and held-out rows become a candidate, and a version."""

import hashlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
from onnx import ModelProto
from sklearn.utils.validation import check_is_fitted

from brinery.assessment.arguments import (
    as_fitted,
    beside_of,
    check_kinds,
    check_options,
    few,
    frame_of,
    rules_of,
    series_of,
)
from brinery.assessment.assessor import Assessor, assessor_of
from brinery.assessment.candidate import Candidate, Stages
from brinery.assessment.classification import ClassificationAssessor
from brinery.assessment.columns.arrays import to_array
from brinery.assessment.columns.histogram import histograms
from brinery.assessment.columns.infer import infer_features
from brinery.assessment.columns.repeats import notes_on_repeats
from brinery.assessment.gate import check_metrics
from brinery.assessment.given.file import OnnxFile
from brinery.assessment.given.model import GivenModel, given_model
from brinery.assessment.lineage import git_state
from brinery.assessment.note import Note
from brinery.assessment.predictions import Predictions
from brinery.assessment.publish_candidate import publish_candidate
from brinery.errors import DataInvalid, words_of
from brinery.formats.frames import OnFrames
from brinery.loading.model_process import ModelProcess
from brinery.rows.feature import Feature, Kind
from brinery.versions.manifest import TrainingData
from brinery.versions.profiles import open_registry
from brinery.versions.reference import Reference, check_name


def publish_fitted(
    name: str,
    model: Any,
    x_test: pd.DataFrame | np.ndarray,
    y_test: Any,
    *,
    x_train: pd.DataFrame | np.ndarray | None = None,
    y_train: Any = None,
    registry: str | None = None,
    gate: Mapping[str, Any] | None = None,
    baseline: str | Reference | None = None,
    trust_bucket: bool = False,
    description: str = "",
    interval: float | None = None,
    threshold: float | None = None,
    classes: Sequence[Any] | None = None,
    kinds: Mapping[str, Kind] | None = None,
    random_state: int = 0,
    tell: Callable[[str], None] = lambda note: None,
) -> Reference:
    """Publish a fitted scikit-learn classifier, regressor or pipeline, or an ONNX file, as a new version.

    That is done whatever its gate says of it.

    It is measured on the held-out rows, exported to ONNX where that answers alike, and loaded by a process that has
    what the serving image has, before it is published.

    Args:
        model: fitted on arrays, or on frames, by the names of columns: such a one becomes an ONNX file alone, and is
            refused where that does not answer alike. Or the path of an ONNX file or an `onnx.ModelProto`, however it
            was made, which takes all columns in their order, or each by its name.
        x_test, y_test: held-out rows, shape (rows, features), and their labels, shape (rows,). Rows of an array get
            the names x0, x1, ….
        x_train, y_train: the rows that it was fitted on, of the same columns, and their labels: ranges and categories
            of the features then come from both, and the baseline from the labels. Without them both come from the
            held-out rows, and the baseline looks better than it is.
        registry: a URL; default: $MODEL_REGISTRY, else the folder .registry here.
        baseline: what `no_worse_than_promoted` compares with, with its digest; without it that is what the newest
            record in the bucket names, for which nobody vouches, and no pickle of it is loaded but where
            `trust_bucket`.
        threshold: from which probability on the second of two classes is answered.
        classes: what an ONNX file answers, in the order of its outputs, where it does not say so itself.
        kinds: what columns are taken for where that is not what their values look like, such as {"notes": "text"}.
        interval: as in models.json: the share of rows whose answers shall hold the truth, such as 0.9.
        gate: rules as in models.json, such as {"accuracy": {"min": 0.9}}.
        random_state: seed of the intervals and of the importance.
        tell: called with each sentence that the card notes of the rows, such as that held-out ones stand among those
            that it was fitted on.

    Returns:
        The reference, pinned to the manifest's digest. A gate that the model did not pass is told by a UserWarning.

    Raises:
        DataInvalid: the rows or labels cannot be used, the model does not take them, or the ONNX file is none that can
            be served.
        GateInvalid: the gate is none, or asks for what the model does not give.
        NotServable: serving could not load it; nothing was published.
        BrineryError: the registry cannot be used; nothing was published.
    """
    check_name(name)
    check_options(random_state, description, {"interval": interval, "threshold": threshold})
    rules, stages = rules_of(gate or {}), Stages()
    file = _onnx(model, classes)
    if (x_train is None) != (y_train is None):
        raise DataInvalid("x_train and y_train go together; one of them is missing")
    test, train = frame_of(x_test, "x_test"), None if x_train is None else frame_of(x_train, "x_train")
    if train is not None and list(train.columns) != list(test.columns):
        raise DataInvalid(f"x_train has the columns {few(train.columns)}, and x_test {few(test.columns)}")
    by_name = getattr(model, "feature_names_in_", None) if file is None else file.columns(list(test.columns))
    if by_name is not None:
        what = type(model).__name__ if file is None else file.name
        test, train = (each if each is None else as_fitted(what, by_name, each) for each in (test, train))
    whole = test if train is None else pd.concat([train, test], ignore_index=True)
    check_kinds(kinds, whole)
    features = infer_features(whole, named=list(whole.columns), kinds=kinds or {})
    array, held_out = to_array(whole, features), slice(len(whole) - len(test), None)
    given = {"y_test": series_of(y_test, len(test), "y_test")}
    if train is not None:
        given = {"y_train": series_of(y_train, len(train), "y_train"), **given}
    if file is not None:
        model = given_model(file, features, array[held_out], _all(given), classes)
    assessor = _with_threshold(_assessor(model), model, threshold)
    check_metrics(rules, assessor)
    known = np.asarray(model.classes_).tolist() if hasattr(model, "classes_") else None
    truth = {what: assessor.truth(labels, what, known) for what, labels in given.items()}
    train_x, train_y = array if train is None else array[: held_out.start], next(iter(truth.values()))
    test_x, test_y = array[held_out], truth["y_test"]
    served = OnFrames(model, whole, features) if hasattr(model, "feature_names_in_") else model
    try:
        answers = assessor.answers(served, test_x)
        own = _own(assessor, model, test) if served is not model else answers.predicted
    except Exception as exc:  # a model raises whatever it likes
        raise DataInvalid(f"the model does not answer the held-out rows: {words_of(exc)}") from exc
    if not _alike(answers.predicted, np.asarray(own)):
        raise DataInvalid(
            f"{type(model).__name__} answers rows otherwise where their values come as JSON has them; "
            "give its columns as numbers, booleans and texts"
        )
    notes = _notes(assessor, array, features, given, truth)
    store = open_registry(registry, Path.cwd(), create=True)
    candidate = Candidate(
        name=name,
        description=description,
        fitted=served,
        assessor=assessor,
        features=features,
        train_x=train_x,
        train_y=train_y,
        test_x=test_x,
        test_y=test_y,
        test_rows=test,
        held_out=Predictions(test_y, answers),
        folds=None,
        histograms=histograms(array, features),
        data=TrainingData(
            source="publish_fitted",
            sha256=_digest(whole, train_y if train is not None else test_y[:0], test_y),
            rows=len(whole),
            columns=len(features) + 1,
            train_rows=len(whole) - len(test),
            test_rows=len(test),
        ),
        spec=_spec(model),
        gate=rules,
        beside=beside_of(name, baseline, trust_bucket),
        interval=interval,
        random_state=random_state,
        git=git_state(Path.cwd(), None),
        notes=(*_notes_of_file(model), *notes),
    )
    with ModelProcess() as check:
        published = publish_candidate(candidate, store, check, stages)
    for note in notes:
        tell(note)
    failed = [check.text for check in published.manifest.gate.checks if not check.passed]
    if failed:
        warnings.warn(f"{published.reference.name} did not pass its gate: {'; '.join(failed)}", stacklevel=2)
    return published.reference


def _onnx(model: Any, classes: Any) -> OnnxFile | None:
    """The ONNX file that is given, if it is one."""
    if isinstance(model, OnnxFile):
        return model
    if isinstance(model, Path | ModelProto):
        return OnnxFile.of(model)
    if classes is not None:
        raise DataInvalid(f"classes is given, and the model is no ONNX file: {type(model).__name__} has its own")
    return None


def _all(given: Mapping[str, pd.Series]) -> pd.Series:
    """The truth of all rows, with the name of that of the held-out ones."""
    return pd.concat(given.values(), ignore_index=True).rename(given["y_test"].name)


def _assessor(model: Any) -> Assessor:
    """Who assesses a model, which must be fitted."""
    if isinstance(model, type) or not hasattr(model, "fit"):
        raise DataInvalid(
            f"the model is {repr(model)[:80]}; it must be a fitted estimator of scikit-learn's kind, or the Path of an "
            "ONNX file"
        )
    assessor = assessor_of(model)
    try:
        check_is_fitted(model)
        assessor.check(model)
    except (TypeError, AttributeError, ValueError) as exc:
        text = words_of(exc)
        raise DataInvalid(f"{type(model).__name__} is not a fitted {assessor.estimators}: {text}") from exc
    return assessor


def _own(assessor: Assessor, model: Any, frame: pd.DataFrame) -> np.ndarray:
    """What a model of frames answers to a frame."""
    found: np.ndarray = assessor.answers(model, cast(Any, frame)).predicted
    return found


def _alike(ours: np.ndarray, theirs: np.ndarray) -> bool:
    """Whether labels are the same, and numbers but for their last digits, which the layout of a frame may move."""
    if ours.dtype.kind != "f" or theirs.dtype.kind != "f":
        return np.array_equal(ours, theirs)
    return np.allclose(ours, theirs, rtol=1e-9, atol=1e-9 * float(np.abs(theirs).mean()), equal_nan=True)


def _with_threshold(assessor: Assessor, model: Any, threshold: float | None) -> Assessor:
    if threshold is None:
        return assessor
    if not isinstance(assessor, ClassificationAssessor) or len(model.classes_) != 2:
        raise DataInvalid("threshold is given, and the model is no classifier of two classes")
    if not hasattr(model, "predict_proba"):
        raise DataInvalid("threshold needs probabilities, which this estimator does not give")
    return replace(assessor, threshold=threshold)


def _digest(rows: pd.DataFrame, *labels: np.ndarray) -> str:
    """The sha256 of the rows as CSV, and of the labels that are known, a line each."""
    texts = [rows.to_csv(index=False), *("\n".join(map(str, part.tolist())) for part in labels)]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _spec(model: Any) -> Mapping[str, Any]:
    if isinstance(model, GivenModel):
        return model.spec
    return {
        "estimator": f"{type(model).__module__}.{type(model).__qualname__}",
        "fitted": " ".join(repr(model).split())[:2000],
    }


def _notes_of_file(model: Any) -> list[Note]:
    """What was done to an ONNX file."""
    said = model.said if isinstance(model, GivenModel) else ()
    return [Note(f"the ONNX file that was given: {each}", "formats") for each in said]


def _notes(
    assessor: Assessor,
    array: np.ndarray,
    features: tuple[Feature, ...],
    given: Mapping[str, pd.Series],
    truth: Mapping[str, np.ndarray],
) -> tuple[Note, ...]:
    """What is told of all rows, those that it was fitted on, if they were given, before those held out."""
    notes = assessor.notes(_all(given), array, features, np.concatenate(list(truth.values())))
    if "y_train" in truth:
        rows = len(truth["y_train"])
        notes += notes_on_repeats(features, array[:rows], truth["y_train"], array[rows:], truth["y_test"])
    return tuple(notes)
