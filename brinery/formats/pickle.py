"""The pickle format: `model.joblib`, a scikit-learn estimator; loaded only from verified bytes."""

import io
import pickle
import platform
import sys
import warnings
from collections.abc import Buffer, Iterable
from importlib import import_module
from types import FunctionType
from typing import Any, BinaryIO

import joblib
import numpy as np
import sklearn
from joblib.numpy_pickle import NumpyPickler, NumpyUnpickler

from brinery.errors import LibraryMismatch, ModelInvalid
from brinery.formats.packed import reader
from brinery.tasks.task import AnyAnswers, AnyTask
from brinery.versions.manifest import Artifact, Manifest

IMPORTED = {"brinery.formats.frames": ("pandas",), "brinery.formats.labels": ("xgboost",)}  # of ours, as they do
FRAMES = ("pandas", "polars")  # that steps may give, as scikit-learn's `set_output` has them
OWN_VERSIONS = ("lightgbm", "pandas", "xgboost")
# In these, `predict` is the class of the largest probability, which is then computed once instead of twice.
LABELS_ARE_LARGEST = ("LogisticRegression", "DecisionTreeClassifier", "ExtraTreesClassifier", "RandomForestClassifier")


def dump(estimator: Any) -> tuple[bytes, set[str]]:
    """A fitted estimator as a pickle, and the top-level modules that it refers to, those of Python itself apart."""
    buffer = io.BytesIO()
    pickler = _Pickler(buffer)
    pickler.dump(estimator)
    modules = pickler.modules - sys.stdlib_module_names
    return buffer.getvalue(), modules | {name for name in FRAMES if _gives(estimator, name)}


def libraries(modules: Iterable[str]) -> dict[str, str]:
    """The versions that a pickle depends on, as they are installed here."""
    return {
        "python": platform.python_version(),
        "scikit-learn": sklearn.__version__,
        "numpy": np.__version__,
        "joblib": joblib.__version__,
        # By the module: a distribution may have another name, or several may bring it.
        **{name: str(import_module(name).__version__) for name in OWN_VERSIONS if name in modules},
    }


def check_libraries(manifest: Manifest, artifact: Artifact) -> None:
    """Compare the libraries that made the model with those installed, before anything is unpickled.

    Python may differ in its last number; the others must be the same.

    Raises:
        LibraryMismatch: one differs; the message names all that do.
    """
    differing = [
        f"{name} {made_with or 'unknown'}, here {installed}"
        for name, installed in libraries(artifact.modules).items()
        if _significant(name, made_with := artifact.libraries.get(name, "")) != _significant(name, installed)
    ]
    if differing:
        raise LibraryMismatch(
            f"{manifest.name}:{manifest.version} was made with {'; '.join(differing)}: "
            "serve it with the image that belongs to it, or train it again"
        )


def load(data: Buffer, manifest: Manifest) -> "PickleModel":
    """Unpickle bytes whose digest has been checked.

    Raises:
        ModelInvalid: they do not load here, or are not the estimator that the manifest describes.
    """
    name = f"{manifest.name}:{manifest.version}"
    artifact = manifest.artifacts["pickle"]
    try:
        with warnings.catch_warnings(), reader(data, artifact.encoding, artifact.unpacked_size) as file:
            warnings.simplefilter("error", UserWarning)  # such as InconsistentVersionWarning
            estimator = _Unpickler("", file, True).load()
            if file.read(1):  # which also asks what is packed for its end
                raise ValueError("something follows the estimator")
        model, fits = PickleModel(estimator, manifest.task), manifest.task.is_of(estimator)
    except Exception as exc:
        raise ModelInvalid(
            f"{name}: model.joblib does not load here: {type(exc).__name__}: {ascii(str(exc))[:300]}"
        ) from exc
    if not fits:
        raise ModelInvalid(f"{name}: the estimator in model.joblib has not the manifest's task, {manifest.task.text}")
    return model


def _gives(estimator: Any, frames: str) -> bool:
    """Whether a step of a pipeline, or of its parts, gives frames."""
    configured = vars(estimator).get("_sklearn_output_config", {}) if hasattr(estimator, "__dict__") else {}
    names = ("steps", "transformers_", "transformer_list")
    parts = [part[1] for name in names for part in getattr(estimator, name, ())]
    return configured.get("transform") == frames or any(_gives(part, frames) for part in parts)


class PickleModel:
    """A fitted scikit-learn estimator."""

    def __init__(self, estimator: Any, task: AnyTask) -> None:
        """Take the estimator apart, so that its steps can be called without the checks of its input."""
        self._task = task
        steps = [step for _, step in vars(estimator).get("steps", [("model", estimator)])]
        *self._transformers, self._last = [step for step in steps if step not in (None, "passthrough")]
        self._has_probabilities = hasattr(self._last, "predict_proba")
        self._labels_are_largest = type(self._last).__name__ in LABELS_ARE_LARGEST

    def predict(self, array: np.ndarray) -> AnyAnswers:
        """Answers to rows, shape (rows, features)."""
        # The input was checked on its way here, and the estimator's parameters when it was fitted.
        with sklearn.config_context(assume_finite=True, skip_parameter_validation=True):
            for transformer in self._transformers:
                array = transformer.transform(array)
            probabilities = self._last.predict_proba(array) if self._has_probabilities else None
            if probabilities is not None and self._labels_are_largest:
                return self._task.answers(None, probabilities)
            return self._task.answers(self._last.predict(array), probabilities)


class _Pickler(NumpyPickler):  # type: ignore[misc]
    """joblib's, which notes where the classes and functions come from that it writes the names of."""

    dispatch = NumpyPickler.dispatch.copy()

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self.modules: set[str] = set()

    def save_global(self, obj: Any, name: str | None = None) -> None:
        module: str = pickle.whichmodule(obj, name or getattr(obj, "__qualname__", obj.__name__))  # type: ignore[attr-defined]
        self.modules |= {module.partition(".")[0], *IMPORTED.get(module, ())}
        super().save_global(obj, name)

    dispatch[FunctionType] = save_global


class _Unpickler(NumpyUnpickler):  # type: ignore[misc]
    """joblib's, which would hold on to each tree's arrays to the end, beside the copy that the tree makes of them."""

    dispatch = NumpyUnpickler.dispatch.copy()

    def load_build(self) -> None:
        instance, state = self.stack[-2:]
        super().load_build()
        if type(instance).__module__ == "sklearn.tree._tree":  # not imported here: most models have no tree
            state.clear()

    dispatch[pickle.BUILD[0]] = load_build


def _significant(name: str, version: str) -> str:
    return version.rpartition(".")[0] if name == "python" else version
