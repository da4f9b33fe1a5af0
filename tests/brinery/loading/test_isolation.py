"""A model's code finds no secrets: not in its environment, its descriptors, its parent, nor in a home folder."""

import ctypes
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from brinery.loading.isolation import environment, secrets_hidden
from brinery.versions.publish import publish
from brinery.versions.store import Store
from tests.conftest import ROOT, python
from tests.examples import pickled, tiny
from tests.waiting import wait_until

pytestmark = pytest.mark.usefixtures("own_model_process")

PR_GET_DUMPABLE = 3
CANARY = "canary-48151623"
LOOK = """
import json, os, re, resource, sys

def held():
    with open("/proc/self/mem", "rb", 0) as memory:
        for line in open("/proc/self/maps"):
            start, end = (int(each, 16) for each in line.split()[0].split("-"))
            try:
                memory.seek(start)
                found = line.split()[1].startswith("r") and re.search(rb"canary-\\d{8}", memory.read(end - start))
            except (OSError, OverflowError, ValueError):  # what the kernel lends, and does not show
                continue
            if found:
                return line
    return "nothing"

paths = [f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd")]

def refused(name):
    try:
        __import__(name)
    except ImportError:
        return True

found = {
    "environment": dict(os.environ),
    "folder": os.getcwd(),
    "descriptors": [os.readlink(each).split(":")[0] for each in paths if os.path.lexists(each)],
    "core": resource.getrlimit(resource.RLIMIT_CORE),
    "memory": resource.getrlimit(resource.RLIMIT_DATA),
    "first to go": open("/proc/self/oom_score_adj").read().strip(),
    "session": os.getsid(0) == os.getpid(),
    "held in memory": held(),
    "modules": [each for each in ("pandas", "psutil", "rich", "pytest", "training") if not refused(each)],
}
open(TARGET, "w").write(json.dumps(found))
"""


class Code:
    """Runs when it is loaded."""

    def __init__(self, code: str) -> None:
        self._code = code

    def __reduce__(self) -> Any:
        return exec, (self._code, {})


@pytest.fixture(params=["alone", "ahead"])
def found(request: pytest.FixtureRequest, folder_store: Store, tmp_path: Path) -> dict[str, Any]:
    """What a pickle sees that is loaded by the model process of one with secrets, an open file and a home.

    The file was opened before no more than a few could be, and has a number beyond these.
    """
    target = tmp_path / "found.json"
    described, files = tiny()
    looking = pickled(Code(f"TARGET = {str(target)!r}\n{LOOK}"))
    publish(folder_store, described, {**files, "model.joblib": looking}, lambda *_: None)
    secrets = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "GITHUB_TOKEN", "DATABASE_URL", "HOME_OF_SECRETS")
    with (tmp_path / "open").open("w") as file:
        os.dup2(file.fileno(), 300)
        few = ["sh", "-c", 'ulimit -Sn 128; exec "$@"', "sh"]
        asked = subprocess.run(
            [*few, sys.executable, "-m", "tests.brinery.loading.asking", request.param, folder_store.url, "1"],
            env={**os.environ, **dict.fromkeys(secrets, CANARY)},
            pass_fds=[300],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    os.close(300)
    assert asked.stdout.startswith({"alone": "spawned\n", "ahead": "forked\n"}[request.param])
    assert "model.joblib does not load" in asked.stdout
    seen: dict[str, Any] = json.loads(target.read_text())
    return seen


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="what the other systems cannot close is said in README")
def test_code_of_a_model_is_told_nothing(found: dict[str, Any]) -> None:
    assert "canary" not in json.dumps(found)
    assert found["held in memory"] == "nothing"
    assert found["modules"] == []
    allowed = (
        "LANG",
        "LC_",
        "TZ",
        "LD_LIBRARY_PATH",
        "OMP_NUM_THREADS",
        "OMP_WAIT_POLICY",
        "PYTHON",
        "HOME",
        "TMPDIR",
        "ORT_",
        "KMP_",
        "OPENBLAS_",
    )
    assert [name for name in found["environment"] if not name.startswith(allowed)] == []
    assert {*found["descriptors"]} <= {"pipe", "/dev/null", "anon_inode"}
    home = found["environment"]["HOME"]
    assert found["folder"] == home == found["environment"]["TMPDIR"] != os.environ["HOME"]
    assert not Path(home).exists()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="what the other systems cannot close is said in README")
def test_code_of_a_model_is_bounded(found: dict[str, Any]) -> None:
    assert found["core"] == [0, 0]
    soft, hard = found["memory"]
    assert 0 < soft == hard < psutil.virtual_memory().total
    assert found["first to go"] == "1000"
    assert found["session"]


@pytest.mark.skipif(sys.platform != "linux", reason="what the other systems cannot close is said in README")
def test_asking_process_is_closed_before_the_other_one_starts() -> None:
    code = (
        "import ctypes, subprocess\n"
        "from brinery.loading import model_process\n"
        f"state = lambda: ctypes.CDLL(None).prctl({PR_GET_DUMPABLE}, 0, 0, 0, 0)\n"
        "before, start = state(), subprocess.Popen\n"
        "def popen(*args, **kwargs):\n"
        "    print(before, state())\n"
        "    return start(*args, **kwargs)\n"
        "model_process.subprocess.Popen = popen\n"
        "with model_process.ModelProcess(): pass\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "1 0\n"
    assert ctypes.CDLL(None).prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) in (0, 1)


def test_secrets_are_hidden_from_workers_and_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = ["AWS_REGION", "aws_secret_access_key", "GITHUB_TOKEN", "DB_PASSWORD", "OPENAI_API_KEY", "PGPASSWORD"]
    for name in [*secret, "HARMLESS"]:
        monkeypatch.setenv(name, "canary")
    code = "import os; print(*sorted(name for name, value in os.environ.items() if value == 'canary'))"
    with pytest.raises(ZeroDivisionError), secrets_hidden():
        worker = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        raise ZeroDivisionError
    assert worker.stdout == "HARMLESS\n"
    assert {os.environ[name] for name in secret} == {"canary"}
    assert "canary" not in environment(Path()).values()


def test_no_module_is_looked_for_in_the_folder_that_it_was_started_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", ":.:modules:/there:")
    assert environment(Path())["PYTHONPATH"] == f"{ROOT}:/there"


@pytest.mark.slow
def test_command_that_shares_its_imports_lacks_nothing_that_a_library_uses_where_it_is_there() -> None:
    """What was refused is remembered by who asked for it: sklearn.utils.fixes alone, which makes nothing of pandas."""
    code = (
        "from training.__main__ import ESTIMATORS\n"
        "from importlib.machinery import PathFinder; from brinery.loading import servable\n"
        "find, refused = servable.OnlyServing.find_spec, set()\n"
        "def noting(self, name, *more):\n"
        "    try: return find(self, name, *more)\n"
        "    except ModuleNotFoundError: refused.add(name.partition('.')[0]); raise\n"
        "servable.OnlyServing.find_spec = noting\n"
        "only = servable.import_ahead(servable.TOOLS)\n"
        "for each in ESTIMATORS: __import__(each)\n"
        "print(*sorted(each for each in refused if PathFinder.find_spec(each)))"
    )
    ran = python("-c", code)
    assert (ran.stdout, ran.stderr) == ("pandas\n", "")


def test_process_whose_parent_has_gone_before_it_could_ask_ends_at_once() -> None:
    code = "from brinery.loading.isolation import end_with_parent; end_with_parent(1 << 30); print('goes on')"
    ran = python("-c", code)
    assert (ran.returncode, ran.stdout) == (1, "")
    code = code.replace("1 << 30", "os.getppid()").replace("from", "import os; from", 1)
    assert python("-c", code).stdout == "goes on\n"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="what the other systems cannot close is said in README")
@pytest.mark.parametrize("way", ["alone", "ahead"])
def test_process_ends_with_the_one_that_asks(folder_store: Store, tmp_path: Path, way: str) -> None:
    target = tmp_path / "pid"
    described, files = tiny()
    code = f"import os, time; open({str(target)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    publish(folder_store, described, {**files, "model.joblib": pickled(Code(code))}, lambda *_: None)
    asking = [sys.executable, "-m", "tests.brinery.loading.asking", way, folder_store.url, "1"]
    with subprocess.Popen(asking, cwd=ROOT, stdout=subprocess.DEVNULL) as asked:
        wait_until(lambda: target.exists() and target.read_text() != "")
        process = psutil.Process(int(target.read_text()))
        asked.kill()
    wait_until(lambda: not process.is_running())


@pytest.mark.slow
@pytest.mark.parametrize("way", ["alone", "ahead"])
def test_process_that_a_model_ended_is_followed_by_another(folder_store: Store, way: str) -> None:
    described, files = tiny()
    ended = {**files, "model.joblib": pickled(Code("import os; os._exit(9)"))}
    for each in (files, ended, files):
        publish(folder_store, described, each, lambda *_: None)
    asked = python("-m", "tests.brinery.loading.asking", way, folder_store.url, "1", "2", "3", "2")
    _, first, second, third, fourth = asked.stdout.splitlines()
    assert (first, third) == ("None", "None")
    assert "ended with 9" in second and "ended with 9" in fourth
