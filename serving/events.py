"""Lambda events: API Gateway v1 and v2, function URL, ALB and direct invocation, read as one kind of request."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote, urlencode

VARIABLE = re.compile(r"\{([^{}+]+)\+?\}")
LEFT_OUT = frozenset({"host", "cookie", "x-forwarded-port", "x-forwarded-proto"})  # headers that play no part here


class EventInvalid(Exception):
    """An event that is none of those; its text is fit for an answer."""


class LambdaRequest(NamedTuple):
    """An HTTP request: `path` is decoded, `query` is not, `headers` have names in lower case.

    `base` is what stands before the path outside: a stage, or the base path that a custom domain is mapped by. `caller`
    is who asks, where the API in front has found that out.
    """

    method: str
    base: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    caller: str | None = None


def read_event(event: Any) -> LambdaRequest:
    """The request that an event stands for, whatever the event is.

    Raises:
        EventInvalid: it is no HTTP request and no direct invocation.
    """
    if not isinstance(event, dict):
        raise EventInvalid("the event must be an object")
    context = _mapping(event.get("requestContext"))
    http = _mapping(context.get("http"))
    if http:
        path = _decoded(event.get("rawPath") or http.get("path"))
        _, _, route = str(event.get("routeKey")).partition(" ")
        return _request(http.get("method"), _split(path, route, event, context.get("stage")), event)
    if "httpMethod" in event:
        path = _decoded(event.get("path")) if "elb" in context else event.get("path")
        return _request(event["httpMethod"], _split(path, event.get("resource"), event), event)
    if "data" in event:
        return _direct(event)
    if "body" in event:
        body = event["body"]
        return _direct(body) if isinstance(body, dict) else _request("POST", ("", "/predict"), event)
    raise EventInvalid('the event must be an HTTP request, {"data": …} or {"body": {"data": …}}')


def _direct(data: dict[str, Any]) -> LambdaRequest:
    return LambdaRequest("POST", "", "/predict", "", {"content-type": "application/json"}, _as_json(data))


def _as_json(data: dict[str, Any]) -> bytes:
    try:
        return json.dumps(data).encode()
    except (TypeError, ValueError, RecursionError) as exc:
        raise EventInvalid("the event's data cannot be written as JSON") from exc


def _request(method: Any, paths: tuple[str, Any], event: dict[str, Any]) -> LambdaRequest:
    base, path = paths
    if not isinstance(method, str) or not method.isascii() or not method.isalpha():
        raise EventInvalid("the event's method must be a word such as POST")
    if not isinstance(path, str) or not path.startswith("/"):
        raise EventInvalid("the event's path must begin with /")
    if not (base.isascii() and path.isascii()):
        base, path = (each.encode(errors="replace").decode() for each in (base, path))
    caller = _caller(_mapping(event.get("requestContext")))
    return LambdaRequest(method.upper(), base, path, _query(event), _headers(event), _body(event), caller)


def _query(event: dict[str, Any]) -> str:
    """As it was sent, or made again of its names and values, which ALB leaves encoded and API Gateway decodes."""
    raw = event.get("rawQueryString")
    if isinstance(raw, str):
        return raw if raw.isascii() else ""
    one, several = _mapping(event.get("queryStringParameters")), _mapping(event.get("multiValueQueryStringParameters"))
    pairs = [(name, value) for name, values in several.items() if isinstance(values, list) for value in values]
    pairs = pairs or list(one.items())
    if "elb" in _mapping(event.get("requestContext")):
        pairs = [(_decoded(name), _decoded(value)) for name, value in pairs]
    return urlencode(
        [(name, value) for name, value in pairs if isinstance(name, str) and isinstance(value, str)], errors="replace"
    )


def _headers(event: dict[str, Any]) -> dict[str, str]:
    """Names in lower case, values that HTTP can carry; of several values the last."""
    found = _mapping(event.get("headers"))
    if "multiValueHeaders" in event:
        several = _mapping(event["multiValueHeaders"])
        found = {**{k: v[-1] for k, v in several.items() if isinstance(v, list) and v}, **found}
    return {
        lower: value
        for name, value in found.items()
        if isinstance(name, str)
        and isinstance(value, str)
        and (both := name + value).isascii()
        and both.isprintable()
        and (lower := name.lower()) not in LEFT_OUT
    }


def _body(event: dict[str, Any]) -> bytes:
    body = event.get("body")
    if body is None:
        return b""
    if isinstance(body, dict):
        return _as_json(body)
    if not isinstance(body, str):
        raise EventInvalid("the event's body must be a text")
    try:
        return base64.b64decode(body, validate=True) if event.get("isBase64Encoded") is True else body.encode()
    except (binascii.Error, ValueError) as exc:
        kind = "base64" if event.get("isBase64Encoded") is True else "Unicode"
        raise EventInvalid(f"the event's body is not valid {kind}") from exc


def _split(path: Any, route: Any, event: dict[str, Any], stage: Any = None) -> tuple[str, Any]:
    """The base path and the rest of a path, which API Gateway sends together, as the route tells where it can.

    Args:
        route: such as `/classify`, `/jobs/{id}` or `/{proxy+}`; `$default` tells nothing.
        stage: a named one, which API Gateway v2 puts in front of the path.
    """
    if not isinstance(path, str) or not path.startswith("/"):
        return "", path
    if isinstance(route, str) and route.startswith("/"):
        given = _mapping(event.get("pathParameters"))
        own = VARIABLE.sub(lambda found: str(given.get(found[1])), route)
        base = path.removesuffix(own)
        if base + own in (path, f"{path}/") and not base.endswith("/"):
            return base, own
    if isinstance(stage, str) and path.startswith(f"/{stage}/"):
        return f"/{stage}", path.removeprefix(f"/{stage}")
    return "", path


def _caller(context: Mapping[Any, Any]) -> str | None:
    """By a token its issuer and subject, by a signature the user or role, as both versions of API Gateway tell it."""
    authorizer, identity = context.get("authorizer"), context.get("identity")
    if authorizer is None and identity is None:
        return None
    authorizer = _mapping(authorizer)
    claims = _mapping(_mapping(authorizer.get("jwt")).get("claims")) or _mapping(authorizer.get("claims"))
    arns = (_mapping(authorizer.get("iam")).get("userArn"), _mapping(identity).get("userArn"))
    named = [f"{claims.get('iss')} {claims['sub']}"] if isinstance(claims.get("sub"), str) else []
    found = next((each for each in (*named, *arns) if isinstance(each, str)), None)
    # A role is one caller: its sessions have other names each time.
    return found.rpartition("/")[0] if found and ":assumed-role/" in found else found


def _decoded(path: Any) -> Any:
    return unquote(path) if isinstance(path, str) else path


def _mapping(value: Any) -> Mapping[Any, Any]:
    return value if isinstance(value, dict) else {}
