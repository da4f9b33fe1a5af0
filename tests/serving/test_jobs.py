"""The routes of jobs, over HTTP and through Lambda's handler, on real services."""

import json
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from brinery.errors import ModelInvalid
from brinery.jobs.contents import Contents
from brinery.jobs.identifier import new_id
from brinery.jobs.job import Ended
from brinery.jobs.settings import JobSettings
from brinery.jobs.work import Worker
from brinery.loading.model import VerifiedModel
from serving.settings import Settings
from serving.worker import Models
from tests.conftest import free_port, python
from tests.examples import WINE
from tests.job_service import JobService, make_jobs
from tests.serving.conftest import PUBLISHED, Client, handling, problem_of, serving


@pytest.fixture
def service(jobs_endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JobService:
    monkeypatch.setenv("AWS_ENDPOINT_URL", jobs_endpoint)
    return make_jobs(jobs_endpoint, tmp_path)


def settings(service: JobService) -> JobSettings:
    return JobSettings(service.queue_url, service.table, service.work)


@pytest.fixture
def client(service: JobService, models: Callable[..., VerifiedModel]) -> Client:
    return serving(models("wine"), jobs=settings(service))


def work_off(service: JobService, published: PUBLISHED) -> list[str]:
    """What a worker makes of all messages."""
    jobs = service.jobs()
    worker = Worker(jobs, Models(Settings(published[0].url)), require_pin=True)
    outcomes: list[str] = []
    while message := jobs.queue.receive(0):
        outcomes.append(worker.work(message.text))
        jobs.queue.delete(message)
    return outcomes


def test_job_is_accepted_answered_and_read(
    client: Client, service: JobService, published: PUBLISHED, models: Callable[..., VerifiedModel]
) -> None:
    accepted = client.request("POST", "/jobs", json={"data": WINE})
    id = accepted.json()["id"]
    assert (accepted.status_code, accepted.headers["location"]) == (202, f"/jobs/{id}")
    assert accepted.json() == {"id": id, "state": "queued"}
    queued = client.get(f"/jobs/{id}").json()
    assert set(queued) == {"id", "state", "accepted_at"} and queued["state"] == "queued"
    assert service.item(id)["pin"]["S"] == str(models("wine").reference) and models("wine").reference.pinned
    assert work_off(service, published) == ["done"]
    done = client.get(f"/jobs/{id}")
    assert done.json()["state"] == "done" and done.headers["cache-control"] == "no-store"
    assert done.json()["answer"] == client.classify(WINE).json()


@pytest.mark.slow
def test_large_answers_are_read_through_the_api(client: Client, service: JobService, published: PUBLISHED) -> None:
    rows = {"data": [WINE] * 5000}
    id = client.request("POST", "/jobs", json=rows).json()["id"]
    assert set(service.item(id)) >= {"input_path"} and "input" not in service.item(id)
    assert work_off(service, published) == ["done"]
    done = client.get(f"/jobs/{id}")
    assert done.json()["answer"] == client.request("POST", "/predict", json=rows).json()
    assert "result_path" in service.item(id) and service.work not in done.text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-9", 206, slice(0, 10)),
        ("bytes=10-", 206, slice(10, None)),
        ("bytes=10-99999999", 206, slice(10, None)),
        ("bytes=9-3", 200, slice(None)),
        ("rows=0-9", 200, slice(None)),
        ("bytes=0-1,3-4", 200, slice(None)),
        ("bytes=99999999-", 416, None),
    ],
)
def test_a_part_is_answered_as_http_has_it(
    client: Client, service: JobService, published: PUBLISHED, asked: str, status: int, part: slice | None
) -> None:
    id = client.request("POST", "/jobs", json={"data": WINE}).json()["id"]
    work_off(service, published)
    whole = client.get(f"/jobs/{id}").content
    answer = client.get(f"/jobs/{id}", headers={"range": asked})
    assert answer.status_code == status
    if part is None:
        assert problem_of(answer.content, 416) and answer.headers["content-range"] == f"bytes */{len(whole)}"
        return
    assert answer.content == whole[part]
    first, end, _ = part.indices(len(whole))
    told = f"bytes {first}-{end - 1}/{len(whole)}" if status == 206 else None
    assert answer.headers.get("content-range") == told


@pytest.mark.slow
def test_answer_that_lambda_cannot_return_at_once_is_read_in_parts(
    service: JobService, published: PUBLISHED, models: Callable[..., VerifiedModel]
) -> None:
    handler = handling(models("wine"), jobs=settings(service))
    now, jobs = datetime.now(UTC), service.jobs()
    id, large = jobs.submit(models("wine").reference, b"{}"), {"predictions": ["x" * 99] * 100_000}
    result = Contents.of(json.dumps(large).encode()).stored("result", id, jobs.work)
    assert jobs.table.end(id, Ended("done", result, now, now + timedelta(days=1)))

    def ask(**headers: str) -> Any:
        context = {"http": {"method": "GET", "path": f"/jobs/{id}"}}
        return handler({"rawPath": f"/jobs/{id}", "requestContext": context, "headers": headers}, None)

    told = problem_of(ask()["body"], 413)["detail"]
    parts: list[str] = []
    while len("".join(parts)) < result.size:
        first = len("".join(parts))
        assert "Range: bytes=0-3999999" in told
        answer = ask(range=f"bytes={first}-{first + 3_999_999}")
        assert answer["statusCode"] == 206
        parts.append(answer["body"])
    assert len(parts) == 3 and json.loads("".join(parts))["answer"] == large


def test_job_with_a_bad_input_fails_with_its_problem(client: Client, service: JobService, published: PUBLISHED) -> None:
    id = client.request("POST", "/jobs", json={"data": [1.0]}).json()["id"]
    assert work_off(service, published) == ["failed"]
    failed = client.get(f"/jobs/{id}").json()
    assert failed["state"] == "failed" and failed["problem"]["status"] == 422 and failed["problem"]["errors"]


@pytest.mark.parametrize(
    ("content", "headers", "status", "detail"),
    [
        (b"[", {}, 400, "the body must be JSON"),
        (b'{"rows": 1}', {}, 422, "the body must be an object"),
        (json.dumps({"data": [WINE] * 10_001}).encode(), {}, 413, "; `score` answers more"),
        (b"{}", {"content-type": "text/csv"}, 415, "the content-type must be application/json"),
        (b'{"data": [1]}', {"idempotency-key": "a" * 257}, 400, "Idempotency-Key must be one text"),
        (b'{"data": [1]}', {"idempotency-key": '"a'}, 400, "Idempotency-Key must be one text"),
        (b'{"data": [1]}', {"idempotency-key": ""}, 400, "Idempotency-Key must be one text"),
    ],
    ids=["no JSON", "no data", "too many rows", "no JSON by its type", "a long key", "half a quote", "an empty key"],
)
def test_what_cannot_be_accepted_is_refused_at_once(
    client: Client, service: JobService, content: bytes, headers: dict[str, str], status: int, detail: str
) -> None:
    answer = client.request("POST", "/jobs", content=content, headers={"content-type": "application/json", **headers})
    assert detail in problem_of(answer.content, status)["detail"]
    assert service.waiting() == 0


def test_same_key_is_the_same_job_and_another_body_is_refused(client: Client, service: JobService) -> None:
    key = str(uuid4())

    def post(data: Any, key: str) -> Any:
        return client.request("POST", "/jobs", json={"data": data}, headers={"idempotency-key": key})

    first = post(WINE, key)
    assert post(WINE, f'"{key}"').json() == first.json()
    other = post([1.0], key)
    assert problem_of(other.content, 422)["detail"] == "this Idempotency-Key came with another body before"


@pytest.mark.parametrize(
    ("id", "status"),
    [
        ("7", 404),
        (new_id(datetime.now(UTC)), 404),
        (new_id(datetime.now(UTC) - timedelta(days=9)), 410),
        ("key:" + "a" * 64, 404),
    ],
    ids=["none", "unknown", "expired", "a key"],
)
def test_job_that_is_not_there_is_told(client: Client, id: str, status: int) -> None:
    assert problem_of(client.get(f"/jobs/{id}").content, status)


def test_services_that_are_away_are_a_503_and_nothing_is_named(
    client: Client, models: Callable[..., VerifiedModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    away = serving(models("wine"), jobs=JobSettings("http://127.0.0.1:9/q", "secret-table", "memory-is-none"))
    answer = away.request("POST", "/jobs", json={"data": WINE})
    assert "secret-table" not in answer.text and answer.headers["retry-after"] == "5"
    assert problem_of(answer.content, 503)["detail"] == "jobs cannot be used; the log says why"


@pytest.mark.campaign
@pytest.mark.parametrize("hangs", ["DYNAMODB", "SQS"])
def test_service_that_hangs_is_a_503(
    service: JobService, models: Callable[..., VerifiedModel], monkeypatch: pytest.MonkeyPatch, hangs: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{hangs}", f"http://127.0.0.1:{silent.getsockname()[1]}")
        answer = serving(models("wine"), jobs=settings(service)).request("POST", "/jobs", json={"data": WINE})
    assert problem_of(answer.content, 503)["detail"].startswith("jobs cannot be reached; a repeat")


def test_without_a_verified_model_nothing_is_accepted(service: JobService) -> None:
    answer = serving(ModelInvalid("x"), jobs=settings(service)).request("POST", "/jobs", json={"data": WINE})
    assert answer.status_code == 503 and service.waiting() == 0


def test_without_the_variables_there_are_no_routes(models: Callable[..., VerifiedModel]) -> None:
    assert serving(models("wine")).request("POST", "/jobs", json={"data": WINE}).status_code == 404


CALLERS = {
    "role": (
        {"iam": {"userArn": "arn:aws:sts::1:assumed-role/ann/session-1"}},
        {"iam": {"userArn": "arn:aws:sts::1:assumed-role/bob/session-1"}},
    ),
    "token": (
        {"jwt": {"claims": {"iss": "https://issuer.example.org", "sub": "ann"}}},
        {"jwt": {"claims": {"sub": "bob"}}},
    ),
    "signature": ({"iam": {"userArn": "arn:aws:iam::1:user/ann"}}, {"iam": {"userArn": "arn:aws:iam::1:user/bob"}}),
}


@pytest.mark.slow
@pytest.mark.parametrize("callers", CALLERS.values(), ids=CALLERS)
def test_another_caller_gets_a_404(
    service: JobService, models: Callable[..., VerifiedModel], callers: tuple[Any, Any]
) -> None:
    handler = handling(models("wine"), jobs=settings(service))

    def ask(method: str, path: str, authorizer: Any, body: str | None = None) -> Any:
        context = {"http": {"method": method, "path": path}, "authorizer": authorizer, "stage": "$default"}
        headers = {"content-type": "application/json"}
        return handler({"rawPath": path, "requestContext": context, "headers": headers, "body": body}, None)

    accepted = ask("POST", "/jobs", callers[0], json.dumps({"data": WINE}))
    path = accepted["headers"]["location"]
    assert accepted["statusCode"] == 202
    assert ask("GET", path, callers[0])["statusCode"] == 200
    again = json.loads(json.dumps(callers[0]).replace("session-1", "session-2"))
    assert ask("GET", path, again)["statusCode"] == 200
    assert ask("GET", path, callers[1])["statusCode"] == ask("GET", path, None)["statusCode"] == 404


def test_location_has_the_base_path_of_a_custom_domain(
    service: JobService, models: Callable[..., VerifiedModel]
) -> None:
    handler = handling(models("wine"), jobs=settings(service))
    event = {
        "routeKey": "POST /jobs",
        "rawPath": "/wine/jobs",
        "requestContext": {"http": {"method": "POST", "path": "/wine/jobs"}, "stage": "$default"},
        "headers": {"content-type": "application/json"},
        "body": json.dumps({"data": WINE}),
    }
    answer = handler(event, None)
    assert answer["headers"]["location"] == f"/wine/jobs/{json.loads(answer['body'])['id']}"


def test_openapi_describes_the_routes_where_they_are(client: Client, models: Callable[..., VerifiedModel]) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert set(paths["/jobs"]["post"]["responses"]) >= {"202", "413", "422", "503"}
    assert set(paths["/jobs/{id}"]["get"]["responses"]) == {"200", "206", "404", "410", "413", "416", "503"}
    example = paths["/jobs"]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert client.request("POST", "/jobs", json=example).status_code == 202
    assert "/jobs" not in serving(models("wine")).get("/openapi.json").json()["paths"]


ANSWERS_FIRST = """
import json, os, sys
from serving.handler import handler
event = {"data": %s}
assert handler(event, None)["statusCode"] == 200
assert "boto3" not in sys.modules and "botocore" not in sys.modules, "before the first job"
context = {"http": {"method": "POST", "path": "/jobs"}}
event = {"rawPath": "/jobs", "requestContext": context, "headers": {}, "body": json.dumps(event)}
answer = handler(event, None)
assert answer["statusCode"] == 202, answer
assert "boto3" in sys.modules
"""


@pytest.mark.slow
def test_boto3_is_imported_by_the_first_job_and_not_before(service: JobService, published: PUBLISHED) -> None:
    store, references = published
    pin = {"MODEL_REGISTRY": store.url, "MODEL_NAME": "wine", "MODEL_VERSION": references["wine"].version_text}
    ran = python("-c", ANSWERS_FIRST % WINE, **service.variables, **pin)
    assert ran.returncode == 0, ran.stderr
