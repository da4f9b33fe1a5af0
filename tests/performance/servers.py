"""The HTTP servers that are compared: each a command, a folder and the request that it understands."""

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from brinery.versions.reference import Reference
from tests.performance.environments import clean_environment, free
from tests.performance.functions import BASELINES, Function, brinery, naive
from tests.performance.models import ROW, Registry

PEERS = {
    "MLflow": "mlflow==3.17.2",
    "BentoML": "bentoml==1.4.39",
    "vetiver": "vetiver==0.2.6",
    "LitServe": "litserve==0.2.19",
}


@dataclass(frozen=True)
class Server:
    """`command` is what follows `python`, `{port}` being the port; one process or worker answers."""

    python: Path
    folder: Path
    command: tuple[str, ...]
    path: str = "/classify"
    body: Any = field(default_factory=lambda: {"data": ROW})
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def request(self) -> bytes:
        return json.dumps(self.body).encode()


def brinery_server(registry: Registry, reference: Reference, runtime: Literal["sklearn", "onnx"]) -> Server:
    """The serving image with the entry point `serve`."""
    function = brinery(registry, reference, runtime)
    return Server(
        function.python,
        function.folder,
        ("-m", "serving", "--port", "{port}"),
        variables={**function.variables, "LOG_LEVEL": "WARNING"},
    )


def naive_server(registry: Registry, reference: Reference) -> Server:
    """The naive server's app under uvicorn."""
    function: Function = naive(registry, reference)
    return Server(function.python, function.folder, _uvicorn("function"), variables=function.variables)


def peers(registry: Registry, reference: Reference) -> dict[str, Server]:
    """The four peers, as their guides start them, each with the lock's scikit-learn and numpy."""
    folder = registry.folder / "peers"
    shutil.copytree(BASELINES / "peers", folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "model.joblib").write_bytes(registry.file(reference, "model.joblib"))
    python = {name: free(f"peer-{name.lower()}", [package]) for name, package in PEERS.items()}
    made: dict[str, Callable[[Path], Server]] = {
        "MLflow": lambda python: _mlflow(python, folder),
        "BentoML": lambda python: Server(
            python, folder, ("-m", "bentoml", "serve", "bentoml_server:Wine", "--port", "{port}")
        ),
        "vetiver": lambda python: Server(
            python, folder, _uvicorn("vetiver_server"), "/predict", [dict(zip(map(str, range(13)), ROW, strict=True))]
        ),
        "LitServe": lambda python: Server(python, folder, ("litserve_server.py", "{port}"), "/predict"),
    }
    return {name: make(python[name]) for name, make in made.items()}


def _mlflow(python: Path, folder: Path) -> Server:
    subprocess.run([python, "mlflow_model.py"], cwd=folder, env=clean_environment(), check=True, capture_output=True)
    command = ("-m", "mlflow", "models", "serve", "--model-uri", "model", "--env-manager", "local", "--workers", "1")
    variables = {"PATH": f"{python.parent}:/usr/bin:/bin"}  # it starts its server by name
    return Server(python, folder, (*command, "--port", "{port}"), "/invocations", {"inputs": [ROW]}, variables)


def _uvicorn(module: str) -> tuple[str, ...]:
    return ("-m", "uvicorn", f"{module}:app", "--port", "{port}", "--log-level", "warning")
