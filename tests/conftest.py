"""Real parts for all tests: S3 over HTTP, folders, published models."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import obstore
import pytest
from moto.server import ThreadedMotoServer
from obstore.store import MemoryStore

from brinery.versions.reference import Reference
from brinery.versions.store import Store, open_store
from tests.examples import publish_example
from tests.https_site import make_certificate
from tests.job_service import SERVICES as JOB_SERVICES
from tests.kept_process import kept, started_anew
from tests.simulation.world import SimulatedStore, World

ROOT = Path(__file__).parent.parent
LOCAL_AWS = "ministack==1.5.33"
SAM = "aws-sam-translator==1.115.0"
TOOL = (os.environ.get("UV", "uv"), "tool", "run", "--quiet", "--python", "3.13", "--from")
SAM_CLI = " ".join([*TOOL, "aws-sam-cli==1.170.0", "sam"])
BUCKET = "models"
LEFT_OUT = {
    "slow": "the slow ones, which start processes or fit models for seconds each",
    "campaign": "the campaigns, tests of these with larger parameters",
    "browser": "the tests that need Chromium, its driver and Node",
    "docker": "the tests that need a Docker engine",
}


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """In CI nothing may be skipped: a missing part is a failure there."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.skipped and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longrepr}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes a minute in a fresh checkout comes first, beside the others and not after them.

    A case of a slow test that is one of a campaign is that alone, so that no test is run twice.
    """
    items.sort(key=lambda item: item.path.name != "test_style.py")
    for item in items:
        if item.get_closest_marker("campaign"):
            item.own_markers = [mark for mark in item.own_markers if mark.name != "slow"]


def pytest_configure(config: pytest.Config) -> None:
    """What every process that a test starts inherits, those that run the tests too.

    A shell starts its background jobs with SIGINT ignored. OpenMP's threads spin while they wait for one whose core
    another process has, which made a program of four seconds one of 36.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Tests in containers are one after the other: they share an engine, its images and its ports."""
    return 0 if config.option.markexpr == "docker" else min(4, os.cpu_count() or 1)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for report in (report for outcome in ("passed", "failed") for report in terminalreporter.getreports(outcome)):
        for name, lines in report.user_properties:
            terminalreporter.write_line(f"{name}: {lines}")
    for mark, what in LEFT_OUT.items():
        if f"not {mark}" in config.option.markexpr:
            terminalreporter.write_line(f"left out: {what}; run them with: uv run pytest -m {mark}")


@pytest.fixture(scope="session", autouse=True)
def _environment() -> Iterator[None]:
    """The tests' own AWS settings, so that no test ever reaches a real account."""
    with pytest.MonkeyPatch.context() as patch:
        for variable in list(os.environ):
            if variable.startswith(("AWS_", "MODEL_", "MODELS_")) and variable != "AWS_CA_BUNDLE":
                patch.delenv(variable)
        for variable, value in (
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ):
            patch.setenv(variable, value)
        yield


@pytest.fixture(scope="session", autouse=True)
def _model_process() -> Iterator[None]:
    """One process for models' code, which commands in this process use one after the other."""
    with kept():
        yield


@pytest.fixture
def own_model_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of that process: none is used again."""
    started_anew(monkeypatch)


@pytest.fixture(scope="session")
def s3_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The S3 service of docker-compose.yml, without Docker."""
    with s3_service(tmp_path_factory.mktemp("s3")) as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def jobs_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The services of jobs beside it."""
    with s3_service(tmp_path_factory.mktemp("jobs"), JOB_SERVICES) as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def moto_endpoint() -> Iterator[str]:
    """The second opinion on S3."""
    server = ThreadedMotoServer("127.0.0.1", free_port(), verbose=False)
    server.start()
    endpoint = "http://{}:{}".format(*server.get_host_and_port())
    make_bucket(endpoint)
    yield endpoint
    server.stop()


@pytest.fixture(params=["s3", "moto", "folder", "memory", "simulated"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """An empty registry on each kind of store."""
    if request.param == "memory":
        return Store(MemoryStore(), "memory:")
    if request.param == "simulated":
        return SimulatedStore(World())
    if request.param == "folder":
        return open_store((tmp_path / "registry").as_uri(), create=True)
    fixture = {"s3": "s3_endpoint", "moto": "moto_endpoint"}[request.param]
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", request.getfixturevalue(fixture))
    return open_store(f"s3://{BUCKET}/{tmp_path.name}-{time.time_ns()}")


@pytest.fixture
def s3_store(s3_endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_endpoint)
    return open_store(f"s3://{BUCKET}/{tmp_path.name}-{time.time_ns()}")


@pytest.fixture
def folder_store(tmp_path: Path) -> Store:
    return open_store((tmp_path / "registry").as_uri(), create=True)


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, dict[str, Reference]]:
    """A folder registry, not to be changed, with one version of each example model."""
    store = open_store(tmp_path_factory.mktemp("published").as_uri(), create=True)
    return store, {name: publish_example(store, name) for name in ("wine", "alcohol", "mixed", "progress")}


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What makes a server at localhost trusted, where SSL_CERT_FILE names it."""
    return make_certificate(tmp_path_factory.mktemp("tls"))


@contextmanager
def s3_service(folder: Path, services: str = "s3,sts") -> Iterator[str]:
    """Run the S3 service, or others, with data in `folder`, and yield its endpoint once the bucket is there."""
    port = free_port()
    environment = {
        **os.environ,
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(folder),
        "SERVICES": services,
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
    }
    translator = ["--with", SAM] if "cloudformation" in services else []
    command = [*TOOL, LOCAL_AWS, *translator, "ministack"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        endpoint = f"http://127.0.0.1:{port}"
        make_bucket(endpoint, process)
        yield endpoint
    finally:
        os.killpg(process.pid, 9)
        process.wait()


def overwrite(store: Store, path: str, data: bytes) -> None:
    """What an attacker with write access to the bucket can do, and Brinery never does."""
    obstore.put(store.backend, path, data, mode="overwrite")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_bucket(endpoint: str, process: subprocess.Popen[bytes] | None = None, seconds: float = 90) -> None:
    """Create the bucket as soon as the service answers."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(urllib.request.Request(f"{endpoint}/{BUCKET}", method="PUT"), timeout=10).close()
            return
        except (urllib.error.URLError, OSError):
            if time.monotonic() > deadline or (process is not None and process.poll() is not None):
                raise
            time.sleep(0.1)


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run this Python in a process of its own, in the project's folder."""
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
    )
