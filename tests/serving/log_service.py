"""A CloudWatch Logs of our own that is slow, refuses, or hangs, which the local service is not."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.background import in_background


class LogService:
    """What came: calls by name, and lines. `refusal` is an error that is answered; where it hangs, nothing is."""

    def __init__(self) -> None:
        self.endpoint = ""
        self.calls: list[str] = []
        self.lines: list[dict[str, Any]] = []
        self.refusal = ""
        self.seconds = 0.0
        self.ended = threading.Event()


@contextmanager
def log_service(refusal: str = "", seconds: float = 0.0) -> Iterator[LogService]:
    """Run it; each answer takes so many seconds."""
    service = LogService()
    service.refusal, service.seconds = refusal, seconds

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            call = self.headers["x-amz-target"].rpartition(".")[2]
            told = json.loads(self.rfile.read(int(self.headers["content-length"])))
            service.calls.append(call)
            if service.ended.wait(service.seconds):
                return
            service.lines += [json.loads(event["message"]) for event in told.get("logEvents", [])]
            body = json.dumps({"__type": service.refusal, "message": "no"} if service.refusal else {}).encode()
            self.send_response(400 if service.refusal else 200)
            self.send_header("content-type", "application/x-amz-json-1.1")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            pass  # a caller that did not wait

    with in_background(Server(("127.0.0.1", 0), Handler)) as server:
        service.endpoint = f"http://127.0.0.1:{server.server_port}"
        try:
            yield service
        finally:
            service.ended.set()
