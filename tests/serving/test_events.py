"""Lambda events, well-formed and odd, made into one shape."""

import base64
import json
from typing import Any

import pytest

from serving.events import EventInvalid, LambdaRequest, read_event
from tests.serving.conftest import EVENTS, event_alb, event_v1, event_v2

BODY = '{"data": 13}'


def body_of(request: LambdaRequest) -> bytes:
    return request.body


@pytest.mark.parametrize("shape", EVENTS)
def test_event_of_each_shape_becomes_the_same_request(shape: str) -> None:
    request = read_event(EVENTS[shape](BODY))
    assert request.method == "POST"
    assert request.path == "/classify"
    assert request.headers == {"content-type": "application/json"}
    assert body_of(request) == BODY.encode()


@pytest.mark.parametrize(
    ("shape", "changes", "query"),
    [
        ("v2", {"rawQueryString": "partial=true&a=%20"}, "partial=true&a=%20"),
        ("url", {"rawQueryString": "partial=true"}, "partial=true"),
        ("v1", {"queryStringParameters": {"partial": "true"}}, "partial=true"),
        (
            "v1",
            {"multiValueQueryStringParameters": {"a": ["1", "2 &"], "partial": ["true"]}},
            "a=1&a=2+%26&partial=true",
        ),
        ("alb", {"queryStringParameters": {"partial": "true", "a%20": "%26"}}, "partial=true&a+=%26"),
        ("alb", {"multiValueQueryStringParameters": {"partial": ["true"]}}, "partial=true"),
        ("v2", {"rawQueryString": "é"}, ""),
        ("v2", {"rawQueryString": 1}, ""),
        ("v1", {"queryStringParameters": {"partial": 1, 2: "x"}, "multiValueQueryStringParameters": []}, ""),
        ("v1", {"queryStringParameters": {"a": "\ud800"}}, "a=%3F"),
    ],
)
def test_query_is_that_which_was_sent(shape: str, changes: dict[str, Any], query: str) -> None:
    assert read_event(EVENTS[shape](BODY, **changes)).query == query


@pytest.mark.parametrize("event", [{"data": 13}, {"body": {"data": 13}}], ids=["data", "body"])
def test_direct_invocation_becomes_the_same_request(event: dict[str, Any]) -> None:
    request = read_event(event)
    assert (request.method, request.path) == ("POST", "/predict")
    assert json.loads(body_of(request)) == {"data": 13}


@pytest.mark.parametrize("shape", EVENTS)
def test_event_with_base64_body_is_decoded(shape: str) -> None:
    event = EVENTS[shape](base64.b64encode(BODY.encode()).decode(), isBase64Encoded=True)
    assert body_of(read_event(event)) == BODY.encode()


@pytest.mark.parametrize("shape", EVENTS)
@pytest.mark.parametrize(
    ("body", "encoded", "message"),
    [
        ("not base64!", True, "the event's body is not valid base64"),
        ("YQ", True, "the event's body is not valid base64"),
        ("YWJj!", True, "the event's body is not valid base64"),
        ("é", True, "the event's body is not valid base64"),
        ("\ud800", True, "the event's body is not valid base64"),
        ('{"data": "\ud800"}', False, "the event's body is not valid Unicode"),
        ([BODY], False, "the event's body must be a text"),
        (13, False, "the event's body must be a text"),
        ({"data": {1, 2}}, False, "the event's data cannot be written as JSON"),
    ],
)
def test_event_with_unreadable_body_is_refused(shape: str, body: Any, encoded: bool, message: str) -> None:
    with pytest.raises(EventInvalid, match=f"^{message}$"):
        read_event(EVENTS[shape](body, isBase64Encoded=encoded))


@pytest.mark.parametrize("shape", EVENTS)
def test_event_with_object_as_body_is_sent_as_json(shape: str) -> None:
    assert json.loads(body_of(read_event(EVENTS[shape]({"data": ".10"})))) == {"data": ".10"}


@pytest.mark.parametrize("shape", EVENTS)
@pytest.mark.parametrize("body", [None, ""])
def test_event_without_body_has_an_empty_one(shape: str, body: str | None) -> None:
    event = EVENTS[shape]()
    event["body"] = body
    assert body_of(read_event(event)) == b""


@pytest.mark.parametrize("shape", EVENTS)
@pytest.mark.parametrize(
    "headers",
    [
        None,
        {},
        [],
        "x",
        {"host": None},
        {"host": "a:b:c"},
        {"host": "[::1]:80"},
        {"host": "a:99999999999999999999"},
        {"x-forwarded-port": "eighty"},
        {"x-forwarded-port": "443, 443"},
        {"x-forwarded-proto": "\ud800"},
        {"x-null": None},
        {"x-list": ["a", "b"]},
        {"x-number": 7},
        {"x-surrogate": "\ud800"},
        {"\ud800": "x"},
        {"x-unicode": "日本"},
        {"x-line": "a\r\nb: c"},
        {"cookie": "a=b"},
        {"": ""},
    ],
)
def test_event_with_odd_headers_is_read(shape: str, headers: Any) -> None:
    event = EVENTS[shape](BODY)
    event["headers"] = headers
    event.pop("multiValueHeaders", None)
    request = read_event(event)
    assert body_of(request) == BODY.encode()
    for name, value in request.headers.items():
        assert (name + value).isascii()
        assert (name + value).isprintable()
        assert name not in ("host", "x-forwarded-port", "x-forwarded-proto", "cookie")


def test_event_of_alb_without_headers_is_read() -> None:
    event = event_alb(BODY)
    del event["headers"]
    assert read_event(event).headers == {}


@pytest.mark.parametrize(
    "values", [{"Content-Type": ["text/plain", "application/json"]}, {"content-type": ["application/json"]}]
)
def test_event_with_several_values_of_a_header_takes_the_last(values: dict[str, list[str]]) -> None:
    event = event_alb(BODY, multiValueHeaders=values)
    del event["headers"]
    assert read_event(event).headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "values", [None, [], "x", {"a": None}, {"a": []}, {"a": [None]}, {"a": ["\ud800"]}, {"a": "b"}, {"a": [["b"]]}]
)
def test_event_with_odd_multi_value_headers_is_read(values: Any) -> None:
    event = event_v1(BODY, multiValueHeaders=values)
    assert read_event(event).headers == {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("event", "path"),
    [
        (event_v2(BODY, path="/prod/model/version") | {"requestContext": {"stage": "prod", "http": {"method": "GET"}}},
         "/model/version"),
        (event_v2(BODY, path="/production") | {"requestContext": {"stage": "prod", "http": {"method": "GET"}}},
         "/production"),
        (event_alb(path="/a%2Fb"), "/a/b"),
        (event_v1(path="/a b"), "/a b"),
        (event_v1(path="/100%"), "/100%"),
        (event_v1(path="/é\ud800"), "/é?"),
        (event_v1(path="//classify"), "//classify"),
    ],
)  # fmt: skip
def test_event_path_is_the_one_asked_for(event: dict[str, Any], path: str) -> None:
    assert read_event(event).path == path


def http_api(path: str, route: str, stage: str = "$default", **changes: Any) -> dict[str, Any]:
    """What an HTTP API sends, with payload 2.0, of a request to `path`."""
    event = event_v2(BODY, path=path, routeKey=route, **changes)
    domain = {"domainName": "api.example.com", "domainPrefix": "api", "stage": stage, "routeKey": route}
    return {**event, "requestContext": {**event["requestContext"], **domain}}


def rest_api(path: str, resource: str, parameters: dict[str, str] | None = None, stage: str = "prod") -> dict[str, Any]:
    """What a REST API sends, or an HTTP API with payload 1.0."""
    event = event_v1(BODY, path=path, resource=resource, pathParameters=parameters)
    domain = {"domainName": "api.example.com", "resourcePath": resource, "stage": stage, "path": path}
    return {**event, "requestContext": {**event["requestContext"], **domain}}


@pytest.mark.parametrize(
    ("event", "base", "path"),
    [
        (http_api("/classify", "POST /classify"), "", "/classify"),
        (http_api("/wine/classify", "POST /classify"), "/wine", "/classify"),
        (http_api("/wine/classify", "POST /classify", "prod"), "/wine", "/classify"),
        (http_api("/models/v1/wine/model/version", "GET /model/version"), "/models/v1/wine", "/model/version"),
        (http_api("/my%20wine/classify", "POST /classify"), "/my wine", "/classify"),
        (http_api("/classify/classify", "POST /classify"), "/classify", "/classify"),
        (http_api("/\ud800/classify", "POST /classify"), "/?", "/classify"),
        (http_api("/wine/predict", "ANY /{proxy+}", pathParameters={"proxy": "predict"}), "/wine", "/predict"),
        (http_api("/wine/a/b", "ANY /{proxy+}", pathParameters={"proxy": "a/b"}), "/wine", "/a/b"),
        (http_api("/wine/jobs/7", "GET /jobs/{id}", pathParameters={"id": "7"}), "/wine", "/jobs/7"),
        (http_api("/wine", "GET /"), "/wine", "/"),
        (http_api("/wine/", "GET /"), "/wine", "/"),
        (http_api("/", "GET /"), "", "/"),
        # A named stage without a domain of one's own, and one that is named as a path begins.
        (http_api("/prod/classify", "POST /classify", "prod"), "/prod", "/classify"),
        (http_api("/prod/classify", "$default", "prod"), "/prod", "/classify"),
        (http_api("/model/version", "GET /model/version", "model"), "", "/model/version"),
        # Nothing tells.
        (http_api("/wine/classify", "$default"), "", "/wine/classify"),
        (http_api("/wine/classify", "ANY /{proxy+}"), "", "/wine/classify"),
        (http_api("/wine/classify", "ANY /{proxy+}", pathParameters={"proxy": "other"}), "", "/wine/classify"),
        (http_api("/wine/classify", "ANY /{proxy+}", pathParameters=["classify"]), "", "/wine/classify"),
        (http_api("/wine/classify", "POST"), "", "/wine/classify"),
        (http_api("/wine/classify", "POST classify"), "", "/wine/classify"),
        (http_api("/wineclassify", "POST /classify"), "", "/wineclassify"),
        (http_api("/wine/classify/", "POST /classify"), "", "/wine/classify/"),
        (http_api("/wine//classify", "POST /classify"), "", "/wine//classify"),
        (http_api("//classify", "POST /classify"), "", "//classify"),
        (http_api("/wine/classify", "") | {"routeKey": None}, "", "/wine/classify"),
        (rest_api("/classify", "/classify"), "", "/classify"),
        (rest_api("/wine/classify", "/classify"), "/wine", "/classify"),
        (rest_api("/wine/prod/classify", "/classify"), "/wine/prod", "/classify"),
        (rest_api("/wine/classify", "/{proxy+}", {"proxy": "classify"}), "/wine", "/classify"),
        (rest_api("/wine/model/card", "/model/{what}", {"what": "card"}), "/wine", "/model/card"),
        (rest_api("/wine", "/"), "/wine", "/"),
        (rest_api("/wine/classify", "$default"), "", "/wine/classify"),
        (rest_api("/wine/classify", "/{proxy+}"), "", "/wine/classify"),
        (event_alb(BODY, path="/wine/classify"), "", "/wine/classify"),
        ({"data": 13}, "", "/predict"),
    ],
)
def test_event_has_the_base_path_apart_where_its_route_tells(event: dict[str, Any], base: str, path: str) -> None:
    request = read_event(event)
    assert (request.base, request.path) == (base, path)


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (None, "the event must be an object"),
        ([], "the event must be an object"),
        ("POST /classify", "the event must be an object"),
        (7, "the event must be an object"),
        ({}, "the event must be an HTTP request"),
        ({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}, "the event must be an HTTP request"),
        ({"Records": [{"eventSource": "aws:sqs", "body": BODY}]}, "the event must be an HTTP request"),
        ({"requestContext": {"connectionId": "x", "eventType": "CONNECT"}}, "the event must be an HTTP request"),
        ({"requestContext": None}, "the event must be an HTTP request"),
        ({"requestContext": {"http": None}}, "the event must be an HTTP request"),
        (event_v1(method="GET /"), "the event's method must be a word such as POST"),
        (event_v1(method=""), "the event's method must be a word such as POST"),
        (event_v1(method="PÖST"), "the event's method must be a word such as POST"),
        (event_v1() | {"httpMethod": None}, "the event's method must be a word such as POST"),
        (event_v1() | {"path": None}, "the event's path must begin with /"),
        (event_v1() | {"path": 7}, "the event's path must begin with /"),
        (event_alb(path=""), "the event's path must begin with /"),
        (event_v2(path="classify"), "the event's path must begin with /"),
        ({"data": {1}}, "the event's data cannot be written as JSON"),
        ({"body": {"data": object()}}, "the event's data cannot be written as JSON"),
    ],
)
def test_event_that_is_none_of_the_shapes_is_refused(event: Any, message: str) -> None:
    with pytest.raises(EventInvalid, match=f"^{message}"):
        read_event(event)


def nested(depth: int) -> dict[str, Any]:
    outer: dict[str, Any] = {}
    inner = outer
    for _ in range(depth):
        inner["data"] = inner = {}
    return outer


@pytest.mark.parametrize("event", [nested(100_000), {"body": nested(100_000)}, event_v1() | {"body": nested(100_000)}])
def test_event_nested_too_deeply_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(EventInvalid, match="cannot be written as JSON"):
        read_event(event)
