"""The Lambda handler: all shapes of event through Mangum and the app."""

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from brinery.errors import StoreUnavailable
from brinery.loading.model import VerifiedModel
from brinery.versions.store import Store
from serving.app import create_app
from serving.invocation import MAX_ANSWER_BYTES, Answer, WaitsAlone, make_handler
from serving.settings import Settings
from tests.conftest import python
from tests.examples import publish_example
from tests.serving.conftest import (
    EVENTS,
    Context,
    event_alb,
    event_v1,
    event_v2,
    handling,
    loader_of,
    problem_of,
    strict_json,
)

Models = Callable[..., VerifiedModel]
BODY = '{"data": ".10"}'


@pytest.mark.parametrize("shape", EVENTS)
def test_handler_answers_each_shape(models: Models, shape: str) -> None:
    answer = handling(models("alcohol"))(EVENTS[shape](BODY), Context())
    assert answer["statusCode"] == 200
    assert answer["headers"]["content-type"] == "application/json"
    assert answer["isBase64Encoded"] is False
    assert strict_json(answer["body"])["model"] == {"name": "alcohol", "version": 1}


@pytest.mark.parametrize("event", [{"data": ".10"}, {"body": {"data": ".10"}}, {"body": BODY}])
def test_handler_answers_direct_invocation(models: Models, event: dict[str, Any]) -> None:
    answer = handling(models("alcohol"))(event, Context())
    assert answer["statusCode"] == 200
    assert strict_json(answer["body"])["prediction"] in (0, 1, 2)


@pytest.mark.parametrize("shape", EVENTS)
@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/model/version", "/model/card", "/openapi.json", "/docs"])
def test_handler_answers_each_path_as_text(models: Models, shape: str, path: str) -> None:
    answer = handling(models("alcohol"))(EVENTS[shape](method="GET", path=path), Context())
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (200, False)
    assert answer["body"][0] in "{<\n "


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/model/version", "/model/card", "/openapi.json", "/docs"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_handler_behind_a_base_path_answers_each_call(models: Models, version: str, path: str) -> None:
    """As `https://api.example.com/wine/healthz` comes, where the domain is mapped by `wine`."""
    handler = handling(models("alcohol"))

    def asked(method: str, path: str, body: str | None = None, base: str = "/wine") -> Answer:
        if version == "1.0":
            return handler(event_v1(body, method, base + path, resource=path, pathParameters=None), Context())
        return handler(event_v2(body, method, base + path, routeKey=f"{method} {path}"), Context())

    for base in ("/wine", "/classify"):
        assert asked("POST", "/classify", BODY, base) == asked("POST", "/classify", BODY, base="")
    answer = asked("GET", path)
    assert answer["statusCode"] == 200
    problem_of(asked("GET", "/nothing")["body"], 404)
    problem_of(asked("GET", "/classify")["body"], 405)
    if path == "/openapi.json":
        assert json.loads(answer["body"]).pop("servers") == [{"url": "/wine"}]
        assert json.loads(asked("GET", path, base="")["body"])["servers"] == [{"url": "/"}]


@pytest.mark.parametrize("shape", EVENTS)
@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/nothing", "{}", 404),
        ("/model/version", "{}", 405),
        ("/classify", "{", 400),
        ("/classify", '{"data": "x"}', 422),
    ],
)
def test_handler_sends_problem_as_text(models: Models, shape: str, path: str, body: str, status: int) -> None:
    answer = handling(models("alcohol"))(EVENTS[shape](body, path=path), Context())
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (status, False)
    assert answer["headers"]["content-type"] == "application/problem+json"
    assert problem_of(answer["body"], status)["request_id"] == Context.aws_request_id


@pytest.mark.parametrize("event", [None, [], 7, "x", {}, {"Records": []}, event_v1(method="GET /"), event_v2("\ud800")])
@pytest.mark.parametrize("context", [None, Context()])
def test_handler_given_no_request_answers_400(models: Models, event: Any, context: Any) -> None:
    answer = handling(models("alcohol"))(event, context)
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (400, False)
    assert answer["headers"]["content-type"] == "application/problem+json"
    problem_of(answer["body"], 400)


def test_handler_without_model_answers_503_and_when_to_come_again(models: Models) -> None:
    answer = handling(StoreUnavailable("no answer"))(event_v2(BODY), Context())
    assert problem_of(answer["body"], 503)["detail"] == "the registry cannot be read; the log says why"
    assert int(answer["headers"]["retry-after"]) > 0


@pytest.mark.parametrize("status_body", [(200, BODY), (422, '{"data": "x"}')])
def test_handler_given_several_values_a_header_answers_in_kind(models: Models, status_body: tuple[int, str]) -> None:
    """A load balancer that is set to multi-value headers reads no others in the answer."""
    event = event_alb(status_body[1], multiValueHeaders={"content-type": ["application/json"]})
    del event["headers"]
    answer = handling(models("alcohol"))(event, Context())
    assert answer["statusCode"] == status_body[0]
    assert answer["multiValueHeaders"] == {name: [value] for name, value in answer["headers"].items()}


def test_handler_waits_for_threads_on_an_event_loop_that_asks_only_to_wait(models: Models) -> None:
    usual, loop = asyncio.get_event_loop(), asyncio.SelectorEventLoop(WaitsAlone())
    asyncio.set_event_loop(loop)
    try:
        handler = handling(models("alcohol"))
        for body in (BODY, json.dumps({"data": [13.1] * 2000}), BODY):  # the second takes its turn in a thread
            assert handler(event_v2(body), Context())["statusCode"] == 200
        assert handler(event_v2(None, method="GET", path="/model/card"), Context())["statusCode"] == 200
    finally:
        asyncio.set_event_loop(usual)
        loop.close()


def test_handler_does_not_run_the_lifespan(models: Models) -> None:
    """Mangum would run it at every invocation, and would raise: this app is told to fail there."""
    app = create_app(loader_of(models("alcohol")), Settings("test:"))
    scopes: list[str] = []

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope["type"])
        await app(scope, receive, send)

    assert make_handler(watched)(event_v2(BODY), None)["statusCode"] == 200
    assert scopes == ["http"]


@pytest.mark.parametrize(
    "data",
    [
        '"\\ud800"',
        '{"\\ud800": 1}',
        '{"alcohol": 1, "\\udfff": 1}',
        '["\\ud800\\ud800"]',
        '"\ud83d\ude00"',
        '{"😀": 1}',
    ],
)
def test_answer_never_holds_a_lone_surrogate(models: Models, data: str) -> None:
    """Lambda's runtime client dies of one."""
    handler = handling(models("alcohol"))
    for event in (event_v1(f'{{"data": {data}}}'), event_v2(f'{{"data": {data}}}', path="/\ud800")):
        answer = handler(event, Context())
        assert 400 <= answer["statusCode"] < 500
        strict_json(json.dumps(answer, ensure_ascii=False).encode())
        strict_json(answer["body"])


@pytest.mark.parametrize(
    "event",
    [
        {"data": "\ud800"},
        {"data": {"\ud800": 1}},
        {"body": {"data": "\udfff"}},
        {"data": float("nan")},
        {"data": [float("inf")]},
        {"data": 10**5000},
        {"data": None},
        {"data": {}},
        {"data": 13, "\ud800": 1},
    ],
    ids=range(9),
)
def test_direct_invocation_with_odd_data_is_answered(models: Models, event: dict[str, Any]) -> None:
    answer = handling(models("alcohol"))(event, Context())
    problem_of(answer["body"], answer["statusCode"])
    assert answer["statusCode"] in (400, 422)


@pytest.mark.slow
def test_answer_larger_than_lambda_carries_is_refused(models: Models) -> None:
    handler = handling(models("alcohol"), max_rows=100_000)
    largest = 0
    for count in (20_000, 40_000, 60_000, 80_000):
        answer = handler(event_v2(json.dumps({"data": [13] * count})), Context())
        if answer["statusCode"] == 200:
            largest = max(largest, len(json.dumps(answer)))
            assert len(json.dumps(answer)) <= 6_291_556
        else:
            assert "larger than Lambda can return; send fewer rows" in problem_of(answer["body"], 413)["detail"]
    assert MAX_ANSWER_BYTES / 2 < largest


BOOT = """
import asyncio, json, sys, warnings
warnings.simplefilter("default")
from serving.handler import handler
for path in sys.argv[1:]:
    event = {"requestContext": {"http": {"method": "GET", "path": path}}}
    answer = handler(event, None)
    print(answer["statusCode"], answer["body"])
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("environment", "logged", "told"),
    [
        ({}, "MODEL_VERSION is not set; set it to a version with its digest", "MODEL_VERSION is not set; set it to"),
        ({"MODEL_VERSION": "latest"}, "'latest' is not a version", "MODEL_NAME or MODEL_VERSION is not valid"),
        ({"MODEL_NAME": "beer"}, "beer:1 is not in the registry", "the version is not in the registry"),
        ({"REQUIRE_PIN": "on"}, "REQUIRE_PIN is on", "MODEL_VERSION has no digest"),
        ({"MAX_ROWS": "many"}, "MAX_ROWS is 'many'; it must be a whole number", "a variable of the server"),
        ({"MODEL_REGISTRY": "ftp://x"}, "MODEL_REGISTRY is 'ftp://x'; it must be s3://", "a variable of the server"),
        ({"MODEL_REGISTRY": "file:///nowhere"}, "the folder does not exist", "the registry cannot be read"),
        (
            {"MODEL_VERSION": f"1@sha256:{'0' * 64}"},
            "it is not the pinned one",
            "the model could not be verified; the log says why",
        ),
    ],
)
def test_handler_whose_init_fails_is_imported_and_answers_503(
    folder_store: Store, environment: dict[str, str], logged: str, told: str
) -> None:
    publish_example(folder_store, "alcohol")
    given = {"MODEL_VERSION": "1", "MODEL_NAME": "alcohol"} if environment else {}
    environment = {"MODEL_REGISTRY": folder_store.url, "AWS_LAMBDA_FUNCTION_VERSION": "8", **given, **environment}
    ran = python("-c", BOOT, "/healthz", "/readyz", **environment)
    assert ran.returncode == 0, ran.stderr
    health, ready = ran.stdout.splitlines()
    assert health == '200 {"status":"ok"}'
    assert ready.startswith("503 ")
    assert problem_of(ready.removeprefix("503 "), 503)["detail"].startswith(told)
    line = json.loads(ran.stderr.splitlines()[0])
    assert line["level"] == "ERROR"
    assert logged in line["message"]
    kind = {"kind"} if line["error"] == "DigestMismatch" else set()
    assert set(line) == {"time", "level", "message", "function_version", "error"} | kind
    assert line["function_version"] == "8"


@pytest.mark.slow
def test_handler_with_model_is_ready_after_import(folder_store: Store) -> None:
    reference = publish_example(folder_store, "alcohol")
    environment = {"MODEL_REGISTRY": folder_store.url, "MODEL_VERSION": reference.version_text, "REQUIRE_PIN": "on"}
    ran = python("-c", BOOT, "/readyz", "/model/version", **environment)
    assert ran.returncode == 0, ran.stderr
    ready, version = ran.stdout.splitlines()
    assert ready == '200 {"status":"ready","model":{"name":"alcohol","version":1}}'
    assert json.loads(version.removeprefix("200 "))["pinned"] is True


def test_body_in_base64_of_any_shape_is_read(models: Models) -> None:
    body = base64.b64encode(BODY.encode()).decode()
    for shape in EVENTS:
        answer = handling(models("alcohol"))(EVENTS[shape](body, isBase64Encoded=True), Context())
        assert answer["statusCode"] == 200
