"""A folder of the registry that may not be entered: told in a line by every command, and tried again by serving."""

import os
from pathlib import Path

import pytest

from brinery.versions.store import Store
from tests.conftest import python
from tests.examples import publish_example

# As any user: root may enter all folders.
ASK = """
import sys
from brinery.loading.confinement import _drop_capabilities
_drop_capabilities()
from brinery.commands.registry import main
sys.exit(main(sys.argv[1:]))
"""
SERVE = """
import os, sys
from brinery.loading.confinement import _drop_capabilities
_drop_capabilities()
from brinery.loading.load import load
from brinery.versions.reference import Reference
from brinery.versions.store import open_store
from serving.loader import Loader
from tests.serving.conftest import Client
from serving.app import create_app
from serving.settings import Settings
import asyncio
asyncio.set_event_loop(asyncio.new_event_loop())
store, folder = open_store(sys.argv[1]), sys.argv[2]
now = [0.0]
def client():
    loader = Loader(lambda: load(store, Reference("alcohol", 1)), clock=lambda: now[0])
    return Client(create_app(loader, Settings("test:")))
loaded = client()
print(loaded.get("/readyz").status_code)
os.chmod(folder, 0)
print(loaded.get("/model/card").status_code, loaded.classify(13.2).status_code)
other = client()
print(other.get("/readyz").status_code)
os.chmod(folder, 0o755)
now[0] += 1000
print(loaded.get("/model/card").status_code, other.get("/readyz").status_code)
"""


@pytest.fixture
def closed(folder_store: Store) -> Path:
    """The folder of a version."""
    publish_example(folder_store, "alcohol")
    publish_example(folder_store, "wine")
    return Path(folder_store.url.removeprefix("file://")) / "alcohol/versions/000001"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["list"], 0),
        (["list", "alcohol"], 0),
        (["show", "alcohol:1"], 1),
        (["verify", "alcohol:1", "--trust-bucket"], 1),
        (["doctor"], 1),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_commands_say_so_in_a_line(closed: Path, folder_store: Store, arguments: list[str], code: int) -> None:
    closed.chmod(0)
    try:
        done = python("-c", ASK, *arguments, "--registry", folder_store.url)
    finally:
        closed.chmod(0o755)
    said = done.stdout + done.stderr
    assert "Traceback" not in said and "Permission denied" in said, said
    assert done.returncode == code, said
    if arguments[0] in ("list", "doctor"):
        assert arguments[1:] or "wine" in said  # the others are told all the same


@pytest.mark.slow
def test_serving_answers_that_it_is_away_and_comes_back(closed: Path, folder_store: Store) -> None:
    done = python("-c", SERVE, folder_store.url, str(closed), PYTHONPATH=os.getcwd())
    told = [line for line in done.stdout.split("\n") if not line.startswith("{")]
    assert told == ["200", "503 200", "503", "200 200", ""], done.stderr
