"""Export to ONNX: kept only where it answers as the pickle does on every held-out row."""

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

from brinery.formats.onnx import OnnxSession
from brinery.loading.golden import TOLERANCE
from brinery.rows.feature import Feature
from brinery.versions.manifest import Onnx

# ONNX opset 21 and ai.onnx.ml 3 are understood by every ONNX Runtime from 1.18 on.
OPSET = {"": 21, "ai.onnx.ml": 3}
CHUNK = 10_000


@dataclass(frozen=True)
class Export:
    """The bytes of model.onnx with a function from rows to labels, or None, and the manifest's record of why."""

    data: bytes | None
    record: Onnx
    predict: Callable[[np.ndarray], np.ndarray] | None = None


def export_onnx(
    pipeline: Pipeline,
    features: tuple[Feature, ...],
    array: np.ndarray,
    labels: np.ndarray,
    probabilities: np.ndarray | None,
) -> Export:
    """Convert a fitted pipeline, with single precision first and double where that differs.

    Args:
        array: the held-out rows, shape (rows, features).
        labels, probabilities: the pickle's answers to them, shapes (rows,) and (rows, classes) or None.
    """
    reasons = []
    for precision, inputs in _inputs(features):
        try:
            for data in _convert(pipeline, inputs, with_probabilities=probabilities is not None):
                session = OnnxSession(data, pipeline.classes_, array.shape[1])
                difference = _difference(session, pipeline.classes_, array, labels, probabilities)
                if difference <= TOLERANCE:
                    return Export(data, Onnx(largest_difference=difference), _labels_by(session, pipeline.classes_))
        except Exception as exc:  # the converter and the runtime raise whatever they like
            reasons.append(f"{precision}: {type(exc).__name__}: {' '.join(str(exc).split())[:200]}")
            continue
        what = "labels differ" if np.isinf(difference) else f"probabilities differ by {difference:.2g}"
        reasons.append(f"{precision}: {what} on the held-out rows")
    return Export(None, Onnx(reason="; ".join(reasons)))


def _labels_by(session: OnnxSession, classes: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    return lambda rows: np.asarray(classes[session.predict(rows)[0]])


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


def _convert(pipeline: Pipeline, inputs: list[tuple[str, Any]], with_probabilities: bool) -> Iterator[bytes]:
    """The model as ONNX, in the forms that `OnnxSession` knows: probabilities alone, then with the labels."""
    options = {id(pipeline.steps[-1][1]): {"zipmap": False}} if with_probabilities else None
    logger = logging.getLogger("skl2onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = convert_sklearn(pipeline, initial_types=inputs, target_opset=OPSET, options=options)
    finally:
        logger.setLevel(level)
    label, scores = model.graph.output
    outputs = ([scores], [label, scores]) if with_probabilities else ([label],)  # else scores are of another scale
    for kept in outputs:
        form = ModelProto.FromString(model.SerializeToString())
        del form.graph.output[:]
        form.graph.output.extend(kept)
        yield form.SerializeToString()


def _difference(
    session: OnnxSession, classes: np.ndarray, array: np.ndarray, labels: np.ndarray, probabilities: np.ndarray | None
) -> float:
    """Largest difference of a probability, or the first that is too large; infinite where a label differs."""
    largest = 0.0
    for start in range(0, len(array), CHUNK):  # most that differ do so early
        rows = slice(start, start + CHUNK)
        indices, converted = session.predict(array[rows])
        if (classes[indices] != labels[rows]).any() or (probabilities is not None and converted is None):
            return float("inf")
        if probabilities is not None and converted is not None:
            largest = max(largest, float(np.abs(converted - probabilities[rows]).max()))
        if largest > TOLERANCE:
            break
    return largest
