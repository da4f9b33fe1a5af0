"""Faults of S3 at cold start: recovered where they pass, answered where they last, never served."""

import time
from collections.abc import Iterator
from threading import Event
from typing import Any, get_args

import pytest

from brinery.errors import ArtifactDigest, BrineryError, DigestMismatch
from brinery.loading.model import VerifiedModel
from brinery.versions.body import STALL_SECONDS
from brinery.versions.store import READING, RETRY, TRIES, Store, open_store
from serving.loader import ANSWER_SECONDS, INIT_SECONDS, Loader, NotServing, load_pinned
from serving.settings import Settings
from tests.conftest import BUCKET
from tests.examples import publish_example
from tests.faults.proxy import Fault, Proxy, proxy

FILES = ("manifest.json", "model.onnx", "golden.json", "profile.json")
PASSING: list[Fault] = [fault for fault in get_args(Fault) if fault != "flip"]
SLOW: tuple[Fault, ...] = ("stall", "stall_in_body", "drip")  # seconds a try
PATIENCE = 50.0  # of a person; a stalled answer never comes before 60


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


def recoveries() -> list[Any]:
    """Each fault at each file, at the manifest three times; of the slow ones, one case outside the campaign."""
    places = [("manifest.json", 3), ("model.onnx", 1), ("golden.json", 1)]
    return [
        pytest.param(fault, file, times, marks=[pytest.mark.campaign] * (fault in SLOW and file != "model.onnx"))
        for fault in PASSING
        for file, times in places
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "file", "times"), recoveries())
def test_cold_start_recovers_from_faults_that_pass(
    settings: Settings, faulty: Proxy, fault: Fault, file: str, times: int
) -> None:
    faulty.fail(fault, times, file)
    model = Loader(lambda: load_pinned(settings)).get(PATIENCE)
    assert model.answer("13.2", 1).single
    assert len(faulty.requests) == len(FILES) + times


@pytest.mark.parametrize(
    "fault", [pytest.param(each, marks=[pytest.mark.campaign] * (each in SLOW)) for each in PASSING]
)
def test_cold_start_with_lasting_fault_gives_up_and_is_healthy_again_after_it(
    settings: Settings, faulty: Proxy, fault: Fault
) -> None:
    now = [0.0]
    loader = Loader(lambda: load_pinned(settings), clock=lambda: now[0])
    faulty.fail(fault, 10**6)
    with pytest.raises(NotServing, match="the registry cannot be read; the log says why") as refused:
        loader.get(PATIENCE)
    assert refused.value.retry_after >= 1
    tried = list(faulty.requests)
    assert len(tried) == TRIES and len(set(tried)) == 1  # of the manifest, and nothing after it
    with pytest.raises(NotServing):
        loader.get(PATIENCE)
    assert faulty.requests == tried
    faulty.fail(fault, 0)
    now[0] += refused.value.retry_after
    assert loader.get(PATIENCE).manifest.name == "alcohol"


def test_tries_that_all_stall_end_before_the_answer_must_come_and_that_within_lambdas_init_phase() -> None:
    """What a stalled try takes at most, and what lies between tries, as they are given to the client."""
    assert READING.get("read_timeout") == READING.get("connect_timeout") == f"{STALL_SECONDS:g}s"
    backoff = RETRY["backoff"]
    pauses = [backoff["init_backoff"].total_seconds() * backoff["base"] ** n for n in range(1, TRIES)]
    assert RETRY["max_retries"] == TRIES - 1
    assert TRIES * STALL_SECONDS + sum(pauses) < ANSWER_SECONDS <= INIT_SECONDS < 10


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
    told = Event()

    def load_when_told() -> VerifiedModel:
        assert told.wait(PATIENCE)
        return load_pinned(settings)

    loader = Loader(load_when_told)
    with pytest.raises(NotServing, match="the model is still being loaded") as refused:
        loader.get(seconds=0.1)
    assert refused.value.retry_after == 1
    told.set()
    assert loader.get(PATIENCE).manifest.name == "alcohol"
    assert len(faulty.requests) == len(FILES)


@pytest.mark.slow
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
