"""A proxy before an S3 endpoint that counts its requests and injects faults into the answers."""

import http.client
import re
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import urlsplit

from tests.background import in_background

Fault = Literal["slow_down", "reset", "stall", "stall_in_body", "cut", "flip", "drip", "lost"]
ENDED = (
    b'<?xml version="1.0"?><Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>'
)
SIGNED = re.compile("Credential=([^/]+)/")
SLOW_DOWN = (
    b'<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>'
)
DRIP_SECONDS = 0.2


class Proxy:
    """Passes requests on to `upstream`; `requests` holds the method and path of each, `keys` the one that signed it.

    `open` counts connections, and `lost` holds the requests that came by forgotten ones.
    """

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.requests: list[str] = []
        self.keys: list[str] = []
        self.ended: set[str] = set()
        self.open = 0
        self.lost: list[str] = []
        self.age = 0
        self.endpoint = ""
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._fault: Fault | None = None
        self._left = 0
        self._path = ""
        self.seconds = 0.0

    def fail(self, fault: Fault, times: int, path: str = "") -> None:
        """Inject `fault` into the answers to the next `times` requests whose path ends with `path`."""
        with self._lock:
            self._fault, self._left, self._path = fault, times, path

    def delay(self, seconds: float) -> None:
        """Take so long over every answer from now on."""
        self.seconds = seconds

    def end(self, key: str) -> None:
        """Refuse what this access key signs from now on, as S3 does once it has expired."""
        self.ended.add(key)

    def forget(self) -> None:
        """Never again answer what comes by the connections of now, nor close them, as the network does after hours."""
        self.age += 1

    def count(self, change: int) -> None:
        with self._lock:
            self.open += change

    def next_fault(self, request: str, path: str) -> Fault | None:
        with self._lock:
            self.requests.append(request)
            if self._left == 0 or not path.endswith(self._path):
                return None
            self._left -= 1
            return self._fault


@contextmanager
def proxy(upstream: str, port: int = 0) -> Iterator[Proxy]:
    """A running proxy before the endpoint `upstream`."""
    running = Proxy(upstream)

    class Handler(_Handler):
        proxy = running

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Nothing: a client that was killed is no fault of the proxy."""

    server = Server(("127.0.0.1", port), Handler)
    running.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    with in_background(server):
        try:
            yield running
        finally:
            running.closing.set()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits for 40 ms between its head and its body
    proxy: Proxy

    def setup(self) -> None:
        self.age = self.proxy.age
        self.proxy.count(1)
        super().setup()

    def _pass_on(self) -> None:
        if self.age != self.proxy.age:
            self.proxy.lost.append(f"{self.command} {self.path}")
            self._stall()
            return
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault = self.proxy.next_fault(f"{self.command} {self.path}", urlsplit(self.path).path)
        signed = SIGNED.search(self.headers.get("Authorization", ""))
        self.proxy.keys.append(signed[1] if signed else "")
        self.proxy.closing.wait(self.proxy.seconds)
        if self.proxy.keys[-1] in self.proxy.ended:
            self._answer(400, [("Content-Type", "application/xml")], ENDED)
        elif fault == "reset":
            self._reset()
        elif fault == "stall":
            self._stall()
        elif fault == "slow_down":
            self._answer(503, [("Content-Type", "application/xml")], SLOW_DOWN)
        else:
            self._relay(fault, sent)

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _pass_on

    def _relay(self, fault: Fault | None, sent: bytes) -> None:
        upstream = http.client.HTTPConnection(urlsplit(self.proxy.upstream).netloc, timeout=60)
        try:
            upstream.request(self.command, self.path, sent, dict(self.headers))
            answer = upstream.getresponse()
            body = answer.read()
        finally:
            upstream.close()
        skipped = ("content-length", "transfer-encoding", "connection")
        headers = [(name, value) for name, value in answer.getheaders() if name.lower() not in skipped]
        if fault == "flip" and body:
            middle = len(body) // 2
            body = body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]
        if fault == "lost":  # done, and nobody is told
            self._reset()
        else:
            self._answer(answer.status, headers, body, fault)

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes, fault: Fault | None = None) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        try:
            self._send_body(body, fault)
        except OSError:  # the client has gone
            self.close_connection = True

    def _send_body(self, body: bytes, fault: Fault | None) -> None:
        if fault == "drip":
            for byte in body:
                if self.proxy.closing.wait(DRIP_SECONDS):
                    break
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
        elif fault in ("cut", "stall_in_body"):
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            if fault == "stall_in_body":
                self._stall()
            self.close_connection = True
        else:
            self.wfile.write(body)

    def _stall(self) -> None:
        self.proxy.closing.wait(60)
        self.close_connection = True

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True
        self.wfile = self.rfile  # nothing is left to flush

    def finish(self) -> None:
        self.proxy.count(-1)
        try:
            super().finish()
        except OSError:
            return

    def log_message(self, format: str, *args: object) -> None:
        return
