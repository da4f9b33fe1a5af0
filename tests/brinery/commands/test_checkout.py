"""The scripts of the applications: with a checkout they run it, with the package alone they say what is missing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import brinery
from brinery.commands.checkout import serve_line
from tests.conftest import ROOT

SCRIPTS = {"train": ("training", "__main__"), "serve": ("serving", "__main__"), "worker": ("serving", "worker")}
ENDS_BY_SIGINT = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n"


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder with a copy of the package, and nothing beside it."""
    code = Path(brinery.__file__).parent
    shutil.copytree(code, tmp_path / "installed/brinery", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "installed"


def application(folder: Path, script: str, main: str) -> None:
    package, module = SCRIPTS[script]
    (folder / package).mkdir(parents=True)
    (folder / package / "__init__.py").touch()
    (folder / package / f"{module}.py").write_text(main)


def run(installed: Path, script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a script as its entry point does, in `folder`, whose modules come first."""
    code = f"import sys; from brinery.commands.checkout import {script}; sys.exit({script}())"
    path = os.pathsep.join([str(folder), str(installed)])
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("script", SCRIPTS)
def test_script_without_a_checkout_says_in_one_sentence_what_it_needs(
    installed: Path, tmp_path: Path, script: str
) -> None:
    application(tmp_path / "own", script, "def main(): print('a user\\'s own')\n")
    done = run(installed, script, tmp_path / "own")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"{script}: it is part of the Brinery repository and not of the package alone; "
        "clone or copy the repository and run it there\n"
    )


@pytest.mark.parametrize("script", SCRIPTS)
def test_script_that_a_checkout_does_not_have_says_so(installed: Path, script: str) -> None:
    (installed / SCRIPTS[script][0]).mkdir()
    done = run(installed, script, installed)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"{script}: this version of Brinery does not have it yet\n"


@pytest.mark.parametrize("script", SCRIPTS)
def test_script_runs_what_lies_beside_the_package_whatever_else_has_its_name(
    installed: Path, tmp_path: Path, script: str
) -> None:
    application(installed, script, "def main(): return print(__name__) or 3\n")
    application(tmp_path / "own", script, "def main(): print('a user\\'s own')\n")
    done = run(installed, script, tmp_path / "own")
    assert (done.returncode, done.stdout, done.stderr) == (3, ".".join(SCRIPTS[script]) + "\n", "")


@pytest.mark.parametrize("script", SCRIPTS)
def test_script_that_is_interrupted_while_it_imports_shows_no_traceback(installed: Path, script: str) -> None:
    application(installed, script, ENDS_BY_SIGINT)
    done = run(installed, script, installed)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{script}: interrupted\n")


@pytest.mark.parametrize(
    ("folder", "file", "docker", "line"),
    [
        (ROOT, ROOT / ".env", True, "docker compose up -d --wait serve"),
        (ROOT / "tests", ROOT / ".env", True, "docker compose up -d --wait serve"),
        (ROOT, Path("/srv/a b.env"), True, "docker compose --env-file '/srv/a b.env' up -d --wait serve"),
        (Path("/"), ROOT / ".env", True, f"docker compose -f {ROOT}/docker-compose.yml up -d --wait serve"),
        (ROOT, ROOT / "another.env", True, "docker compose --profile another up -d --wait another"),
        (Path("/"), Path("x"), True, f"docker compose -f {ROOT}/docker-compose.yml --env-file /x up -d --wait serve"),
        (ROOT, Path(".env"), False, "uv run --env-file .env serve"),
        (Path("/"), Path(".env"), False, f"uv run --project {ROOT} --env-file .env serve"),
        (ROOT, Path("/srv/a b.env"), False, r"uv run --env-file '/srv/a\ b.env' serve"),
    ],
    ids=str,
)
def test_line_that_serves_fits_the_folder_that_one_is_in(
    monkeypatch: pytest.MonkeyPatch, folder: Path, file: Path, docker: bool, line: str
) -> None:
    monkeypatch.chdir(folder)
    assert serve_line(file, docker=docker) == line


def test_container_says_what_compose_told_it_of_the_file_that_compose_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SERVE_COMMAND", "docker compose up --now")
    assert serve_line(Path(".env"), docker=True) == "docker compose up --now"
    assert "--now" not in serve_line(Path("other.env"), docker=True)


def test_package_alone_has_no_line_that_serves(installed: Path) -> None:
    code = "from brinery.commands.checkout import *; print(repr(serve_line(Path('.env'), docker=False)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=installed, capture_output=True, text=True)
    assert done.stdout == "''\n", done.stderr
