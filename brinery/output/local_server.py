"""A server for this machine's browser alone: bounded, and told apart from what pages of other sites lead to."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from brinery.errors import EnvironmentFailed

HOST = "127.0.0.1"
MOST_AT_ONCE = 20


class LocalServer(ThreadingHTTPServer):
    """Listens on 127.0.0.1; beyond so many connections at once, more are closed unanswered."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        """Begin to listen; port 0 is any that is free.

        Raises:
            EnvironmentFailed: the port cannot be listened on.
        """
        self.slots = threading.Semaphore(MOST_AT_ONCE)
        try:
            super().__init__((HOST, port), handler)
        except OSError as exc:
            raise EnvironmentFailed(
                f"port {port} cannot be listened on: {exc.strerror}; name another by --port"
            ) from exc

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.server_address[1]}"

    @property
    def hosts(self) -> tuple[str, str]:
        """What the Host header may be: a page of another site, whose name leads here, says that name."""
        port = self.server_address[1]
        return f"{HOST}:{port}", f"localhost:{port}"

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self.slots.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: a browser that went away is no fault."""
