"""What becomes of an estimator: which ONNX file it gets, or none and why, and how far that is from the fitted model."""

from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import onnx
from threadpoolctl import threadpool_limits

from brinery.assessment.columns.arrays import to_array
from brinery.assessment.columns.infer import infer_features
from brinery.assessment.faithful.export import export_onnx
from brinery.errors import words_of
from brinery.rows.feature import Feature
from tests.conftest import ROOT
from tests.faithful.family import Family
from training.errors import FitFailed
from training.fit.fit import Fitting
from training.fit.pipeline import make_pipeline_for
from training.spec import ModelSpec

REASON = 160


@dataclass(frozen=True)
class Outcome:
    """`format` is single, double, none or not fitted; `why` says it of the last two.

    Of the probe rows, `difference` is the largest of a number, None where there are none, and `others` counts other
    answers; rows on which the fitted model ties with itself apart.
    """

    format: str
    why: str = ""
    difference: float | None = None
    others: int = 0


def outcome(family: Family, name: str, columns: str, scale: str, rows: int) -> Outcome:
    """Train it as `train` does, and ask both forms of it for so many probe rows."""
    columns_of, target = family.frame(columns, scale, name)
    features = infer_features(columns_of)
    array, assessor = to_array(columns_of, features), family.assessor
    spec = ModelSpec.model_validate({"data": "table", **family.declared(name)})
    with threadpool_limits(1):
        try:
            pipeline = make_pipeline_for(spec, features, ROOT)
            fitting = Fitting(spec, pipeline, assessor, nullcontext, lambda done, total: None)
            fitted = fitting.fit(array[::2], target[::2]).pipeline
        except FitFailed as exc:
            return Outcome("not fitted", _short(str(exc)))
        task = assessor.task(fitted, target[::2])
        found = export_onnx(assessor, task, fitted, features, array[::2], array[1::2], 0)
        if found.data is None:
            return Outcome("none", _short(found.reason))
        inputs = onnx.load_from_string(found.data).graph.input
        double = any(each.type.tensor_type.elem_type == onnx.TensorProto.DOUBLE for each in inputs)
        apart = family.apart(fitted, found, probes(array, features, rows), target[::2])
        return Outcome("double" if double else "single", "", *apart)


def probes(array: np.ndarray, features: tuple[Feature, ...], count: int) -> np.ndarray:
    """Rows drawn otherwise than the proof draws its own: columns recombined, and numbers moved by up to their range."""
    random = np.random.default_rng(99)
    rows = np.empty((count, len(features)), dtype=array.dtype)
    for j, feature in enumerate(features):
        rows[:, j] = array[random.integers(0, len(array), count), j]
        if feature.minimum is not None and feature.maximum is not None:
            moved = rows[:, j].astype(float) + random.normal(0, 0.2, count) * (feature.maximum - feature.minimum)
            rows[:, j] = np.where(random.random(count) < 0.7, moved, rows[:, j].astype(float))
    return rows


def _short(reason: str) -> str:
    """The first sentence of the reason of the last precision that was tried, as a cell of a table."""
    last = " ".join(reason.rpartition("double precision: ")[2].split()).replace("|", "/")
    sentence = last.partition(". ")[0]
    return words_of(sentence, REASON)
