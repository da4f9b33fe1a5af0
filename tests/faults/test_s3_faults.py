"""Faults of S3 at cold start: recovered where they pass, answered where they last, never served."""

import time
from collections.abc import Iterator
from typing import get_args

import pytest

from brinery.errors import ArtifactDigest, BrineryError, DigestMismatch
from brinery.versions.store import Store, open_store
from serving.loader import Loader, NotServing, load_pinned
from serving.settings import Settings
from tests.conftest import BUCKET
from tests.examples import publish_example
from tests.faults.proxy import Fault, Proxy, proxy

FILES = ("manifest.json", "model.onnx", "golden.json")
PASSING: list[Fault] = [fault for fault in get_args(Fault) if fault != "flip"]
# Lambda's init phase has 10 seconds; a second of them goes to what is imported before.
DEADLINE = 9.0


@pytest.fixture(scope="module")
def faulty(s3_endpoint: str) -> Iterator[Proxy]:
    with proxy(s3_endpoint) as running:
        yield running


@pytest.fixture
def settings(s3_endpoint: str, faulty: Proxy, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Those of a server that reaches S3 through the proxy, with one model published."""
    url = f"s3://{BUCKET}/faults-{time.time_ns()}"
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_endpoint)
    reference = publish_example(open_store(url), "alcohol")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", faulty.endpoint)
    faulty.requests.clear()
    faulty.fail("reset", 0)
    return Settings(url, model_name="alcohol", model_version=reference.version_text, require_pin=True)


@pytest.mark.parametrize("fault", PASSING)
@pytest.mark.parametrize(("file", "times"), [("manifest.json", 3), ("model.onnx", 1), ("golden.json", 1)])
def test_cold_start_recovers_from_faults_that_pass(
    settings: Settings, faulty: Proxy, fault: Fault, times: int, file: str
) -> None:
    faulty.fail(fault, times, file)
    started = time.monotonic()
    model = load_pinned(settings)
    assert time.monotonic() - started < DEADLINE
    assert model.answer("13.2", 1).single
    assert len(faulty.requests) == len(FILES) + times


@pytest.mark.parametrize("fault", PASSING)
def test_cold_start_with_lasting_fault_answers_in_time_and_is_healthy_again_after_it(
    settings: Settings, faulty: Proxy, fault: Fault
) -> None:
    loader = Loader(lambda: load_pinned(settings))
    faulty.fail(fault, 10**6)
    started = time.monotonic()
    with pytest.raises(NotServing, match="the store (sends too slowly|did not answer as it should)") as refused:
        loader.get()
    assert time.monotonic() - started < DEADLINE
    assert refused.value.retry_after >= 1
    tried = len(faulty.requests)
    with pytest.raises(NotServing):
        loader.get()
    assert len(faulty.requests) == tried
    faulty.fail(fault, 0)
    time.sleep(refused.value.retry_after)
    assert loader.get().manifest.name == "alcohol"


@pytest.mark.parametrize(
    ("file", "error", "requests"),
    [("manifest.json", DigestMismatch, 1), ("model.onnx", ArtifactDigest, 2), ("golden.json", ArtifactDigest, 3)],
)
def test_cold_start_with_flipped_byte_is_refused_and_never_tried_again(
    settings: Settings, faulty: Proxy, file: str, error: type[BrineryError], requests: int
) -> None:
    faulty.fail("flip", 1, file)
    with pytest.raises(error):
        load_pinned(settings)
    faulty.requests.clear()
    faulty.fail("flip", 1, file)
    now = [0.0]
    loader = Loader(lambda: load_pinned(settings), clock=lambda: now[0])
    for _ in range(5):
        with pytest.raises(NotServing):
            loader.get()
        now[0] += 3600
    assert len(faulty.requests) == requests


def test_cold_start_that_takes_long_is_told_to_the_caller_and_goes_on(settings: Settings, faulty: Proxy) -> None:
    loader = Loader(lambda: load_pinned(settings))
    faulty.fail("stall", 1)
    started = time.monotonic()
    with pytest.raises(NotServing, match="the model is still being loaded") as refused:
        loader.get(seconds=0.5)
    assert time.monotonic() - started < 1.5
    assert refused.value.retry_after == 1
    assert loader.get().manifest.name == "alcohol"
    assert len(faulty.requests) == len(FILES) + 1


def test_slow_upload_is_not_taken_for_a_stall(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A time limit on reads must not end a write that takes longer."""
    with proxy(s3_endpoint) as slow:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", slow.endpoint)
        store = open_store(f"s3://{BUCKET}/slow-{time.time_ns()}")
        slow.delay(3)
        store.create("a", b"written slowly")
        assert slow.requests == [f"PUT /{store.url.removeprefix('s3://')}/a"]
        slow.delay(0)
        assert bytes(store.read("a", 100)) == b"written slowly"


def test_large_object_in_many_pieces_is_read_whole(settings: Settings, faulty: Proxy, s3_store: Store) -> None:
    data = bytes(range(256)) * 40_000
    s3_store.create("large", data)
    faulty.fail("cut", 2, "large")
    store = open_store(s3_store.url)
    assert bytes(store.read("large", len(data))) == data
