"""A given model: an ONNX file from elsewhere, asked as a fitted estimator of scikit-learn's kind is."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NoReturn, cast

import numpy as np
import onnxruntime as ort
import pandas as pd
from sklearn.utils import Tags, TargetTags
from sklearn.utils.metaestimators import available_if

from brinery.assessment.columns.target import as_labels, as_numbers
from brinery.assessment.faithful.export import Export
from brinery.assessment.faithful.proof import in_chunks
from brinery.assessment.faithful.words import words_of_runtime
from brinery.assessment.given.checks import ROW_SECONDS, check_answers
from brinery.assessment.given.classes import named
from brinery.assessment.given.ends import Raw, bring_classes, check_names, names_of
from brinery.assessment.given.faults import refuse
from brinery.assessment.given.file import OnnxFile
from brinery.assessment.given.inputs import faults_beside, take_doubles
from brinery.assessment.given.rewrite import Rewrite
from brinery.errors import DataInvalid
from brinery.formats.onnx import MISSING, OnnxModel
from brinery.rows.feature import Feature
from brinery.tables.table import listed
from brinery.tasks.classification import Classification
from brinery.tasks.regression import Regression
from brinery.tasks.task import AnyAnswers, AnyTask


class GivenModel:
    """An ONNX file with its task: what it is asked for by assessors, and published as."""

    def __init__(
        self,
        data: bytes,
        task: AnyTask,
        features: int,
        probabilities: bool,
        spec: Mapping[str, Any],
        said: Sequence[str],
    ) -> None:
        self.data, self.spec, self.said = data, spec, tuple(said)
        self._task, self._features, self._probabilities = task, features, probabilities
        self.predictor = OnnxModel(data, task, features)
        if isinstance(task, Classification):
            self.classes_ = task.labels

    def __sklearn_tags__(self) -> Tags:
        kind = "classifier" if isinstance(self._task, Classification) else "regressor"
        return Tags(estimator_type=kind, target_tags=TargetTags(required=False))

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, *_: Any) -> NoReturn:
        raise TypeError("an ONNX file was fitted before")

    def answers(self, array: np.ndarray) -> AnyAnswers:
        return in_chunks(self._task, self.predictor, array)

    def predict(self, array: np.ndarray) -> np.ndarray:
        return np.asarray(self.answers(array).predicted)

    @available_if(lambda self: self._probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, array: np.ndarray) -> np.ndarray:
        return np.asarray(self.answers(array).probabilities)

    def export(self, task: AnyTask) -> Export:
        """The file as it is published, with the task that it has there."""
        model = OnnxModel(self.data, task, self._features)
        return Export(
            self.data, predict=partial(in_chunks, task, model), given="; ".join(["the file that was given", *self.said])
        )


def given_model(
    file: OnnxFile,
    features: Sequence[Feature],
    array: np.ndarray,
    target: pd.Series,
    classes: Sequence[Any] | None = None,
    row_seconds: float = ROW_SECONDS,
) -> GivenModel:
    """A file as a model of these features, brought to the form that serving knows.

    Args:
        array: held-out rows, shape (rows, features).
        target: the truth of all rows that there are, those of `array` last, by which a file's answers are named.
        classes: the names of what it gives, in the order of its outputs.
        row_seconds: the most that the answer to one row may take.

    Raises:
        DataInvalid: it does not fit the rows, answers them as no model should, or takes too long.
    """
    faults, names = faults_beside(file.inputs, features), None
    if classes is not None:
        try:
            names = named(classes, as_labels(target, "the rows"))
        except DataInvalid as exc:
            faults.append(str(exc))
    refuse(file.name, faults)
    try:
        return _fitted(file, features, array, target, names, row_seconds)
    except DataInvalid as exc:
        raise DataInvalid(f"{file.name} cannot be published: {exc}") from exc


def _fitted(
    file: OnnxFile,
    features: Sequence[Feature],
    array: np.ndarray,
    target: pd.Series,
    names: np.ndarray | None,
    row_seconds: float,
) -> GivenModel:
    rewrite, outputs = Rewrite(file.model), file.outputs
    take_doubles(file.inputs, rewrite)
    unknown = [each.name for each in features if each.kind == "category" and each.nullable]
    if unknown:
        rewrite.said.append(f"a missing cell of {listed(unknown)} comes to it as the text U+{ord(MISSING):04X}")
    if outputs.zipped is not None:
        rewrite.drop(outputs.zipped)
    rewrite.end_with(outputs.ends)
    raw = _raw(rewrite.data if rewrite.changed else file.data, len(features), array)
    raw.check(len(array))
    task: AnyTask
    if names is None and raw.labels is None and raw.single:
        task = _regression(target, raw.numbers)
        rewrite.end_with([(name, kind, raw.shape) for name, kind, _ in outputs.ends])
    else:
        labels = as_labels(target, "the rows")
        if names is None:
            names = names_of(outputs, raw, labels, target.name, rewrite)
        check_names(outputs, names, labels)
        rewrite.end_with(bring_classes(outputs, raw, names, labels[-len(array) :], rewrite))
        task = Classification(classes=tuple(np.sort(names).tolist()))
    data = rewrite.data if rewrite.changed else file.data
    said = rewrite.said if rewrite.changed else ["nothing in it is changed", *rewrite.said]
    model = GivenModel(data, task, len(features), raw.numbers is not None, file.spec, said)
    check_answers(task, model.predictor, model.answers(array), array, row_seconds)
    return model


def _raw(data: bytes, features: int, array: np.ndarray) -> Raw:
    """What a file gives to rows, shape (rows, features)."""
    try:
        model = OnnxModel(data, cast(AnyTask, Raw()), features)
    except Exception as exc:  # the runtime raises whatever it likes
        raise DataInvalid(f"ONNX Runtime {ort.__version__} does not take it: {words_of_runtime(exc)}") from exc
    try:
        found: Raw = in_chunks(cast(AnyTask, Raw()), model, array)
    except Exception as exc:
        raise DataInvalid(f"it does not answer the held-out rows: {words_of_runtime(exc)}") from exc
    return found


def _regression(target: pd.Series, numbers: np.ndarray | None) -> Regression:
    try:
        truth = as_numbers(target, "the rows")
    except DataInvalid as exc:
        raise DataInvalid(
            f"it gives one number a row, and {exc}; where the number is the probability of the second of two classes, "
            "name both: --classes FIRST,SECOND or classes=[…]"
        ) from exc
    shares = numbers is not None and ((numbers >= 0) & (numbers <= 1)).all()
    if shares and np.unique(truth).tolist() == [0, 1]:
        raise DataInvalid(
            f'it gives one number from 0 to 1 a row, and the target "{target.name}" holds 0 and 1 alone; where the '
            "number is the probability of 1, name both: --classes 0,1 or classes=[0, 1]"
        )
    return Regression(mean=float(truth.mean()), deviation=float(truth.std()) or 1.0)
