"""The wheel: the library alone, in an empty environment, with the one extra that it needs there."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT

STORED = (ROOT / "tests/brinery/versions/stored/schema_1").as_uri()
UV = os.environ.get("UV", "uv")
LOAD = f"""
import sys, brinery
assert not {{"numpy", "pydantic", "obstore", "sklearn"}} & set(sys.modules)
model = brinery.load("numbers:1", registry={STORED!r}, trust_bucket=True)
assert model.format == "onnx" and "sklearn" not in sys.modules
print(model.task.written(model.answer([5.1, 3.5, 1.4, 0.2], 1).answers)[0]["prediction"])
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of commands of an environment that has the wheel with [onnx], and nothing of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("brinery", "training", "serving"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    run(UV, "build", "--quiet", "--wheel", "--out-dir", str(folder), str(source))
    run(UV, "venv", "--quiet", "--python", sys.executable, str(folder / "env"))
    (wheel,) = folder.glob("*.whl")
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert tops == {"brinery", wheel.name.split("-py3")[0] + ".dist-info"}
    run(UV, "pip", "install", "--quiet", "--python", str(folder / "env"), f"{wheel}[onnx]")
    return folder / "env/bin"


def run(*command: str, code: int = 0, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=cwd, env=variables)
    assert done.returncode == code, done.stdout + done.stderr
    return done


@pytest.mark.slow
def test_registry_lists_versions_and_they_load(installed: Path, tmp_path: Path) -> None:
    listed = run(str(installed / "registry"), "list", "--registry", STORED, cwd=tmp_path).stdout
    assert "numbers:2" in listed and "columns:1" in listed and "UNREADABLE" not in listed
    assert run(str(installed / "python"), "-c", LOAD, cwd=tmp_path).stdout == "0\n"


@pytest.mark.parametrize("command", ["train", "serve", "worker"])
def test_commands_of_the_repository_say_where_they_are(installed: Path, tmp_path: Path, command: str) -> None:
    (tmp_path / "training").mkdir()  # a folder of the user's own is not taken for ours
    (tmp_path / "training/__main__.py").write_text("raise SystemExit(7)")
    done = run(str(installed / command), code=2, cwd=tmp_path)
    assert done.stdout == "" and done.stderr.startswith(f"{command}: ") and done.stderr.count("\n") == 1


def test_score_says_what_it_needs(installed: Path, tmp_path: Path) -> None:
    done = run(str(installed / "score"), "numbers:1", "in", "out", code=2, cwd=tmp_path)
    assert done.stderr.startswith("score: pyarrow is not installed here; install brinery[score]")
