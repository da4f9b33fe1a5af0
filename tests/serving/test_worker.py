"""The worker: as a Lambda function behind SQS, and as a poller in a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from brinery.jobs.work import Worker
from brinery.versions.reference import Reference
from serving import worker as serving_worker
from serving.settings import Settings
from serving.worker import LOADED, Models, main
from tests.conftest import ROOT, free_port, python
from tests.examples import WINE
from tests.job_service import JobService, make_jobs
from tests.serving.conftest import PUBLISHED
from tests.waiting import wait_until

BODY = json.dumps({"data": WINE}).encode()


@pytest.fixture
def service(jobs_endpoint: str, tmp_path: Path) -> JobService:
    return make_jobs(jobs_endpoint, tmp_path, visibility=2)


def started(service: JobService, published: PUBLISHED, *options: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, **service.variables, "MODEL_REGISTRY": published[0].url, "REQUIRE_PIN": "on"}
    command = [sys.executable, "-m", "serving.worker", *options]
    return subprocess.Popen(command, env=environment, cwd=ROOT)


def states(service: JobService, ids: list[str]) -> list[str]:
    items = {item["id"]["S"]: item["state"]["S"] for item in service.items()}
    return [items[id] for id in ids]


def wait_for(service: JobService, ids: list[str], seconds: float = 60) -> None:
    wait_until(lambda: "queued" not in states(service, ids), seconds, lambda: states(service, ids))


@pytest.mark.slow
def test_poller_answers_what_waits_and_stops_when_it_is_told(service: JobService, published: PUBLISHED) -> None:
    jobs, pin = service.jobs(), published[1]["wine"]
    ids = [jobs.submit(pin, BODY) for _ in range(3)]
    process = started(service, published)
    wait_for(service, ids)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0
    assert states(service, ids) == ["done"] * 3
    assert service.waiting() == 0


@pytest.mark.slow
def test_once_ends_when_nothing_waits(service: JobService, published: PUBLISHED) -> None:
    id = service.jobs().submit(published[1]["wine"], BODY)
    process = started(service, published, "--once")
    assert process.wait(timeout=60) == 0 and states(service, [id]) == ["done"]


@pytest.mark.slow
def test_jobs_outlive_workers_that_are_killed(service: JobService, published: PUBLISHED) -> None:
    """Each by SIGKILL as soon as it has ended some; what it had received comes back, and what had ended stays."""
    jobs, pin = service.jobs(), published[1]["wine"]
    ids = [jobs.submit(pin, BODY) for _ in range(300)]
    ended: dict[str, Any] = {}
    for _ in range(4):
        process = started(service, published)
        deadline = time.monotonic() + 60
        while states(service, ids).count("done") <= len(ended):
            assert time.monotonic() < deadline
        process.kill()
        process.wait()
        now = {item["id"]["S"]: item for item in service.items() if item["state"]["S"] == "done"}
        assert {id: now[id] for id in ended} == ended
        ended = now
    assert len(ended) < len(ids)
    process = started(service, published)
    wait_for(service, ids)
    process.terminate()
    process.wait(timeout=30)
    assert states(service, ids) == ["done"] * len(ids)


@pytest.mark.slow
def test_dead_letters_are_ended_as_failed(service: JobService, published: PUBLISHED) -> None:
    id = service.jobs().submit(published[1]["wine"], BODY)
    sqs = service.client("sqs")
    (message,) = sqs.receive_message(QueueUrl=service.queue_url)["Messages"]
    sqs.delete_message(QueueUrl=service.queue_url, ReceiptHandle=message["ReceiptHandle"])
    sqs.send_message(QueueUrl=service.dead_url, MessageBody=message["Body"])
    assert started(service, published, "--once").wait(timeout=60) == 0
    assert states(service, [id]) == ["failed"]


def test_lambda_names_the_messages_that_must_come_again(
    service: JobService, published: PUBLISHED, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, references = published
    jobs = service.jobs()
    missing = Reference.of("wine", f"9@sha256:{'a' * 64}")
    ids = [jobs.submit(references["wine"], BODY), jobs.submit(missing, BODY)]
    working = Worker(jobs, Models(Settings(store.url)), True)
    monkeypatch.setattr(serving_worker, "_of_this_process", lambda: working)
    records = [{"messageId": f"m{n}", "body": json.dumps({"id": id})} for n, id in enumerate([*ids, "none"])]
    assert serving_worker.handler({"Records": records}, None) == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert states(service, ids) == ["done", "queued"]
    assert serving_worker.dead_letters({"Records": records[1:2]}, None) == {"batchItemFailures": []}
    assert states(service, ids) == ["done", "failed"]


@pytest.mark.slow
def test_a_job_that_breaks_the_model_comes_again_and_the_others_of_its_batch_are_answered(
    service: JobService, published: PUBLISHED, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Breaking(Models):
        def answer(self, pin: Reference, body: bytes) -> tuple[int, dict[str, Any]]:
            if body == b"breaks":
                raise MemoryError
            return super().answer(pin, body)

    jobs, pin = service.jobs(), published[1]["wine"]
    breaking, good = jobs.submit(pin, b"breaks"), jobs.submit(pin, BODY)
    worker = Worker(jobs, Breaking(Settings(published[0].url)), True)
    monkeypatch.setattr(serving_worker, "_of_this_process", lambda: worker)
    records = [{"messageId": id, "body": json.dumps({"id": id})} for id in (breaking, good)]
    assert serving_worker.handler({"Records": records}, None) == {"batchItemFailures": [{"itemIdentifier": breaking}]}
    assert states(service, [breaking, good]) == ["queued", "done"]
    serving_worker.Poller(worker, None).run(once=True)
    assert states(service, [breaking, good]) == ["queued", "done"] and service.waiting() == 1


def test_two_models_are_kept_loaded(published: PUBLISHED) -> None:
    store, references = published
    models = Models(Settings(store.url, require_pin=True))
    for name in ("wine", "alcohol", "wine", "mixed"):
        models.answer(references[name], b'{"data": []}')
    assert [each.name for each in models._loaded] == ["wine", "mixed"] and len(models._loaded) == LOADED


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({}, "worker: JOBS_QUEUE_URL, JOBS_TABLE and WORK_URL are not set; they say where jobs are\n"),
        ({"JOBS_TABLE": "t"}, "worker: JOBS_QUEUE_URL, WORK_URL must be set, too: jobs need all of JOBS_QUEUE_URL"),
    ],
)
def test_worker_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variables: dict[str, str], message: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main([]) == 1 and capsys.readouterr().err.startswith(message)


@pytest.mark.slow
def test_worker_that_cannot_reach_its_queue_says_so(tmp_path: Path) -> None:
    away = f"http://127.0.0.1:{free_port()}"
    variables = {"AWS_ENDPOINT_URL": away, "JOBS_QUEUE_URL": f"{away}/q", "JOBS_TABLE": "t"}
    ran = python(
        "-m", "serving.worker", "--once", WORK_URL=tmp_path.as_uri(), MODEL_REGISTRY=tmp_path.as_uri(), **variables
    )
    assert ran.returncode == 1 and ran.stderr.splitlines()[-1].startswith("worker: look at the queue: ")
