"""An endpoint that gives a container its credentials for a token, as AWS runs one beside a function or a task."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.background import in_background
from tests.https_site import secured


class Endpoint:
    """Gives the credentials `key` to who has the `token`, and notes the tokens of all who ask in `asked`."""

    def __init__(self) -> None:
        self.token = "first-token"
        self.key = "FIRST"
        self.minutes = 60.0
        self.asked: list[str | None] = []
        self.answers: list[tuple[int, bytes]] = []
        self.uri = ""
        self.closing = threading.Event()

    @property
    def environment(self) -> dict[str, str]:
        return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": self.uri, "AWS_CONTAINER_AUTHORIZATION_TOKEN": self.token}

    def then(self, *answers: tuple[int, bytes]) -> None:
        """Give these answers to the next who ask; a status of 0 is none, and one of -1 is none that ends."""
        self.answers += answers

    def answer(self, token: str | None) -> tuple[int, bytes]:
        self.asked.append(token)
        if self.answers:
            return self.answers.pop(0)
        if token != self.token:
            return 404, b"cannot get credentials for the provided token\n"
        return 200, json.dumps(self.credentials()).encode()

    def credentials(self) -> dict[str, Any]:
        """As Lambda writes them, in nanoseconds."""
        end = datetime.now(UTC) + timedelta(minutes=self.minutes)
        return {
            "AccessKeyId": self.key,
            "SecretAccessKey": f"secret-of-{self.key}",
            "Token": f"session-of-{self.key}",
            "Expiration": f"{end:%Y-%m-%dT%H:%M:%S}.123456789Z",
        }


@contextmanager
def credentials_endpoint(certificate: Path | None = None) -> Iterator[Endpoint]:
    """A running one; behind https at localhost where it has a certificate, with its key beside it."""
    running = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = running.answer(self.headers.get("Authorization"))
            if status <= 0:
                running.closing.wait(60 if status else 0)
                return
            self.send_response_only(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:
                self.close_connection = True  # who asked reads no more

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    origin = secured(server, certificate) if certificate else f"http://127.0.0.1:{server.server_port}"
    running.uri = f"{origin}/2021-04-23/credentials"
    with in_background(server):
        try:
            yield running
        finally:
            running.closing.set()
