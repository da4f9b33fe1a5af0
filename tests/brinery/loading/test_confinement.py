"""A model's code reaches no process that began before it, no home folder, and no server: real processes, real code."""

import json
import os
import pwd
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from shlex import quote
from typing import Any

import pytest

from brinery.loading.confinement import confine
from brinery.versions.publish import publish
from brinery.versions.store import Store
from tests.brinery.loading.test_isolation import Code
from tests.conftest import ROOT
from tests.examples import pickled, tiny

TRY = """
import glob, json, os, pathlib, socket, subprocess, sys

def tried(what):
    try:
        return what() or "done"
    except OSError as exc:
        return type(exc).__name__

def environments():
    found = []
    for path in glob.glob("/proc/[0-9]*/environ"):
        try:
            found.append("canary" in pathlib.Path(path).read_text(errors="replace") and f"/{os.getpid()}/" not in path)
        except OSError:
            pass
    return "seen" if any(found) else "nothing"

begun = subprocess.Popen(["sleep", "60"])
found = {
    "environments": environments(),
    "memory of its parent": tried(lambda: open(f"/proc/{os.getppid()}/mem", "rb").close()),
    "a descriptor of its parent": tried(lambda: os.readlink(f"/proc/{os.getppid()}/fd/0")),
    "home": tried(lambda: str(os.listdir(HOME))),
    "a file in the home": tried(lambda: pathlib.Path(HOME, ".brinery-was-here").write_text("x")),
    "a server": tried(lambda: socket.create_connection(("127.0.0.1", PORT), 5).close()),
    "a signal to its parent": tried(lambda: os.kill(os.getppid(), 0)),
    "a process of its own": tried(lambda: open(f"/proc/{begun.pid}/environ").close()),
    "a module": tried(lambda: __import__("sklearn.svm") and None),
    "a folder of its own": tried(lambda: pathlib.Path("x").write_text("x") and None),
    "what a started process may do": subprocess.run(
        [sys.executable, "-S", "-c", f"import os; os.listdir({HOME!r})"], capture_output=True, text=True
    ).stderr.strip().splitlines()[-1].split(":")[0],
}
begun.kill()
open(TARGET, "w").write(json.dumps(found))
"""


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="what the other systems cannot close is said in README")
@pytest.mark.parametrize("way", ["alone", "ahead"])
def test_code_of_a_model_reaches_nothing_outside(folder_store: Store, tmp_path: Path, port: int, way: str) -> None:
    """The one that asks is the child of one that keeps the secret where its user can read it, as a shell does."""
    target, home = tmp_path / "found.json", pwd.getpwuid(os.getuid()).pw_dir
    described, files = tiny()
    code = f"TARGET, HOME, PORT = {str(target)!r}, {home!r}, {port}\n{TRY}"
    publish(folder_store, described, {**files, "model.joblib": pickled(Code(code))}, lambda *_: None)
    command = f"{quote(sys.executable)} -m tests.brinery.loading.asking {way} {quote(folder_store.url)} 1; true"
    secret = {"AWS_SECRET_ACCESS_KEY": "canary"}
    subprocess.run(["sh", "-c", command], env={**os.environ, **secret}, cwd=ROOT, check=True, timeout=120)
    found: dict[str, Any] = json.loads(target.read_text())
    assert found == {
        "environments": "nothing",
        "memory of its parent": "PermissionError",
        "a descriptor of its parent": "PermissionError",
        "home": "PermissionError",
        "a file in the home": "PermissionError",
        "a server": "PermissionError",
        "a signal to its parent": "PermissionError",
        "a process of its own": "done",
        "a module": "done",
        "a folder of its own": "done",
        "what a started process may do": "PermissionError",
    }


@pytest.mark.skipif(sys.platform != "linux", reason="the other systems have no Landlock")
def test_system_without_landlock_confines_nothing_and_goes_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from brinery.loading import confinement

    monkeypatch.setattr(confinement, "_call", lambda *arguments: -1)
    assert confine(tmp_path) is False
    Path.home().stat()


@pytest.mark.parametrize("name", ["brinery", "numpy"])
def test_modules_that_are_linked_from_a_home_are_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    from brinery.loading import confinement

    home = tmp_path / "home"
    (home / "cache" / name).mkdir(parents=True)
    (home / "cache" / name / "__init__.py").touch()
    monkeypatch.setattr(confinement, "HOMES", (str(home),))
    monkeypatch.setattr(confinement, "_modules", lambda: [Path(sys.prefix), Path(sys.base_prefix), ROOT / "brinery"])
    assert home in confinement._hidden()

    class Spec:
        origin = str(home / "cache" / name / "__init__.py")

    monkeypatch.setattr(confinement, "find_spec", lambda each: Spec() if each == name else find_spec(each))
    assert confinement._hidden() == []
