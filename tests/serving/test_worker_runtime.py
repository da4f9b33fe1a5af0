"""The worker as Lambda runs it: the real runtime client and emulator, driven by a real event source of the queue."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from brinery.versions.reference import Reference
from tests.conftest import free_port, s3_service
from tests.examples import WINE
from tests.job_service import SERVICES, JobService, drive_worker, make_jobs
from tests.lambda_runtime import emulator
from tests.serving.conftest import PUBLISHED
from tests.waiting import wait_until

BODY = json.dumps({"data": WINE}).encode()


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with s3_service(tmp_path_factory.mktemp("jobs"), f"{SERVICES},lambda,iam") as endpoint:
        yield endpoint


@pytest.fixture
def service(endpoint: str, tmp_path: Path) -> JobService:
    return make_jobs(endpoint, tmp_path, visibility=10)


@pytest.mark.slow
def test_event_source_drives_the_worker_and_takes_back_what_it_names(service: JobService, published: PUBLISHED) -> None:
    """A batch with a job to answer, a bad input, a message of nobody, and one whose version is not there yet."""
    store, references = published
    jobs, port = service.jobs(), free_port()
    missing = Reference.of("wine", f"9@sha256:{'a' * 64}")
    good, bad = jobs.submit(references["wine"], BODY), jobs.submit(references["wine"], b'{"data": [1]}')
    waiting = jobs.submit(missing, BODY)
    service.client("sqs").send_message(QueueUrl=service.queue_url, MessageBody='{"id": "of nobody"}')
    variables = {**service.variables, "MODEL_REGISTRY": store.url, "REQUIRE_PIN": "on"}
    with emulator(variables, "serving.worker.handler", port=port):
        worker_url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
        drive_worker(service.client("sqs"), service.client("lambda"), service.queue_url, worker_url)

        def is_worked_off() -> bool:
            states = {service.item(id)["state"]["S"] for id in (good, bad)}
            return states == {"done", "failed"} and service.waiting() == 1

        wait_until(is_worked_off, 90, lambda: (service.items(), service.waiting()))
    assert service.item(waiting)["state"]["S"] == "queued"  # whose message alone is in the queue still
    assert json.loads(service.item(good)["result"]["B"])["model"] == {"name": "wine", "version": 1}
