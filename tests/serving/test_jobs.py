"""The routes of jobs, over HTTP and through Lambda's handler, on real services."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from brinery.errors import ModelInvalid
from brinery.jobs.identifier import new_id
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
    while messages := jobs.queue.receive(0):
        for message in messages:
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


def test_large_answers_are_read_through_the_api(client: Client, service: JobService, published: PUBLISHED) -> None:
    rows = {"data": [WINE] * 5000}
    id = client.request("POST", "/jobs", json=rows).json()["id"]
    assert set(service.item(id)) >= {"input_path"} and "input" not in service.item(id)
    assert work_off(service, published) == ["done"]
    done = client.get(f"/jobs/{id}")
    assert done.json()["answer"] == client.request("POST", "/predict", json=rows).json()
    assert "result_path" in service.item(id) and service.work not in done.text


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
    assert set(paths["/jobs/{id}"]["get"]["responses"]) == {"200", "404", "410", "503"}
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


def test_boto3_is_imported_by_the_first_job_and_not_before(service: JobService, published: PUBLISHED) -> None:
    store, references = published
    pin = {"MODEL_REGISTRY": store.url, "MODEL_NAME": "wine", "MODEL_VERSION": references["wine"].version_text}
    ran = python("-c", ANSWERS_FIRST % WINE, **service.variables, **pin)
    assert ran.returncode == 0, ran.stderr
