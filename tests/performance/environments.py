"""Virtual environments that hold exactly what each image holds, made from uv.lock and kept between runs."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Mapping
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[2]
UV = os.environ.get("UV", "uv")
RUNTIME_CLIENT = "awslambdaric"


def clean_environment(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's variables without those that change how Python or a model runs, and `variables`."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "AWS_", "MODEL_"))
    }
    return {**environment, **(variables or {})}


def kept(name: str, key: str) -> Path:
    """A path for what is kept between runs, in one folder; another key has another path."""
    folder = Path(tempfile.gettempdir()) / "brinery-performance"
    folder.mkdir(exist_ok=True)
    return folder / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"


GROUPS = ("serving", "training", "dev")  # the others are extras of the library


def locked(name: str, groups: Collection[str] = (), packages: Collection[str] = (), *, as_image: bool = False) -> Path:
    """The Python of an environment with the lock's versions of some groups and packages, and of the runtime client.

    Args:
        as_image: compile byte-code as serving/Dockerfile does; else as pip does.
    """
    export = ["export", "--quiet", "--frozen", "--no-emit-project", "--no-hashes", "--no-annotate", "--no-header"]

    def install(python: Path) -> None:
        constraints = python.parent / "constraints.txt"
        constraints.write_text(_uv(*export, "--all-groups", "--all-extras"))
        asked = python.parent / "requirements.txt"
        chosen = [f"--{'group' if group in GROUPS else 'extra'}={group}" for group in groups]
        listed = _uv(*export, "--no-default-groups", *chosen) if chosen else ""
        asked.write_text("\n".join([listed, *packages, RUNTIME_CLIENT]))
        _install(python, ["-r", str(asked), "-c", str(constraints)], as_image)

    lock = (ROOT / "uv.lock").read_text()
    return _environment(kept(name, f"{lock} {[*groups]} {[*packages]} {as_image}"), install)


def free(name: str, packages: Collection[str]) -> Path:
    """The Python of an environment with other people's packages and the lock's scikit-learn, numpy and joblib."""
    asked_for = [*packages, *(f"{package}=={version(package)}" for package in ("scikit-learn", "numpy", "joblib"))]
    return _environment(kept(name, str(asked_for)), lambda python: _install(python, asked_for, as_image=False))


def _environment(folder: Path, install: Callable[[Path], None]) -> Path:
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        print(f"making the environment {folder}", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        base = Path(sys.base_prefix) / "bin" / "python3.13"
        # Not uv's own kind, which adds an import hook to every start.
        subprocess.run([base, "-m", "venv", "--without-pip", folder], check=True, env=clean_environment())
        install(python)
        (folder / "complete").touch()
    return python


def _install(python: Path, arguments: list[str], as_image: bool) -> None:
    mode = {"PYC_INVALIDATION_MODE": "UNCHECKED_HASH"} if as_image else {}
    command = [UV, "pip", "install", "--quiet", "--compile-bytecode", "--link-mode=copy", f"--python={python}"]
    subprocess.run([*command, *arguments], check=True, env=clean_environment(mode))


def _uv(*arguments: str) -> str:
    result = subprocess.run([UV, *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return result.stdout
