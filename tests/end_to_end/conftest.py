"""The stack of docker-compose.yml, on a real engine, under a project name and ports of its own."""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.conftest import free_port
from tests.fresh_checkout import fresh_checkout

INVOCATIONS = "/2015-03-31/functions/function/invocations"
SET_BY_LINES = ("MODEL_NAME", "MODEL_VERSION", "MODEL_RECORD", "RUNTIME")
PUBLISHED = re.compile(
    r"^(?:RUNTIME=\S+ )?MODEL_NAME=(\S+) MODEL_VERSION=(\S+) docker compose up -d --wait serve$", re.MULTILINE
)

PROMOTES = re.compile(
    r"^docker compose run .* registry promote (\S+?):\d+@sha256:\S+ --env-file .env && .*$", re.MULTILINE
)


class Stack:
    """Compose commands as a person would type them, and HTTP calls to what they started."""

    def __init__(self, folder: Path, images: str | None = None) -> None:
        """`images` are those of another project, which are used instead of building its own."""
        self.folder = folder
        self.commit = fresh_checkout(folder)
        self.s3, self.serve, self.another, self.function = (f"http://127.0.0.1:{free_port()}" for _ in range(4))
        self.project = f"brinery-test-{uuid4().hex[:8]}"
        self.training = f"{images or self.project}-training"
        files = [os.environ.get("COMPOSE_FILE", "docker-compose.yml"), "tests/end_to_end/compose.test.yml"]
        ports = {
            "S3_PORT": self.s3,
            "SERVE_PORT": self.serve,
            "ANOTHER_PORT": self.another,
            "LAMBDA_PORT": self.function,
        }
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in SET_BY_LINES},
            "COMPOSE_FILE": ":".join(files),
            "COMPOSE_PROJECT_NAME": self.project,
            "TEST_IMAGES": images or self.project,
            **{variable: url.rpartition(":")[2] for variable, url in ports.items()},
        }

    def shell(self, line: str, timeout: float = 600) -> str:
        """What a line prints on stdout; a line that fails fails the test with all that it said."""
        done = subprocess.run(  # noqa: S602 - lines are run as a person pastes them
            line,
            shell=True,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def train(self, *models: str) -> dict[str, str]:
        """Train and publish; the lines that serve the new versions by hand, by model."""
        printed = self.shell(" ".join(["docker compose run --rm train", *models]))
        return {match[1]: match[0] for match in PUBLISHED.finditer(printed)}

    def down(self) -> None:
        """Stop and remove everything but the images."""
        self.shell("docker compose --profile '*' down --volumes --remove-orphans --timeout 2")

    def wait(self, url: str, seconds: float = 60) -> None:
        """Until the server that was just started answers."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                httpx.get(url, timeout=5)
                return
            except httpx.TransportError:
                if time.monotonic() > deadline:
                    raise AssertionError(f"{url} does not answer:\n{self.shell('docker compose logs')}") from None
                time.sleep(0.1)

    def promote(self, line: str) -> dict[str, Any]:
        """Run a pasted line literally; what /model/version says then."""
        self.shell(line)
        self.wait(f"{self.serve}/healthz")
        return self.version()

    def version(self) -> dict[str, Any]:
        answer: dict[str, Any] = httpx.get(f"{self.serve}/model/version", timeout=30).json()
        return answer

    def invoke(self, event: object) -> dict[str, Any]:
        """One invocation through the runtime emulator, which answers 200 whatever happens."""
        answer: dict[str, Any] = httpx.post(f"{self.function}{INVOCATIONS}", json=event, timeout=60).json()
        return answer

    def start_function(self, line: str) -> None:
        """Start the Lambda function on the version of a pasted line."""
        self.shell(line.replace("up -d --wait serve", "up -d --force-recreate lambda"))
        self.wait(self.function)

    def s3_requests(self) -> int:
        """Requests for objects that the S3 service has logged, all that came before this call among them."""
        marker = uuid4().hex
        httpx.head(f"{self.s3}/models/{marker}", timeout=30)
        deadline = time.monotonic() + 30
        while marker not in (logged := self.shell("docker compose logs --no-log-prefix s3")):
            assert time.monotonic() < deadline, logged
        return len(re.findall(r'"[A-Z]+ /models\b', logged)) - logged.count('"HEAD /models/')


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """An empty project of a fresh checkout; everything in it is removed at the end, images and data too."""
    stack = Stack(tmp_path_factory.mktemp("checkout"))
    try:
        yield stack
    finally:
        stack.down()
        images = stack.shell(f"docker image ls --quiet --filter reference='{stack.project}-*' | sort -u")
        stack.shell("docker image rm --force " + images.replace("\n", " "))


@pytest.fixture(scope="session")
def lines(stack: Stack) -> dict[str, str]:
    """The first run of training, from nothing: the lines that it prints, by model."""
    return stack.train()
