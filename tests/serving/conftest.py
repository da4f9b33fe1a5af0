"""Apps and handlers over published models, in this process."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from brinery.errors import BrineryError
from brinery.loading.load import load
from brinery.loading.model import VerifiedModel
from brinery.versions.reference import Reference
from brinery.versions.store import Store
from serving.app import create_app
from serving.challenger import Challenger
from serving.invocation import Answer, make_handler
from serving.loader import Loader
from serving.settings import Settings

PUBLISHED = tuple[Store, dict[str, Reference]]


@pytest.fixture(scope="session", autouse=True)
def _event_loop() -> Iterator[None]:
    """Mangum runs the app on the main thread's event loop, as in Lambda."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture(scope="session")
def models(published: PUBLISHED) -> Callable[..., VerifiedModel]:
    """`models("wine", format="pickle")`: an example model, loaded once."""
    store, references = published
    loaded: dict[tuple[str, str], VerifiedModel] = {}

    def get(name: str, format: str = "auto") -> VerifiedModel:
        if (name, format) not in loaded:
            loaded[name, format] = load(store, references[name], format=format, profile=True)
        return loaded[name, format]

    return get


class Client:
    """HTTP requests to an app in this process."""

    def __init__(self, app: FastAPI) -> None:
        self._transport = httpx.ASGITransport(app, raise_app_exceptions=False)

    def request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport, base_url="http://test") as client:
                return await client.request(method, path, **arguments)

        return asyncio.get_event_loop().run_until_complete(send())

    def get(self, path: str, **arguments: Any) -> httpx.Response:
        return self.request("GET", path, **arguments)

    def classify(self, data: Any) -> httpx.Response:
        return self.request("POST", "/classify", json={"data": data})


def serving(model: VerifiedModel | BrineryError, **settings: Any) -> Client:
    """A client of an app that serves `model`, or of one whose model fails to load with that error."""
    return Client(create_app(loader_of(model), Settings("test:", **settings)))


def handling(
    model: VerifiedModel | BrineryError, challenger: Challenger | None = None, **settings: Any
) -> Callable[[Any, Any], Answer]:
    """The Lambda handler of that app."""
    app = create_app(loader_of(model), Settings("test:", **settings), alone=True, challenger=challenger)
    return make_handler(app, app.state.after)


def loader_of(model: VerifiedModel | BrineryError) -> Loader:
    def load_it() -> VerifiedModel:
        if isinstance(model, BrineryError):
            raise model
        return model

    loader = Loader(load_it)
    loader.start()
    loader.wait(60)
    return loader


def event_v1(body: str | None = None, method: str = "POST", path: str = "/classify", **changes: Any) -> dict[str, Any]:
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": {"Content-Type": "application/json", "Host": "abc.execute-api.eu-west-1.amazonaws.com"},
        "multiValueHeaders": {
            "Content-Type": ["application/json"],
            "Host": ["abc.execute-api.eu-west-1.amazonaws.com"],
        },
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"proxy": path.lstrip("/")},
        "stageVariables": None,
        "requestContext": {"stage": "prod", "path": f"/prod{path}", "identity": {"sourceIp": "192.0.2.1"}},
        "body": body,
        "isBase64Encoded": False,
        **changes,
    }


def event_v2(body: str | None = None, method: str = "POST", path: str = "/classify", **changes: Any) -> dict[str, Any]:
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json", "host": "abc.execute-api.eu-west-1.amazonaws.com"},
        "requestContext": {
            "apiId": "abc",
            "stage": "$default",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
        },
        "isBase64Encoded": False,
        **changes,
    }
    return event if body is None else {**event, "body": body}


def event_url(body: str | None = None, method: str = "POST", path: str = "/classify", **changes: Any) -> dict[str, Any]:
    """A function URL sends the form of v2, with a domain of its own."""
    event = event_v2(body, method, path, **changes)
    event["headers"] = {**(event.get("headers") or {}), "host": "abc.lambda-url.eu-west-1.on.aws"}
    event["requestContext"]["domainName"] = "abc.lambda-url.eu-west-1.on.aws"
    return event


def event_alb(body: str | None = None, method: str = "POST", path: str = "/classify", **changes: Any) -> dict[str, Any]:
    return {
        "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/a/b"}},
        "httpMethod": method,
        "path": path,
        "queryStringParameters": {},
        "headers": {"content-type": "application/json", "host": "a.eu-west-1.elb.amazonaws.com"},
        "body": body or "",
        "isBase64Encoded": False,
        **changes,
    }


EVENTS: dict[str, Callable[..., dict[str, Any]]] = {
    "v1": event_v1,
    "v2": event_v2,
    "url": event_url,
    "alb": event_alb,
}


class Context:
    """What Lambda gives beside the event, as far as it is used."""

    aws_request_id = "8f507cfc-xmpl-4697-b07a-ac58fc914c95"


def problem_of(body: str | bytes, status: int) -> dict[str, Any]:
    """The problem in an error's body, checked against what all of them have."""
    assert len(body) <= 8 * 1024
    problem: dict[str, Any] = strict_json(body)
    assert {"type", "title", "status", "detail", "request_id"} <= set(problem)
    assert set(problem) <= {"type", "title", "status", "detail", "request_id", "errors"}
    assert problem["status"] == status
    for error in problem.get("errors", []):
        assert set(error) == {"path", "message"}
    assert 0 < len(problem.get("errors", ["none"])) <= 10
    return problem


def strict_json(body: str | bytes) -> Any:
    """JSON as its standard has it: no NaN, no lone surrogate."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"the answer holds {constant}")

    decoded = json.loads(body, parse_constant=refuse)
    json.dumps(decoded, ensure_ascii=False).encode()
    return decoded
