"""Traces: what a collector gets of requests, decoded by the official protobufs; and nothing where none is named."""

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from brinery.versions.store import Store
from tests.background import in_background
from tests.conftest import python
from tests.examples import WINE, publish_example
from tests.job_service import make_jobs
from tests.lambda_runtime import emulator
from tests.serving.conftest import event_v2
from tests.serving.served import served
from tests.waiting import wait_until

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
HEADERS = {"traceparent": f"00-{TRACE}-{PARENT}-01", "content-type": "application/json"}


class Collector:
    """The spans that came, and of which service."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.spans: list[Any] = []
        self.services: set[str] = set()

    def take(self, data: bytes) -> None:
        for resource in ExportTraceServiceRequest.FromString(data).resource_spans:
            found = {each.key: each.value.string_value for each in resource.resource.attributes}
            self.services.add(found["service.name"])
            for scope in resource.scope_spans:
                self.spans += scope.spans

    def of(self, trace: str) -> dict[str, Any]:
        """The spans of a trace, by name."""
        return {span.name: span for span in self.spans if span.trace_id.hex() == trace}


@contextmanager
def collecting() -> Iterator[Collector]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces" and self.headers["content-type"] == "application/x-protobuf"
            data = self.rfile.read(int(self.headers["content-length"]))
            collector.take(gzip.decompress(data) if self.headers["content-encoding"] == "gzip" else data)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    with in_background(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server:
        collector = Collector(f"http://127.0.0.1:{server.server_port}")
        yield collector


def held_to(spans: dict[str, Any], request: str, *children: str) -> None:
    """The request's span is within the caller's, and the others within it."""
    assert {*spans} == {request, *children}
    root = spans[request]
    assert root.parent_span_id.hex() == PARENT and root.kind == root.SPAN_KIND_SERVER
    for name in children:
        assert spans[name].parent_span_id == root.span_id
        assert root.start_time_unix_nano <= spans[name].start_time_unix_nano <= spans[name].end_time_unix_nano
        assert spans[name].end_time_unix_nano <= root.end_time_unix_nano


@pytest.mark.slow
@pytest.mark.parametrize("rows", [1, 500])
def test_request_has_spans_of_parse_and_predict(folder_store: Store, tmp_path: Path, rows: int) -> None:
    """One row is answered at once, many in a thread of their own."""
    pin = publish_example(folder_store, "wine").version_text
    with collecting() as collector:
        named = {"MODEL_REGISTRY": folder_store.url, "MODEL_VERSION": pin, "OTEL_SERVICE_NAME": "mine"}
        with served(tmp_path, None, OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint, **named) as server:
            answer = server.client.post("/predict", json={"data": [WINE] * rows}, headers=HEADERS)
            assert answer.status_code == 200 and server.client.get("/healthz").status_code == 200
    held_to(collector.of(TRACE), "POST /predict", "parse", "predict")
    assert collector.services == {"mine"}


@pytest.mark.slow
def test_job_has_spans_of_store_and_queue(folder_store: Store, tmp_path: Path, jobs_endpoint: str) -> None:
    service, pin = make_jobs(jobs_endpoint, tmp_path), publish_example(folder_store, "wine").version_text
    named = {"MODEL_REGISTRY": folder_store.url, "MODEL_NAME": "wine", "MODEL_VERSION": pin, **service.variables}
    with collecting() as collector:
        with served(tmp_path, None, OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint, **named) as server:
            assert server.client.post("/jobs", json={"data": WINE}, headers=HEADERS).status_code == 202
    held_to(collector.of(TRACE), "POST /jobs", "store", "queue")
    assert collector.services == {"wine"}


@pytest.mark.slow
def test_function_sends_its_spans_before_it_answers(folder_store: Store) -> None:
    pin = publish_example(folder_store, "wine").version_text
    named = {"MODEL_REGISTRY": folder_store.url, "MODEL_VERSION": pin, "AWS_LAMBDA_FUNCTION_NAME": "fn"}
    event = event_v2(json.dumps({"data": WINE}))
    event["headers"] = {**event["headers"], **HEADERS}
    with collecting() as collector, emulator({**named, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint}) as invoke:
        assert invoke(event)["statusCode"] == 200
        held_to(collector.of(TRACE), "POST /classify", "parse", "predict")


@pytest.mark.slow
def test_collector_that_is_away_costs_no_answer(folder_store: Store, tmp_path: Path) -> None:
    pin = publish_example(folder_store, "wine").version_text
    named = {"MODEL_REGISTRY": folder_store.url, "MODEL_VERSION": pin}
    with served(tmp_path, None, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", **named) as server:
        assert [server.client.post("/predict", json={"data": WINE}).status_code for _ in range(20)] == [200] * 20
        wait_until(lambda: server.client.get("/healthz").status_code == 200)


@pytest.mark.slow
def test_without_a_collector_nothing_is_imported(folder_store: Store) -> None:
    pin = publish_example(folder_store, "wine").version_text
    asked = """
import sys
from serving.handler import handler
assert handler({"data": %s}, None)["statusCode"] == 200
assert not [name for name in sys.modules if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter"))]
"""
    ran = python("-c", asked % WINE, MODEL_REGISTRY=folder_store.url, MODEL_VERSION=pin)
    assert ran.returncode == 0, ran.stderr
