"""Runtimes: the serving images, by what they have beside what serving itself needs; see `serving/Dockerfile`."""

from collections.abc import Collection, Iterable
from importlib.util import find_spec

_SKLEARN = frozenset({"cloudpickle", "joblib", "narwhals", "scipy", "sklearn", "threadpoolctl"})
# Top-level modules by the image's RUNTIME, the smallest first.
RUNTIMES: dict[str, frozenset[str]] = {
    "onnx": frozenset({"flatbuffers", "onnxruntime", "packaging"}),
    "sklearn": _SKLEARN,
    "full": _SKLEARN | {"dateutil", "lightgbm", "pandas", "six", "xgboost"},
}
BESIDE = frozenset({"brinery", "numpy"})  # what all of them have, and models refer to
DEFAULT = "sklearn"  # what is built where nothing else is said


def runtimes_with(modules: Iterable[str], among: Iterable[str]) -> tuple[str, ...]:
    """Those of some runtimes that have all of the modules."""
    needed = set(modules) - BESIDE
    return tuple(name for name in among if needed <= RUNTIMES[name])


def image_for(runtimes: Collection[str]) -> str:
    """The image to serve a version with that these have: the default, or else the smallest."""
    return next((name for name in (DEFAULT, *RUNTIMES) if name in runtimes), DEFAULT)


def missing_here(modules: Iterable[str]) -> list[str]:
    """Those of top-level modules that cannot be imported here, sorted."""
    return sorted(module for module in modules if not _is_here(module))


def _is_here(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):  # refused by the model process, or half there
        return False
