"""The ONNX format: `model.onnx`, run by ONNX Runtime; no pickle and no scikit-learn."""

import os
from collections.abc import Buffer, Iterable
from threading import Lock
from typing import Any

# ONNX Runtime on Linux reports to its makers unless this is set before it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import numpy as np
import onnxruntime as ort

from brinery.errors import ModelInvalid
from brinery.tasks.task import AnyAnswers, AnyTask
from brinery.versions.manifest import Artifact, Manifest

# Versions of schema 1 were proven with the first class this close to the best as the answer, and this for null.
OF_SCHEMA_1 = (1e-6, "None")
DTYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(string)": np.object_}
MISSING = "\ufdd0"  # for a category; Unicode keeps it free for uses like this
NUMBERS = ("tensor(float)", "tensor(double)")


class OnnxModel:
    """A converted model.

    It takes one matrix, or one input a column where columns are of several kinds. It gives labels,
    labels and probabilities, or probabilities alone, where the label is that of the largest.
    """

    def __init__(self, data: Buffer, task: AnyTask, features: int, tie: float = 0.0, missing: str = MISSING) -> None:
        """Start a session on the bytes of model.onnx.

        Args:
            features: how many columns a row has.
            tie: see `Classification.answers`.
            missing: the text that stands for a missing category.

        Raises:
            Exception: ONNX Runtime does not accept the bytes, or they take other inputs.
        """
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 4  # what fails is raised, too
        self._session = ort.InferenceSession(bytes(data), options, providers=["CPUExecutionProvider"])
        self._inputs = [(spec.name, DTYPES[spec.type]) for spec in self._session.get_inputs()]
        outputs = self._session.get_outputs()
        self._predicted = [spec.name for spec in outputs if spec.type not in NUMBERS]
        self._probabilities = [spec.name for spec in outputs if spec.type in NUMBERS]
        if len(self._inputs) not in (1, features):
            raise ValueError(f"it takes {len(self._inputs)} inputs for {features} features")
        self._task, self._tie, self._missing = task, tie, missing
        self._bound: _Bound | None = None

    def predict(self, array: np.ndarray) -> AnyAnswers:
        """Answers to rows, shape (rows, features)."""
        given = self._run(array) if self._bound is None or len(array) != 1 else [self._bound.run(array)]
        if self._predicted:
            return self._task.answers(given[0], given[1] if self._probabilities else None)
        return self._task.answers(None, given[0], tie=self._tie)

    def _run(self, array: np.ndarray) -> list[np.ndarray]:
        """What the file gives; the first row that is asked by itself binds memory for all others."""
        if len(self._inputs) > 1:
            feed = {name: _values(array[:, [j]], dtype, self._missing) for j, (name, dtype) in enumerate(self._inputs)}
            return self._session.run([*self._predicted, *self._probabilities], feed)  # type: ignore[no-any-return]
        name, dtype = self._inputs[0]
        values = _values(array, dtype, self._missing)
        given: list[np.ndarray] = self._session.run([*self._predicted, *self._probabilities], {name: values})
        if len(array) == 1 and dtype is not np.object_ and not self._predicted and len(given) == 1:
            self._bound = _Bound(self._session, name, values, self._probabilities[0], given[0])
        return given


class _Bound:
    """One row and what is given for it, in memory that stays bound to the session; any thread may use it.

    Of a small model, a run that allocates both takes half as long again.
    """

    def __init__(self, session: Any, name: str, row: np.ndarray, output: str, given: np.ndarray) -> None:
        """Memory for arrays like these two."""
        self._session, self._lock = session, Lock()
        self._row, self._given = np.empty_like(row, order="C"), np.empty_like(given, order="C")
        self._binding = session.io_binding()
        self._binding.bind_cpu_input(name, self._row)
        self._binding.bind_output(output, "cpu", 0, given.dtype, given.shape, self._given.ctypes.data)

    def run(self, row: np.ndarray) -> np.ndarray:
        with self._lock:
            self._row[:] = row
            self._session.run_with_iobinding(self._binding)
            return self._given.copy()


def _values(values: np.ndarray, dtype: Any, missing: str) -> np.ndarray:
    """Columns, shape (rows, columns), as the file takes them; a text stands for a missing category."""
    if dtype is np.object_:
        return np.where(values == np.array(None), missing, values)
    return values.astype(dtype, copy=False)


def libraries(modules: Iterable[str]) -> dict[str, str]:
    """What runs the file, as installed here; any other version that knows its operators does, too."""
    return {"onnxruntime": ort.__version__}


def check_libraries(manifest: Manifest, artifact: Artifact) -> None:
    """Nothing: a file names the operators that it needs, and starting a session on it checks them."""


def load(data: Buffer, manifest: Manifest) -> OnnxModel:
    """Start a session from bytes whose digest has been checked.

    Raises:
        ModelInvalid: ONNX Runtime does not accept them, or they do not fit the manifest.
    """
    try:
        if manifest.schema_version == 1:
            return OnnxModel(data, manifest.task, len(manifest.features), *OF_SCHEMA_1)
        return OnnxModel(data, manifest.task, len(manifest.features))
    except Exception as exc:
        raise ModelInvalid(
            f"{manifest.name}:{manifest.version}: model.onnx does not load here: "
            f"{type(exc).__name__}: {ascii(str(exc))[:300]}"
        ) from exc
