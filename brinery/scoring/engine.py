"""Engines: which of a version's formats answers many rows, and why; and the version, verified and loaded by it.

By measure a forest answers many rows faster from its pickle, and everything else from its ONNX file.
"""

from dataclasses import dataclass

from brinery.errors import LibraryMismatch, ModelInvalid
from brinery.formats.choice import choose_format
from brinery.formats.runtimes import missing_here
from brinery.versions.manifest import Manifest

FORESTS = ("RandomForestClassifier", "RandomForestRegressor", "ExtraTreesClassifier", "ExtraTreesRegressor")


@dataclass(frozen=True)
class Engine:
    """The name of a format, and why it is that one."""

    format: str
    why: str


def choose_engine(manifest: Manifest, begun: str | None = None) -> Engine:
    """The format to score with.

    Args:
        begun: that of a run that was begun before, whose parts are all of one format.

    Raises:
        LibraryMismatch: none can be loaded here.
    """
    chosen = _chosen(manifest)
    if begun is None or begun == chosen.format or begun not in manifest.artifacts:
        return chosen
    return Engine(begun, "the run was begun with it")


def _chosen(manifest: Manifest) -> Engine:
    estimator = str(manifest.spec.get("estimator", "")).rpartition(".")[2]
    why = "the version has it, and it answers many rows as fast as any"
    if estimator in FORESTS and "pickle" in manifest.artifacts:
        lacking = _lacking(manifest)
        if lacking is None:
            return Engine("pickle", f"a forest ({estimator}) answers many rows faster from its pickle")
        why = f"a forest ({estimator}) answers many rows faster from its pickle, which does not load here: {lacking}"
    chosen = choose_format(manifest)
    return Engine(chosen.name, why if chosen.name == "onnx" else "the version has no ONNX file that runs here")


def _lacking(manifest: Manifest) -> str | None:
    """Why its pickle does not load here, or None."""
    artifact = manifest.artifacts["pickle"]
    missing = missing_here(artifact.modules)
    if missing:
        return f"it needs {', '.join(missing)}"
    try:
        choose_format(manifest, "pickle").implementation().check_libraries(manifest, artifact)
    except (LibraryMismatch, ModelInvalid) as exc:
        return str(exc)
    return None
