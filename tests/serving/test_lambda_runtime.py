"""The handler in the real runtime client, under the real emulator, with a model in real S3."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from brinery.versions.reference import Reference
from brinery.versions.store import TRIES, Store, open_store
from serving.loader import FIRST_PAUSE
from tests.conftest import BUCKET, free_port, overwrite
from tests.examples import publish_example
from tests.faults.proxy import Proxy, proxy
from tests.lambda_runtime import emulator
from tests.serving.conftest import EVENTS, event_alb, event_v1, event_v2, problem_of, strict_json

Invoke = Callable[[Any], Any]
BODY = '{"data": ".10"}'


@pytest.fixture(scope="module")
def bucket(s3_endpoint: str) -> tuple[str, Reference]:
    """The registry's URL in S3, and the one-feature model published there."""
    url = f"s3://{BUCKET}/lambda-{time.time_ns()}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_S3", s3_endpoint)
        return url, publish_example(open_store(url), "alcohol")


@pytest.fixture(scope="module")
def counted(s3_endpoint: str) -> Iterator[Proxy]:
    with proxy(s3_endpoint) as running:
        yield running


@pytest.fixture(scope="module")
def invoke(bucket: tuple[str, Reference], counted: Proxy) -> Iterator[Invoke]:
    with emulator(pinned(bucket, counted.endpoint)) as invocation:
        yield invocation


def pinned(bucket: tuple[str, Reference], endpoint: str) -> dict[str, str]:
    url, reference = bucket
    return {
        "AWS_ENDPOINT_URL_S3": endpoint,
        "MODEL_REGISTRY": url,
        "MODEL_NAME": reference.name,
        "MODEL_VERSION": reference.version_text,
        "REQUIRE_PIN": "on",
    }


@pytest.mark.parametrize(
    "event",
    [*(make(BODY) for make in EVENTS.values()), {"data": ".10"}, {"body": {"data": ".10"}}],
    ids=[*EVENTS, "data", "body"],
)
def test_runtime_answers_each_shape(invoke: Invoke, event: dict[str, Any]) -> None:
    answer = invoke(event)
    assert answer["statusCode"] == 200, answer
    assert answer["isBase64Encoded"] is False
    assert strict_json(answer["body"])["model"] == {"name": "alcohol", "version": 1}


@pytest.mark.parametrize("shape", EVENTS)
def test_runtime_answers_the_other_paths(invoke: Invoke, shape: str) -> None:
    for path in ("/healthz", "/readyz", "/model/version", "/model/card", "/docs", "/openapi.json"):
        assert invoke(EVENTS[shape](method="GET", path=path))["statusCode"] == 200


def test_runtime_fetches_the_model_once(invoke: Invoke, counted: Proxy, bucket: tuple[str, Reference]) -> None:
    assert invoke(event_v2(BODY))["statusCode"] == 200
    before = list(counted.requests)
    for number in range(100):
        assert invoke({"data": 11 + number / 50})["statusCode"] == 200
    assert counted.requests == before
    folder = f"{bucket[0].removeprefix('s3://')}/{bucket[1].folder.removeprefix('/')}"
    fetched = [request for request in before if not request.endswith("card.html")]
    assert fetched == [
        f"GET /{folder}/{name}" for name in ("manifest.json", "model.onnx", "golden.json", "profile.json")
    ]


@pytest.mark.parametrize(
    "event",
    [
        [],
        "x",
        7,
        None,
        {},
        {"data": "\ud800"},
        {"data": {"\ud800": 1}},
        {"body": {"data": "\udfff\udfff"}},
        {"Records": [{"body": "\ud800"}]},
        event_v1('{"data": "\\ud800"}'),
        event_v1("\ud800"),
        event_v1(BODY, path="/\ud800"),
        event_v1(BODY, method="\ud800"),
        event_v2("a", isBase64Encoded=True),
        event_v2(BODY, headers={"content-type": "\ud800/\ud800"}, path="/\udfff"),
        event_v2(BODY, headers=None, method="GET"),
        event_alb("{", headers={"host": "a:b:c", "x-forwarded-port": "x"}),
        event_alb("\u0000"),
    ],
    ids=range(18),
)
def test_runtime_survives_odd_events(invoke: Invoke, event: Any) -> None:
    answer = invoke(event)
    assert 400 <= answer["statusCode"] < 500, answer
    problem_of(answer["body"], answer["statusCode"])
    assert invoke(event_v2(BODY))["statusCode"] == 200


def test_runtime_given_almost_six_megabytes_answers(invoke: Invoke) -> None:
    body = base64.b64encode(json.dumps({"data": ["x" * 100] * 40_000}).encode()).decode()
    answer = invoke(event_v2(body, isBase64Encoded=True))
    problem_of(answer["body"], 413)
    assert invoke(event_v2(BODY))["statusCode"] == 200


@pytest.mark.slow
def test_runtime_without_s3_at_init_answers_503_and_recovers(
    bucket: tuple[str, Reference], s3_endpoint: str, tmp_path: Path
) -> None:
    port = free_port()
    with emulator(pinned(bucket, f"http://127.0.0.1:{port}"), log=tmp_path / "log") as invoke:
        answer = invoke(event_v2(BODY))
        assert problem_of(answer["body"], 503)["detail"] == "the registry cannot be read; the log says why"
        assert invoke(event_v2(method="GET", path="/healthz"))["statusCode"] == 200
        assert int(answer["headers"]["retry-after"]) >= 1
        with proxy(s3_endpoint, port):
            wait_until_it_serves(invoke)
        assert invoke(event_v2(BODY))["statusCode"] == 200
    logged = (tmp_path / "log").read_text()
    assert '"level": "ERROR"' in logged
    assert "Traceback" not in logged.partition("Failed to get next")[0].partition("LAMBDA_RUNTIME")[0]


@pytest.mark.campaign
def test_runtime_with_s3_stalling_at_init_gives_up_answers_503_and_recovers(
    bucket: tuple[str, Reference], s3_endpoint: str
) -> None:
    """That the tries end within the init phase of 10 seconds is said by their time limits, in tests/faults."""
    with proxy(s3_endpoint) as stalling, emulator(pinned(bucket, stalling.endpoint)) as invoke:
        stalling.fail("stall", 10**6)
        answer = invoke(event_v2(BODY))
        assert problem_of(answer["body"], 503)["detail"] == "the registry cannot be read; the log says why"
        assert len(stalling.requests) == TRIES
        stalling.fail("stall", 0)
        wait_until_it_serves(invoke)


def wait_until_it_serves(invoke: Invoke, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while (answer := invoke(event_v2(BODY)))["statusCode"] != 200:
        problem_of(answer["body"], 503)
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.slow
def test_runtime_with_changed_artifact_never_serves_nor_fetches_again(s3_store: Store, s3_endpoint: str) -> None:
    reference = publish_example(s3_store, "alcohol")
    path = f"{reference.folder}/model.onnx"
    data = bytearray(s3_store.read(path, 10**6))
    data[len(data) // 2] ^= 1
    overwrite(s3_store, path, bytes(data))
    with (
        proxy(s3_endpoint) as counting,
        emulator(pinned((s3_store.url, reference), counting.endpoint)) as invoke,
    ):
        for _ in range(3):
            answer = invoke(event_v2(BODY))
            detail = problem_of(answer["body"], 503)["detail"]
            assert detail == "the model could not be verified; the log says why"
            time.sleep(0.6 * FIRST_PAUSE)  # two of them, and what may pass would have been tried again
        assert len(counting.requests) == 2
