"""SnapStart: what a snapshot is taken of, and what answers after it was restored; nothing of it was tried on AWS."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from brinery.errors import AccessDenied, BrineryError, DigestMismatch, StoreUnavailable, VersionMissing
from brinery.loading.model import VerifiedModel
from brinery.versions.store import Store, open_store
from serving.loader import INIT_SECONDS, Loader
from serving.snapshot import SNAPSHOT_SECONDS, NotKept, prepare
from tests.conftest import ROOT, python
from tests.credentials_endpoint import Endpoint, credentials_endpoint
from tests.examples import publish_example
from tests.faults.proxy import Proxy, proxy
from tests.lambda_runtime import emulator
from tests.serving.conftest import event_v2, strict_json
from tests.snap_start import snap_started
from tests.waiting import wait_until

BODY = '{"data": ".10"}'
LIMIT = 130  # seconds that Lambda gives to the init of a snapshot


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with credentials_endpoint() as running:
        yield running


@pytest.fixture
def s3(s3_endpoint: str) -> Iterator[Proxy]:
    with proxy(s3_endpoint) as running:
        yield running


@pytest.fixture
def variables(s3_store: Store, s3: Proxy, endpoint: Endpoint) -> dict[str, str]:
    """All that the function is told; there are no keys among it."""
    reference = publish_example(s3_store, "alcohol")
    return {
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_S3": s3.endpoint,
        "MODEL_REGISTRY": s3_store.url,
        "MODEL_NAME": reference.name,
        "MODEL_VERSION": reference.version_text,
        "REQUIRE_PIN": "on",
        **endpoint.environment,
    }


@pytest.mark.slow
@pytest.mark.parametrize("minutes", [16, -1], ids=["that would be valid still", "that have ended"])
def test_restored_function_reads_s3_with_new_credentials_by_new_connections(
    variables: dict[str, str], s3: Proxy, endpoint: Endpoint, tmp_path: Path, minutes: float
) -> None:
    endpoint.minutes = minutes
    with snap_started(variables, tmp_path) as function:
        function.freeze()
        assert set(s3.keys) == {"FIRST"} and set(endpoint.asked) == {"first-token"}
        hours_pass(s3, endpoint)
        function.restore(AWS_CONTAINER_AUTHORIZATION_TOKEN=endpoint.token)
        asked = function.invoke(event_v2(BODY))
        version = function.invoke(event_v2(method="GET", path="/model/version"))
        assert (asked["statusCode"], version["statusCode"]) == (200, 200)
        assert s3.requests == [] == endpoint.asked
        card = function.invoke(event_v2(method="GET", path="/model/card"))
        assert card["statusCode"] == 200, (tmp_path / "function.log").read_text()
        assert card["body"].lstrip().startswith("<")
    assert [request.rpartition("/")[2] for request in s3.requests] == ["card.html"]
    assert (s3.keys, s3.lost, endpoint.asked) == (["SECOND"], [], ["second-token"])


def hours_pass(s3: Proxy, endpoint: Endpoint) -> None:
    """In the world, not in the process: its keys end, nothing knows its connections, it will have another token."""
    s3.end("FIRST")
    s3.forget()
    endpoint.token, endpoint.key, endpoint.minutes = "second-token", "SECOND", 16
    del s3.keys[:], s3.requests[:], endpoint.asked[:]


@pytest.mark.slow
def test_snapshot_holds_no_connection(variables: dict[str, str], s3: Proxy, tmp_path: Path) -> None:
    with snap_started(variables, tmp_path) as function:
        function.freeze()
        assert len(s3.requests) == 4
        wait_until(lambda: s3.open == 0)


@pytest.mark.slow
def test_function_reads_s3_with_what_the_emulators_endpoint_gives(variables: dict[str, str], s3: Proxy) -> None:
    """AWS's own code of the endpoint; of the restore it has none."""
    with emulator({**variables, "AWS_ACCESS_KEY_ID": "EMULATED"}, snap_start=True) as invoke:
        assert invoke(event_v2(BODY))["statusCode"] == 200
        assert invoke(event_v2(method="GET", path="/model/card"))["statusCode"] == 200
    assert len(s3.requests) == 5
    assert set(s3.keys) == {"EMULATED"}


@pytest.mark.slow
def test_restored_function_without_credentials_answers_503_and_recovers(
    variables: dict[str, str], s3: Proxy, endpoint: Endpoint, tmp_path: Path
) -> None:
    with snap_started(variables, tmp_path) as function:
        function.freeze()
        endpoint.token = "second-token"
        function.restore()
        event = event_v2(method="GET", path="/model/card")
        refused = function.invoke(event)
        assert (refused["statusCode"], refused["headers"]["retry-after"]) == (503, "5")
        assert function.invoke(event_v2(BODY))["statusCode"] == 200
        endpoint.token = "first-token"
        assert function.invoke(event)["statusCode"] == 200
    logged = [json.loads(line) for line in (tmp_path / "function.log").read_text().splitlines() if line[0] == "{"]
    assert [line["error"] for line in logged if line.get("level") == "ERROR"] == ["CredentialsUnavailable"]
    assert "first-token" not in (tmp_path / "function.log").read_text()


@pytest.mark.slow
def test_restored_function_tells_no_cold_start(variables: dict[str, str], tmp_path: Path) -> None:
    """What was fetched and loaded before the snapshot is nothing that this start took."""
    with snap_started(variables, tmp_path) as function:
        function.freeze()
        function.restore()
        told = strict_json(function.invoke(event_v2(method="GET", path="/model/version"))["body"])
    assert set(told["snapshot_seconds"]) == {"import", "fetch", "verify", "load", "self_test"}
    assert "cold_start_seconds" not in told


@pytest.mark.slow
def test_function_without_model_fails_its_init(variables: dict[str, str], tmp_path: Path) -> None:
    with snap_started({**variables, "MODEL_VERSION": f"1@sha256:{'0' * 64}"}, tmp_path) as function:
        assert function.wait_for_the_end() == 1
    assert function.init_error is not None
    assert function.init_error["errorType"] == "NotKept"
    message = function.init_error["errorMessage"]
    assert message.startswith("no snapshot is taken without a verified model: DigestMismatch: ")
    assert "it is not the pinned one" in message


@pytest.mark.slow
@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"MODEL_VERSION": ""}, "MODEL_VERSION is not set; set it to a version with its digest, such as 7@sha256:..."),
        ({"MODEL_VERSION": "latest"}, "ReferenceInvalid: version 'latest' of"),
        ({"REQUIRE_PIN": "on"}, "PinRequired: alcohol:1 has no digest, and REQUIRE_PIN is on"),
        ({"MAX_ROWS": "many"}, "SettingInvalid: MAX_ROWS is 'many'"),
        ({"MODEL_FORMAT": "onnx", "MODEL_VERSION": "1@sha256:" + "0" * 64}, "DigestMismatch: "),
    ],
)
def test_handler_without_model_raises_at_import_in_ascii(
    folder_store: Store, environment: dict[str, str], told: str
) -> None:
    publish_example(folder_store, "alcohol")
    given = {"MODEL_REGISTRY": folder_store.url, "MODEL_NAME": "alcohol", "MODEL_VERSION": "1", **environment}
    ran = python("-c", "import serving.handler", AWS_LAMBDA_INITIALIZATION_TYPE="snap-start", **given)
    assert ran.returncode == 1
    raised = ran.stderr.splitlines()[-1]
    assert raised.isascii() and raised.startswith("serving.snapshot.NotKept: no snapshot is taken without a verified")
    assert told in raised
    assert json.loads(ran.stderr.splitlines()[0])["level"] == "ERROR"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["on-demand", "provisioned-concurrency", ""])
def test_handler_without_model_is_imported_where_no_snapshot_is_taken(folder_store: Store, kind: str) -> None:
    given = {"MODEL_REGISTRY": folder_store.url, "AWS_LAMBDA_INITIALIZATION_TYPE": kind}
    program = "import serving.handler, sys; print('snapshot_restore_py' in sys.modules)"
    ran = python("-c", program, **given)
    assert (ran.returncode, ran.stdout) == (0, "False\n")


@pytest.mark.slow
@pytest.mark.parametrize("faults", [1, pytest.param(4, marks=pytest.mark.campaign)])
def test_handler_tries_again_until_a_fault_has_passed(tmp_path: Path, faults: int) -> None:
    """Four take longer than the init without a snapshot may take."""
    hidden, registry = tmp_path / "hidden", tmp_path / "registry"
    reference = publish_example(open_store(hidden.as_uri(), create=True), "alcohol")
    function = subprocess.Popen(
        [sys.executable, "-c", "import serving.handler"],
        env={
            **os.environ,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
            "MODEL_REGISTRY": registry.as_uri(),
            "MODEL_NAME": reference.name,
            "MODEL_VERSION": reference.version_text,
        },
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert function.stderr is not None
    with function, function.stderr as log:
        assert [json.loads(log.readline())["level"] for _ in range(faults)] == ["ERROR"] * faults
        hidden.rename(registry)
        rest = log.read()
    assert function.returncode == 0
    assert json.loads(rest)["message"] == f"serving {reference}"


class Time:
    """A clock, and what waits by it."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize("fault", [StoreUnavailable("no answer"), AccessDenied("denied"), VersionMissing("not there")])
def test_fault_that_may_pass_is_tried_again_within_the_bound_and_then_raised(fault: BrineryError) -> None:
    clock, attempts = Time(), []

    def fail() -> VerifiedModel:
        attempts.append(clock.now - 100)
        raise fault

    with pytest.raises(NotKept, match=f"{type(fault).__name__}: {fault}$"):
        prepare(Loader(fail, clock, clock.sleep), "file:///nowhere", SNAPSHOT_SECONDS)
    assert attempts == [0, 1, 3, 7, 15, 31, 61, 91]
    assert INIT_SECONDS < SNAPSHOT_SECONDS < LIMIT - 5


def test_check_that_failed_is_raised_at_once() -> None:
    attempts = []

    def fail() -> VerifiedModel:
        attempts.append(1)
        raise DigestMismatch("wine:7 is “another”\u2026")

    with pytest.raises(NotKept) as caught:
        prepare(Loader(fail), "file:///nowhere", SNAPSHOT_SECONDS)
    assert str(caught.value).endswith("DigestMismatch: wine:7 is \\u201canother\\u201d...")
    assert attempts == [1]


def test_load_that_does_not_end_is_raised() -> None:
    release = threading.Event()

    def hang() -> VerifiedModel:
        release.wait(30)
        raise DigestMismatch("late")

    with pytest.raises(NotKept, match="StoreUnavailable: the model was not loaded within 0 seconds"):
        prepare(Loader(hang), "file:///nowhere", 0.05)
    release.set()


def test_error_that_nobody_thought_of_is_raised() -> None:
    def fail() -> VerifiedModel:
        raise ZeroDivisionError("one")

    with pytest.raises(NotKept, match="ModelInvalid: an unexpected ZeroDivisionError, which was logged"):
        prepare(Loader(fail), "file:///nowhere", 1)


def test_copies_of_a_snapshot_draw_other_random_numbers(folder_store: Store) -> None:
    reference = publish_example(folder_store, "alcohol")
    program = (
        "import random, serving.handler\n"
        "from awslambdaric.lambda_runtime_hooks_runner import run_after_restore, run_before_snapshot\n"
        "run_before_snapshot()\n"
        "kept = random.getstate()\n"
        "run_after_restore()\n"
        "print(random.getstate() != kept)"
    )
    given = {"MODEL_REGISTRY": folder_store.url, "MODEL_NAME": "alcohol", "MODEL_VERSION": reference.version_text}
    ran = python("-c", program, AWS_LAMBDA_INITIALIZATION_TYPE="snap-start", **given)
    assert ran.stdout == "True\n", ran.stderr
