"""The scripts `train`, `serve` and `worker`: applications that lie beside this package, and are no part of it."""

import os
import re
import shlex
import sys
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path

BESIDE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def train() -> int:
    """Train and publish what models.json declares; the exit code."""
    return _run("train", "training", "__main__")


def serve() -> int:
    """Serve the version that the environment pins; the exit code."""
    return _run("serve", "serving", "__main__")


def worker() -> int:
    """Answer jobs from the queue; the exit code."""
    return _run("worker", "serving", "worker")


def uv_run() -> str:
    """What comes before a command of this checkout, from the folder that one is in; empty without a checkout."""
    if not os.path.isfile(os.path.join(BESIDE, "serving", "__main__.py")):
        return ""
    return "uv run " if Path.cwd().is_relative_to(BESIDE) else f"uv run --project {shlex.quote(BESIDE)} "


def serve_line(env_file: Path, *, docker: bool) -> str:
    """What starts this checkout's server with an environment file, from the folder that one is in; empty without one.

    In a container of compose it is what compose says, of the file that compose reads.

    Args:
        docker: under compose, else without Docker.
    """
    told = os.environ.get("SERVE_COMMAND", "")
    if told.startswith("docker compose ") and env_file.resolve() == Path(".env").resolve():
        return told
    if not (run := uv_run()):
        return ""
    inside = Path.cwd().is_relative_to(BESIDE)
    file = shlex.quote(str(env_file.resolve()))
    if not docker:
        return f"{run}--env-file {_for_uv(env_file)} serve"
    compose = "docker compose"
    if not inside:
        compose += f" -f {shlex.quote(os.path.join(BESIDE, 'docker-compose.yml'))}"
    if env_file.resolve() == Path(os.environ.get("ANOTHER_ENV") or Path(BESIDE, "another.env")).resolve():
        return f"{compose} --profile another up -d --wait another"
    read = "" if env_file.resolve() == Path(BESIDE, ".env") else f" --env-file {file}"
    return f"{compose}{read} up -d --wait serve"


def _for_uv(env_file: Path) -> str:
    """The file from here, as `uv run` takes it, which parts the value at blanks."""
    path = env_file.resolve()
    here = Path.cwd()
    shown = str(path.relative_to(here) if path.is_relative_to(here) else path)
    return shlex.quote(re.sub(r"([\\\s])", r"\\\1", shown))


def _run(command: str, application: str, module: str) -> int:
    if not os.path.isfile(os.path.join(BESIDE, application, f"{module}.py")):
        if os.path.isdir(os.path.join(BESIDE, application)):
            print(f"{command}: this version of Brinery does not have it yet", file=sys.stderr)
            return 2
        print(
            f"{command}: it is part of the Brinery repository and not of the package alone; "
            "clone or copy the repository and run it there",
            file=sys.stderr,
        )
        return 2
    try:
        _import_from_here(application)
        return int(import_module(f"{application}.{module}").main())
    except KeyboardInterrupt:
        print(f"{command}: interrupted", file=sys.stderr)
        return 1


def _import_from_here(application: str) -> None:
    """Import the package that lies beside this one, whatever else of its name comes first on the path."""
    spec = PathFinder.find_spec(application, [BESIDE])
    if spec is None or spec.loader is None:
        raise ImportError(f"{os.path.join(BESIDE, application)} is not a package")
    sys.modules[application] = package = module_from_spec(spec)
    spec.loader.exec_module(package)
