"""`registry site` as a person meets it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from brinery.commands.registry import main
from brinery.versions.store import Store
from tests.brinery.site.registries import promoted, put
from tests.waiting import wait_while_it_runs


def told(capsys: pytest.CaptureFixture[str], store: Store, *arguments: str) -> tuple[int, str, str]:
    code = main(["site", *arguments, "--registry", store.url])
    out, err = capsys.readouterr()
    return code, out, err


def test_site_is_written_to_its_own_folder_and_says_so(
    folder_store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    put(folder_store)
    place = tmp_path / "registry-site"
    said = f"{place}: 1 model, 1 version; 5 pages written, 0 left as they were\nopen {place}/index.html\n"
    assert told(capsys, folder_store) == (0, said, "")
    code, out, _ = told(capsys, folder_store, "--json")
    assert code == 0 and json.loads(out) == {
        "place": str(place),
        "models": 1,
        "versions": 1,
        "unreadable": 0,
        "written": 0,
        "left": 5,
        "removed": 0,
        "looks": 0,
    }
    code, out, err = told(capsys, folder_store, "--out", "registry")
    assert (code, out) == (1, "") and err.startswith("registry: the site cannot go to") and err.count("\n") == 1
    assert told(capsys, folder_store, "--out", "my pages")[1].endswith(f"\nopen '{tmp_path}/my pages/index.html'\n")
    assert told(capsys, folder_store, "--port", "8000")[2] == "registry: --port is of --open; give --open, too\n"


def test_versions_are_live_only_where_an_environment_was_asked(
    folder_store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = put(folder_store), put(folder_store)
    promoted(folder_store, first)
    env = tmp_path / ".env"
    env.write_text(f"MODEL_NAME=wine\nMODEL_VERSION={second.version_text}\n")
    out = tmp_path / "out"
    assert told(capsys, folder_store, "--out", str(out))[0] == 0
    recorded = (out / "index.html").read_text()
    assert "b-recorded" in recorded and "b-live" not in recorded.partition("<body>")[2]
    assert told(capsys, folder_store, "--out", str(out), "--env-file", str(env))[0] == 0
    live = (out / "models/wine/2.html").read_text().partition("<body>")[2]
    assert '<span class="badge b-live">live</span>' in live
    assert "badge b-" in (out / "models/wine/1.html").read_text()


def test_open_follows_until_ctrl_c_and_ends_with_0(folder_store: Store, tmp_path: Path) -> None:
    put(folder_store)
    environment = {**os.environ, "BROWSER": "true"}
    command = [sys.executable, "-m", "brinery.commands.registry", "site", "--open", "--registry", folder_store.url]
    log = tmp_path / "log"
    with log.open("w") as stream:
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=stream, stdout=subprocess.PIPE)
    wait_while_it_runs(process, lambda: "follows the registry" in log.read_text())
    url = log.read_text().split()[0]
    assert "1 version of 1 model" in httpx.get(url).text
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, b"the site is closed\n")
