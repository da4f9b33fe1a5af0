"""What the model process runs: the verified load of a version, by what the serving image has and nothing else.

`answer` reads questions from stdin and writes answers to stdout, as `model_process` says.
"""

import io
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

import numpy as np

from brinery.errors import BrineryError, words_of
from brinery.formats.choice import FORMATS
from brinery.formats.runtimes import RUNTIMES
from brinery.loading.load import load
from brinery.versions.read import read_manifest
from brinery.versions.reference import Reference
from brinery.versions.store import Store, open_store

# Top-level modules of every serving image: those of their lock groups, and what they bring themselves.
SERVING = frozenset(
    """
    brinery serving
    annotated_doc annotated_types anyio certifi charset_normalizer click fastapi google h11 httptools idna jiter mangum
    numpy obstore opentelemetry pydantic pydantic_core requests starlette typing_extensions typing_inspection urllib3
    uvicorn
    """.split()
)
# What libraries use where it is there, and no answer depends on: a command that shares its imports wants it as it is.
TOOLS = frozenset({"markdown_it", "mdurl", "psutil", "pygments", "rich"})
CHUNK = 50_000  # rows that are answered at once


class OnlyServing(MetaPathFinder):
    """Refuses every module that the serving image of a runtime does not have."""

    def __init__(self, besides: frozenset[str] = frozenset()) -> None:
        self.allowed, self.besides = SERVING, besides

    def forget(self) -> None:
        """Refuse what was allowed besides, as if it had not been imported."""
        for name in [each for each in sys.modules if each.partition(".")[0] in self.besides]:
            del sys.modules[name]
        self.besides = frozenset()

    def limit_to(self, runtimes: Sequence[str]) -> None:
        """Allow what the first of some runtimes has, or what all have where there is none; what is imported remains."""
        known = [RUNTIMES[name] for name in runtimes if name in RUNTIMES]
        self.allowed = SERVING.union(*(known[:1] or RUNTIMES.values()))

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        top = fullname.partition(".")[0]
        if top in self.allowed | self.besides or top in sys.stdlib_module_names or top.startswith("_sysconfigdata_"):
            return None
        raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)


def import_ahead(besides: frozenset[str] = frozenset()) -> OnlyServing:
    """Import what most versions need; from then on nothing else than what the serving image has can be imported.

    Args:
        besides: what can be, until it is forgotten.
    """
    only = OnlyServing(besides)
    sys.meta_path.insert(0, only)
    for fmt in FORMATS.values():
        only.limit_to(fmt.runtimes)
        if fmt.installed:
            fmt.implementation()
    return only


def answer(only: OnlyServing) -> None:
    """Answer questions until there are no more."""
    questions, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a model may print
    while line := questions.readline():
        question: dict[str, Any] = json.loads(line)
        folder = Path(tempfile.mkdtemp())
        try:
            told, arrays = _answer(question, _received(question, questions, folder), questions, only)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        kinds = {np.dtype(np.int64): "labels", np.dtype(np.float64): "numbers"}
        shapes = {name: (kinds[array.dtype], array.shape) for name, array in arrays.items()}
        answers.write(json.dumps({**told, "arrays": shapes}).encode() + b"\n")
        for array in arrays.values():
            answers.write(array.tobytes())
        answers.flush()


def _received(question: dict[str, Any], source: BinaryIO, folder: Path) -> Store:
    """A registry of the one version that is asked about."""
    version = folder / Reference.parse(question["reference"]).folder
    version.mkdir(parents=True)
    for name, size in question["files"].items():
        (version / name).write_bytes(source.read(size))
    return open_store(folder.as_uri())


def _answer(
    question: dict[str, Any], store: Store, source: BinaryIO, only: OnlyServing
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    reference, asked = Reference.parse(question["reference"]), question["format"]
    rows = np.load(io.BytesIO(source.read(question["rows"])), allow_pickle=True) if question["rows"] else None
    name = asked
    try:
        artifacts = read_manifest(store, reference).manifest.artifacts
        for name in [asked] if asked else artifacts:
            only.limit_to(artifacts[name].runtimes if name in artifacts else ())
            model = load(store, reference, format=name, require_pin=True)
        if rows is None:
            return {}, {}
        parts = [model.predictor.predict(rows[start : start + CHUNK]) for start in range(0, len(rows), CHUNK)]
        return {}, model.task.packed(model.task.joined(parts))
    except BrineryError as exc:
        return {"error": _sentence(name, exc), "kind": type(exc).__name__}, {}
    except Exception as exc:  # a model raises whatever it likes
        return {"error": f"its {name} has no answer to the rows: {words_of(exc)}", "kind": ""}, {}


def _sentence(format: str, exc: Exception) -> str:
    if isinstance(exc.__cause__, ModuleNotFoundError):
        return (
            f'its {format} needs the module "{exc.__cause__.name}", which the serving image does not have; '
            "build the model from classes of scikit-learn, XGBoost or LightGBM, whatever function puts it together"
        )
    return str(exc)
