"""The ONNX format: `model.onnx`, run by ONNX Runtime; no pickle and no scikit-learn."""

import os
from collections.abc import Buffer

# ONNX Runtime on Linux reports to its makers unless this is set before it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from brinery.errors import ModelInvalid
from brinery.versions.manifest import Manifest

# Votes of a forest that tie in double precision differ in the last digits of single precision: the
# first class this close to the best wins, as it does in scikit-learn.
TIE = 1e-6
DTYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(string)": np.object_}
PROBABILITIES = ("tensor(float)", "tensor(double)")


class OnnxSession:
    """A converted classifier.

    It takes one matrix, or one input a column where columns are of several kinds. It gives labels,
    labels and probabilities, or probabilities alone, where the label is that of the largest.
    """

    format = "onnx"

    def __init__(self, data: Buffer, classes: np.ndarray, features: int) -> None:
        """Start a session on the bytes of model.onnx.

        Args:
            classes: the labels, sorted, shape (classes,).
            features: how many columns a row has.

        Raises:
            Exception: ONNX Runtime does not accept the bytes, or they take other inputs.
        """
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = ort.InferenceSession(bytes(data), options, providers=["CPUExecutionProvider"])
        self._inputs = [(spec.name, DTYPES[spec.type]) for spec in self._session.get_inputs()]
        outputs = self._session.get_outputs()
        self._labels = [spec.name for spec in outputs if spec.type not in PROBABILITIES]
        self._probabilities = [spec.name for spec in outputs if spec.type in PROBABILITIES]
        if len(self._inputs) not in (1, features):
            raise ValueError(f"it takes {len(self._inputs)} inputs for {features} features")
        self._classes = classes

    def predict(self, array: np.ndarray) -> tuple[NDArray[np.intp], NDArray[np.float64] | None]:
        """Class indices, shape (rows,), and probabilities, shape (rows, classes), where the model has them."""
        if len(self._inputs) == 1:
            name, dtype = self._inputs[0]
            feed = {name: array.astype(dtype, copy=False)}
        else:
            feed = {name: array[:, [j]].astype(dtype) for j, (name, dtype) in enumerate(self._inputs)}
        answers = self._session.run([*self._labels, *self._probabilities], feed)
        if self._labels:
            indices = np.searchsorted(self._classes, np.asarray(answers[0], dtype=self._classes.dtype))
            return indices, answers[1] if self._probabilities else None
        probabilities = answers[0]
        best = probabilities.max(axis=1, keepdims=True)
        return (probabilities > best - TIE).argmax(axis=1), probabilities


def load_onnx(data: Buffer, manifest: Manifest) -> OnnxSession:
    """Start a session from bytes whose digest has been checked.

    Raises:
        ModelInvalid: ONNX Runtime does not accept them, or they do not fit the manifest.
    """
    try:
        return OnnxSession(data, np.asarray(manifest.classes), len(manifest.features))
    except Exception as exc:
        raise ModelInvalid(
            f"{manifest.name}:{manifest.version}: model.onnx does not load here: "
            f"{type(exc).__name__}: {ascii(str(exc))[:300]}"
        ) from exc
