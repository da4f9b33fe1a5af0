"""Export to ONNX: kept only where it answers as the fitted model does on every held-out row."""

import logging
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import ModelProto
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, StringTensorType
from sklearn.pipeline import Pipeline

from brinery.formats.onnx import OnnxModel
from brinery.rows.feature import Feature
from brinery.tasks.difference import Difference
from brinery.tasks.task import AnyAnswers, AnyTask

# ONNX opset 21 and ai.onnx.ml 3 are understood by every ONNX Runtime from 1.18 on.
OPSET = {"": 21, "ai.onnx.ml": 3}
CHUNK = 10_000


@dataclass(frozen=True)
class Export:
    """The bytes of model.onnx, what differs on the held-out rows, and the model; or none of them, and why."""

    data: bytes | None = None
    difference: Difference | None = None
    predict: Callable[[np.ndarray], AnyAnswers] | None = None
    reason: str = ""


def export_onnx(
    fitted: Any, features: tuple[Feature, ...], task: AnyTask, array: np.ndarray, answers: AnyAnswers
) -> Export:
    """Convert a fitted pipeline, with single precision first and double where that differs.

    Args:
        array: the held-out rows, shape (rows, features).
        answers: the fitted model's own to them.
    """
    reasons = []
    for precision, inputs in _inputs(features):
        try:
            for data in _convert(fitted, inputs, with_probabilities=hasattr(fitted, "predict_proba")):
                model = OnnxModel(data, task, array.shape[1])
                difference = _difference(model, task, array, answers)
                if difference.alike:
                    return Export(data, difference, model.predict)
        except Exception as exc:  # the converter and the runtime raise whatever they like
            reasons.append(f"{precision}: {type(exc).__name__}: {' '.join(str(exc).split())[:200]}")
            continue
        reasons.append(f"{precision}: {difference.text}, of the held-out rows")
    return Export(reason="; ".join(reasons))


def _inputs(features: tuple[Feature, ...]) -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    """One matrix for numeric features, else one input a column, in both precisions."""
    mixed = any(feature.kind == "category" for feature in features)
    for precision, kind in (("single precision", FloatTensorType), ("double precision", DoubleTensorType)):
        if not mixed:
            yield precision, [("rows", kind([None, len(features)]))]
            continue
        yield (
            precision,
            [
                (f"column{j}", (StringTensorType if feature.kind == "category" else kind)([None, 1]))
                for j, feature in enumerate(features)
            ],
        )


def _convert(pipeline: Any, inputs: list[tuple[str, Any]], with_probabilities: bool) -> Iterator[bytes]:
    """The model as ONNX, in the forms that `OnnxModel` knows: probabilities alone, then with the labels."""
    last = pipeline.steps[-1][1] if isinstance(pipeline, Pipeline) else pipeline
    options = {id(last): {"zipmap": False}} if with_probabilities else None
    logger = logging.getLogger("skl2onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = convert_sklearn(pipeline, initial_types=inputs, target_opset=OPSET, options=options)
    finally:
        logger.setLevel(level)
    outputs = list(model.graph.output)
    # Without probabilities, what comes after the answer are scores of another scale.
    for kept in (outputs[1:], outputs) if with_probabilities else (outputs[:1],):
        form = ModelProto.FromString(model.SerializeToString())
        del form.graph.output[:]
        form.graph.output.extend(kept)
        yield form.SerializeToString()


def _difference(model: OnnxModel, task: AnyTask, array: np.ndarray, answers: AnyAnswers) -> Difference:
    """The largest of the differences, or the first that is too large."""
    largest: Difference | None = None
    for start in range(0, len(array), CHUNK):  # most that differ do so early
        rows = slice(start, start + CHUNK)
        found = task.difference(model.predict(array[rows]), answers[rows])
        if largest is None or not found.alike or (found.largest or 0.0) > (largest.largest or 0.0):
            largest = found
        if not found.alike:
            break
    assert largest is not None  # noqa: S101  (there are held-out rows)
    return largest
