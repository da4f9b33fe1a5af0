"""`registry open`: a stack's API in a browser, which cannot sign what the API wants signed."""

import os
from argparse import Namespace
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from brinery.errors import BrineryError, EnvironmentFailed
from brinery.output.local_server import MOST_AT_ONCE, LocalServer
from brinery.output.write import say
from brinery.promotion.signing import Signer
from brinery.promotion.stack import Stack
from brinery.versions.profiles import aws_region
from brinery.versions.store import Store

MOST_BODY = 6 * 1024 * 1024  # as Lambda takes
MOST_ANSWER = 12 * 1024 * 1024
SECONDS = 35  # an HTTP API answers within 30
PASSED_ON = ("accept", "content-type", "idempotency-key", "x-request-id")
NOT_PASSED_BACK = {
    "connection",
    "content-encoding",
    "content-length",
    "date",
    "keep-alive",
    "server",
    "transfer-encoding",
}

Sign = Callable[[str, str, Mapping[str, str], bytes], dict[str, str]]


def run(store: Store, arguments: Namespace) -> tuple[Any, str]:
    """Pass requests on until Ctrl-C; where there is nothing to sign, only the address."""
    stack = Stack.connect(arguments.stack, os.environ)
    url, access = stack.api
    if access is None:
        raise EnvironmentFailed(f"{stack.name} is not of infra/serving.yaml, whose API alone takes signatures")
    if url is None:
        raise EnvironmentFailed(f"{stack.name} serves nothing yet; `registry promote` has it serve a version")
    if access == "jwt":
        raise EnvironmentFailed(f"{stack.name} asks for tokens of its issuer, which this command has none of: {url}")
    if access == "open":
        return {"url": url, "access": access}, f"{url} is open to everybody, and needs no signature"
    proxy = Proxy(url, Signer.connect(url, aws_region(os.environ)).signed, arguments.port)
    with proxy, suppress(KeyboardInterrupt):
        say(f"{proxy.url}/docs is {stack.name}, each request signed as you; Ctrl-C ends it")
        proxy.serve_forever()
    return {"url": url, "access": access}, f"{proxy.url} is closed"


class Proxy(LocalServer):
    """Passes each request on to `upstream`, signed; reached from this machine alone.

    A page of another site could have a browser send requests here, which would then be signed: these are refused.
    """

    def __init__(self, upstream: str, sign: Sign, port: int) -> None:
        import urllib3  # boto3 brings it

        self.upstream = upstream.rstrip("/")
        self.sign = sign
        self.pool = urllib3.PoolManager(
            maxsize=MOST_AT_ONCE, retries=False, timeout=urllib3.Timeout(connect=5, read=SECONDS)
        )
        super().__init__(port, Handler)


class Handler(BaseHTTPRequestHandler):
    """One request at a time of one connection."""

    protocol_version = "HTTP/1.1"
    timeout = SECONDS
    server: Proxy

    def _pass_on(self) -> None:
        refused = self._refused()
        if refused:
            self.close_connection = True
            return self._answer(*refused)
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            return self._answer(HTTPStatus.BAD_REQUEST, "the body ended before its length")
        url = self.server.upstream + self.path
        given = {name: self.headers[name] for name in PASSED_ON if name in self.headers}
        try:
            headers = self.server.sign(self.command, url, given, body)
            status, found, content = self._ask(url, headers, body)
        except BrineryError as exc:
            return self._answer(HTTPStatus.BAD_GATEWAY, str(exc))
        self.send_response(status)
        for name, value in found.items():
            if name.lower() not in NOT_PASSED_BACK:
                self.send_header(name, value)
        self._end(content)

    do_GET = do_POST = do_HEAD = _pass_on

    def _refused(self) -> tuple[HTTPStatus, str] | None:
        """Why a request is not passed on: it is not this page's, or is too large."""
        own = self.server.hosts
        origin, site = self.headers.get("origin"), self.headers.get("sec-fetch-site", "none")
        if self.headers.get("host") not in own:
            return HTTPStatus.MISDIRECTED_REQUEST, f"the host must be one of {', '.join(own)}"
        if (origin is not None and urlsplit(origin).netloc not in own) or site not in ("none", "same-origin"):
            return HTTPStatus.FORBIDDEN, "requests of other sites' pages are not signed"
        if not self.path.startswith("/"):
            return HTTPStatus.BAD_REQUEST, "the path must begin with /"
        lengths = self.headers.get_all("content-length") or ["0"]
        length = lengths[0].lstrip("0") or "0"
        if "transfer-encoding" in self.headers or len(lengths) > 1 or not (length.isascii() and length.isdigit()):
            return HTTPStatus.LENGTH_REQUIRED, "the body must have one length"
        if len(length) > 12 or int(length) > MOST_BODY:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body must have at most {MOST_BODY} bytes"
        return None

    def _ask(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        import urllib3

        try:
            answer = self.server.pool.request(
                self.command, url, body=body or None, headers=headers, redirect=False, preload_content=False
            )
            content = answer.read(MOST_ANSWER + 1)
            answer.release_conn()
        except (OSError, urllib3.exceptions.HTTPError) as exc:
            raise EnvironmentFailed(f"the API does not answer: {exc}") from exc
        if len(content) > MOST_ANSWER:
            raise EnvironmentFailed(f"the API's answer has more than {MOST_ANSWER} bytes")
        return answer.status, answer.headers, content

    def _answer(self, status: HTTPStatus, detail: str) -> None:
        self.send_response(status)
        self.send_header("content-type", "text/plain; charset=utf-8")
        self._end(f"registry open: {detail}\n".encode())

    def _end(self, content: bytes) -> None:
        self.send_header("content-length", str(len(content)))
        if self.close_connection:
            self.send_header("connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: the API has its own log."""
