"""The serve command, in a process of its own."""

import gc
import json
from pathlib import Path

import pytest

from brinery.versions.store import Store
from tests.conftest import python
from tests.examples import publish_example
from tests.serving.served import served


def test_serve_answers_over_http(folder_store: Store, tmp_path: Path) -> None:
    reference = publish_example(folder_store, "alcohol")
    with served(tmp_path, MODEL_REGISTRY=folder_store.url, MODEL_VERSION=reference.version_text) as server:
        client = server.client
        assert client.get("/readyz").json()["status"] == "ready"
        answer = client.post("/classify", json={"data": ".10"})
        assert (answer.status_code, answer.json()["model"]) == (200, {"name": "alcohol", "version": 1})
        assert client.get("/model/version").json()["pinned"] is True
        for host in ("a:b:c", "[::1", "x" * 1000, ""):
            assert client.get("/nothing", headers={"host": host}).status_code in (400, 404)


@pytest.mark.slow
def test_serve_without_version_starts_and_says_what_to_set(folder_store: Store, tmp_path: Path) -> None:
    with served(tmp_path, MODEL_REGISTRY=folder_store.url) as server:
        client = server.client
        assert client.get("/healthz").json() == {"status": "ok"}
        for answer in (client.get("/readyz"), client.post("/classify", json={"data": 13})):
            assert answer.status_code == 503
            assert answer.headers["retry-after"]
            assert "MODEL_VERSION is not set; set it to" in answer.json()["detail"]


@pytest.mark.slow
def test_serve_given_a_body_without_end_stops_at_the_limit(folder_store: Store, tmp_path: Path) -> None:
    """The length is not told in advance, so only what arrives can be counted."""
    reference = publish_example(folder_store, "alcohol")
    environment = {"MODEL_REGISTRY": folder_store.url, "MODEL_VERSION": reference.version_text}
    with served(tmp_path, None, **environment, MAX_BODY_BYTES="1000") as server:
        with server.connect() as connection:
            connection.sendall(b"POST /classify HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            connection.sendall(b"1f4\r\n" + b" " * 500 + b"\r\n")
            connection.sendall(b"1f5\r\n" + b" " * 501 + b"\r\n")
            answer = connection.recv(65536).decode()
        assert answer.startswith("HTTP/1.1 413 ")
        assert server.client.get("/healthz").status_code == 200


@pytest.mark.parametrize("variable", ["MAX_ROWS", "LOG_LEVEL", "REQUIRE_PIN"])
def test_serve_with_bad_variable_is_one_line(
    variable: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from serving.__main__ import main

    gc.enable()  # which the import stops, to start quickly
    monkeypatch.setenv(variable, "many")
    assert main([]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"serve: {variable} is 'many'; it must be ")
    assert error.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("port", ["99999", "-1", "http", "1" * 5000])
def test_serve_with_bad_port_is_a_usage_error(port: str) -> None:
    ran = python("-m", "serving", f"--port={port}")
    assert ran.returncode == 2
    assert "is not a port; it must be a number from 0 to 65535" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_serve_logs_one_json_object_a_line(folder_store: Store) -> None:
    ran = python(
        "-c",
        "import os; from serving.loader import boot; boot(os.environ)[1].get()",
        MODEL_REGISTRY=folder_store.url,
        MODEL_VERSION="1",
        MODEL_NAME="wine",
    )
    line = json.loads(ran.stderr.splitlines()[0])
    assert (line["level"], line["error"]) == ("ERROR", "VersionMissing")
