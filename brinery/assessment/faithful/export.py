"""Export to ONNX: kept only where it answers as the fitted model does on every row that looks for a difference."""

import logging
import warnings
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from onnx import ModelProto
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, StringTensorType
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder
from threadpoolctl import threadpool_limits

from brinery.assessment.assessor import Assessor
from brinery.assessment.conversion.converters import CONVERTERS, SHAPES, register_boosters
from brinery.assessment.conversion.graph import NotConverted
from brinery.assessment.faithful.drawn import DRAWN, DrawnRows
from brinery.assessment.faithful.probes import probes, steps_within
from brinery.assessment.faithful.proof import Expected, Proof, expect, in_chunks, prove
from brinery.assessment.faithful.within import needs_double
from brinery.assessment.faithful.words import words_of_runtime
from brinery.errors import words_of
from brinery.formats.frames import OnFrames, unwrapped
from brinery.formats.onnx import MISSING, OnnxModel
from brinery.rows.feature import Feature
from brinery.tasks.task import AnyAnswers, AnyTask
from brinery.versions.manifest import Faithful

# ONNX opset 21 and ai.onnx.ml 3 are understood by every ONNX Runtime from 1.18 on.
OPSET = {"": 21, "ai.onnx.ml": 3}


@dataclass(frozen=True)
class Export:
    """The bytes of model.onnx, the proof that they answer alike, and the model; or none of them, and why.

    Of a file that was not converted, `given` says so, in place of a proof.
    """

    data: bytes | None = None
    proof: Proof | None = None
    predict: Callable[[np.ndarray], AnyAnswers] | None = None
    reason: str = ""
    given: str = ""

    @property
    def faithful(self) -> Faithful:
        """What the manifest says of it."""
        proof = self.proof or Proof({}, None, 0)
        text = self.given or proof.text
        return Faithful(largest_difference=proof.largest, rows=proof.rows, ties=proof.ties, tested=text)


def export_onnx(
    assessor: Assessor,
    task: AnyTask,
    fitted: Any,
    features: tuple[Feature, ...],
    train_x: np.ndarray,
    test_x: np.ndarray,
    seed: int,
) -> Export:
    """Convert a fitted pipeline, in single precision first and in double where that answers otherwise.

    Args:
        train_x, test_x: the rows that it was fitted on and those held out, shape (rows, features).
        seed: of the rows that it is tried on.
    """

    prose = [feature.name for feature in features if feature.kind == "text"]
    if prose:
        return Export(reason=f'ONNX Runtime finds the words of "{prose[0]}" otherwise than scikit-learn')

    def predict(rows: np.ndarray) -> np.ndarray:
        found: np.ndarray = assessor.answers(fitted, rows).predicted
        return found

    reasons: list[str] = []
    expected: list[Expected] = []
    double = needs_double(fitted)
    for precision, inputs in _inputs(features, isinstance(fitted, OnFrames)):
        if double and precision == "single precision":
            reasons.append(f"{precision}: it rounds what the model compares")
            continue
        try:
            converted = list(_convert(unwrapped(fitted), inputs))
        except Exception as exc:  # the converter raises whatever it likes
            reasons.append(f"{precision}: {_why_not_converted(exc)}")
            continue
        if not expected:
            try:
                with threadpool_limits(1):  # many small predictions: more threads would wait for each other
                    rows = probes(fitted, features, train_x, test_x, predict, seed)
                    drawn = DrawnRows(features, train_x.dtype == object, seed)
                    expected = expect(assessor, fitted, [*rows, drawn.draw(DRAWN)], drawn.draw)
            except Exception as exc:  # a model raises whatever it likes
                text = words_of(exc, 200)
                return Export(reason=f"the fitted model has no answer to some rows that look for a difference: {text}")
        found, why = _first_that_is_proven(converted, task, len(features), expected)
        if found is not None:
            return found
        reasons.append(f"{precision}: {why}")
    return Export(reason="; ".join(reasons))


def _first_that_is_proven(
    converted: list[bytes], task: AnyTask, features: int, expected: list[Expected]
) -> tuple[Export | None, str]:
    why = ""
    for data in converted:
        try:
            model = OnnxModel(data, task, features)
            proof = prove(task, model, expected)
        except Exception as exc:  # the runtime raises whatever it likes
            why = f"the converted file could not be run: {words_of_runtime(exc)}"
            continue
        if not proof.fault:
            return Export(data, proof, partial(in_chunks, task, model)), ""
        why = proof.fault
    return None, why


def _why_not_converted(exc: Exception) -> str:
    if isinstance(exc, NotConverted):
        return f"there is no converter for {words_of(exc)}"
    said = next(iter(str(exc).strip().splitlines()), "")
    return f"it could not be converted: {type(exc).__name__}: {words_of(said)}"


def _inputs(features: tuple[Feature, ...], named: bool) -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    """One matrix for numeric features, else one input a column, in both precisions.

    A model of frames may want either: a matrix as an estimator by itself, or columns by their names.
    """
    mixed = any(feature.of_texts for feature in features)
    kinds = (("single precision", FloatTensorType), ("double precision", DoubleTensorType))
    if not mixed:
        for precision, kind in kinds:
            yield precision, [("rows", kind([None, len(features)]))]
    if mixed or named:
        for precision, kind in kinds:
            types = [StringTensorType if feature.of_texts else kind for feature in features]
            names = [feature.name if named else f"column{j}" for j, feature in enumerate(features)]
            yield precision, [(name, each([None, 1])) for name, each in zip(names, types, strict=True)]


def _convert(fitted: Any, inputs: list[tuple[str, Any]]) -> Iterator[bytes]:
    """The model as ONNX, in the forms that `OnnxModel` knows: probabilities alone, then with the labels."""
    converted = _with_missing_named(fitted)
    last = converted.steps[-1][1] if isinstance(converted, Pipeline) else converted
    arguments: dict[str, Any] = {
        "initial_types": inputs,
        "target_opset": OPSET,
        "custom_conversion_functions": CONVERTERS,
        "custom_shape_calculators": SHAPES,
    }
    register_boosters()
    logger = logging.getLogger("skl2onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                model = convert_sklearn(converted, options={id(last): {"zipmap": False}}, **arguments)
            except NameError:  # an estimator that it knows no such option for
                model = convert_sklearn(converted, **arguments)
    finally:
        logger.setLevel(level)
    outputs = list(model.graph.output)
    # Without probabilities, what comes after the answer are scores of another scale.
    for kept in (outputs[1:], outputs) if hasattr(fitted, "predict_proba") else (outputs[:1],):
        form = ModelProto.FromString(model.SerializeToString())
        del form.graph.output[:]
        form.graph.output.extend(kept)
        yield form.SerializeToString()


def _with_missing_named(fitted: Any) -> Any:
    """A copy whose encoders know a missing category by the text that `OnnxModel` sends for it: ONNX has no null."""
    copy = deepcopy(fitted)
    for encoder in steps_within(copy):
        if isinstance(encoder, OneHotEncoder) and hasattr(encoder, "categories_"):  # else it was given no column
            encoder.categories_ = [
                np.array([MISSING if value is None or value != value else value for value in found], dtype=object)
                for found in encoder.categories_
            ]
    return copy
