"""The Lambda functions that are compared: each a Python, a folder of code, a handler and variables."""

import compileall
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Literal

from brinery.versions.reference import Reference
from tests.conftest import BUCKET
from tests.performance.environments import ROOT, locked
from tests.performance.models import Registry

BASELINES = Path(__file__).parent / "baselines"
WEB = ("fastapi", "mangum", "boto3", "uvicorn")


@dataclass(frozen=True)
class Function:
    """What Lambda is told of a function; `folder` is its /var/task."""

    python: Path
    folder: Path
    handler: str
    variables: Mapping[str, str] = field(default_factory=dict)


def article(registry: Registry, reference: Reference) -> Function:
    """The article's image: scikit-learn and joblib alone, the model beside the handler."""
    folder = _task(registry, f"article-{reference.name}", BASELINES / "article")
    (folder / "model.joblib").write_bytes(registry.file(reference, "model.joblib"))
    return Function(locked("article", ["sklearn"]), folder, "function.handler")


def naive(registry: Registry, reference: Reference) -> Function:
    """FastAPI, Mangum and boto3 as their guides show them."""
    folder = _task(registry, f"naive-{reference.name}", BASELINES / "naive")
    key = f"performance/{reference.folder}/model.joblib"
    variables = {**registry.variables, "MODEL_BUCKET": BUCKET, "MODEL_KEY": key}
    return Function(locked("naive", ["sklearn"], WEB), folder, "function.handler", variables)


def bare(registry: Registry, reference: Reference) -> Function:
    """ONNX Runtime and nothing around it."""
    folder = _task(registry, f"bare-{reference.name}", BASELINES / "bare")
    (folder / "model.onnx").write_bytes(registry.file(reference, "model.onnx"))
    return Function(brinery_python("onnx"), folder, "function.handler")


def brinery(registry: Registry, reference: Reference, runtime: Literal["sklearn", "onnx"]) -> Function:
    """The serving image for one runtime, as serving/Dockerfile builds it, with the pinned version in S3."""
    variables = {
        **registry.variables,
        "MODEL_NAME": reference.name,
        "MODEL_VERSION": reference.version_text,
        "REQUIRE_PIN": "on",
        "ORT_DISABLE_TELEMETRY": "1",
    }
    return Function(brinery_python(runtime), brinery_code(registry, runtime), "serving.handler.handler", variables)


def brinery_python(runtime: str) -> Path:
    return locked(f"brinery-{runtime}", ["serving", runtime], as_image=True)


def brinery_code(registry: Registry, runtime: str) -> Path:
    """A copy of the code, so that edits do not reach a run."""
    folder = registry.folder / f"brinery-{runtime}"
    if not folder.exists():
        for part in ("brinery", "serving"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        if runtime == "onnx":
            (folder / "brinery" / "formats" / "pickle.py").unlink()
        compileall.compile_dir(folder, quiet=1, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
    return folder


def _task(registry: Registry, name: str, source: Path) -> Path:
    folder = registry.folder / name
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("__pycache__"))
    compileall.compile_dir(folder, quiet=1)
    return folder
