"""SAM's own command on serving's template: the image that it builds, and the function that it runs of it."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import ROOT, SAM_CLI, free_port
from tests.end_to_end.conftest import Stack
from tests.end_to_end.test_compose import ROW

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def built(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The built template: of a copy, with a tag of the test's own and the network that compose builds with."""
    folder = tmp_path_factory.mktemp("sam")
    serve = json.loads(stack.shell("docker compose config --format json serve"))["services"]["serve"]
    network = ["--network", serve["build"]["network"]] if "network" in serve["build"] else []
    changed = {
        "DockerContext: ..": f"DockerContext: {ROOT}\n      DockerBuildExtraParams: {json.dumps(network)}",
        "DockerTag: serving": f"DockerTag: {stack.project}",
    }
    template = (ROOT / "infra/serving.yaml").read_text()
    for old, new in changed.items():
        assert template.count(old) == 1
        template = template.replace(old, new)
    (folder / "template.yaml").write_text(template)
    stack.shell(f"{SAM_CLI} build --use-buildkit --template {folder}/template.yaml --build-dir {folder}/build", 900)
    yield folder / "build/template.yaml"
    stack.shell(f"docker image rm --force servingfunction:{stack.project}")


@pytest.fixture(scope="module")
def function(stack: Stack, lines: dict[str, str], built: Path) -> Iterator[str]:
    """`sam local start-lambda`, serving a version of compose's registry; the function's URL."""
    pin = lines["wine"].split("MODEL_VERSION=")[1].split()[0]
    port = free_port()
    command = f"{SAM_CLI} local start-lambda --template {built} --port {port} --skip-pull-image"
    command += f" --docker-network {stack.project}_default --parameter-overrides ModelName=wine ModelVersion={pin}"
    # A variable of the shell overrules the template's of the same name, which is how it gets another registry.
    environment = {
        **{name: value for name, value in stack.environment.items() if not name.startswith("MODEL_")},
        "MODEL_REGISTRY": "s3://models",
        "AWS_ENDPOINT_URL_S3": "http://s3:4566",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": "us-east-1",
        "SAM_CLI_TELEMETRY": "0",
        "FLASK_SKIP_DOTENV": "1",  # else a developer's .env decides what is served
    }
    with (built.parent / "log").open("wb") as log:
        process = subprocess.Popen(
            command.split(), cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 60
    while True:
        try:
            httpx.get(url, timeout=5)
            break
        except httpx.TransportError:
            assert process.poll() is None and time.monotonic() < deadline, (built.parent / "log").read_text()
            time.sleep(0.2)
    yield f"{url}/2015-03-31/functions/ServingFunction/invocations"
    os.killpg(process.pid, signal.SIGINT)  # it then removes its containers
    try:
        process.wait(60)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def test_sam_local_serves_the_pinned_version(function: str) -> None:
    answer = httpx.post(function, json={"data": ROW}, timeout=60).json()
    assert (answer["statusCode"], json.loads(answer["body"])["prediction"]) == (200, 0)
    assert json.loads(answer["body"])["model"] == {"name": "wine", "version": 1}
    event = {"requestContext": {"http": {"method": "GET", "path": "/model/version"}}, "rawPath": "/model/version"}
    version = json.loads(httpx.post(function, json=event, timeout=60).json()["body"])
    assert (version["name"], version["version"], version["pinned"]) == ("wine", 1, True)


def test_sam_local_answers_bad_input_as_serving_does(function: str) -> None:
    answer = httpx.post(function, json={"data": {"alcohol": "much"}}, timeout=60).json()
    assert answer["statusCode"] == 422
    assert answer["headers"]["content-type"] == "application/problem+json"
