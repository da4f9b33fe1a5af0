"""One server in processes of its own, and a client that keeps its connection."""

import http.client
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.conftest import free_port
from tests.performance.environments import clean_environment
from tests.performance.servers import Server

STARTS_WITHIN = 120.0


class Client:
    """Sends the server's request; `cold_start` is in seconds, from the start of the process to its first answer."""

    def __init__(self, server: Server, port: int) -> None:
        self._server = server
        self.port = port
        self.pid = 0
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.cold_start = 0.0

    def ask(self) -> tuple[float, int, bytes]:
        """Seconds, status and body of one request."""
        headers = {"content-type": "application/json"}
        started = time.perf_counter()
        self._connection.request("POST", self._server.path, self._server.request, headers)
        answer = self._connection.getresponse()
        body = answer.read()
        return time.perf_counter() - started, answer.status, body

    def seconds(self) -> float:
        seconds, status, body = self.ask()
        if status != 200:
            raise RuntimeError(f"the server answered {status}: {body[:400]!r}")
        return seconds

    def connect_again(self) -> None:
        """Servers close connections that rest for seconds; the first request on the new one is not timed."""
        self._connection.close()
        self.seconds()

    def wait(self, started: float, process: subprocess.Popen[bytes], log: Path) -> None:
        """Until the first answer that is a 200."""
        last = b""
        while time.perf_counter() - started < STARTS_WITHIN and process.poll() is None:
            with suppress(OSError, http.client.HTTPException):
                _, status, last = self.ask()
                if status == 200:
                    self.cold_start = time.perf_counter() - started
                    return
            self._connection.close()
            time.sleep(0.01)
        raise RuntimeError(f"no answer from {self._server.command}: {last[:400]!r}; {log.read_bytes()[-2000:]!r}")


@contextmanager
def serving(server: Server) -> Iterator[Client]:
    """Start a server, wait for its first answer, and end it with all that it started."""
    port, log = free_port(), server.folder / f"log-{time.time_ns()}"
    command = [str(server.python), *(part.format(port=port) for part in server.command)]
    environment = clean_environment(server.variables)
    with log.open("wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, env=environment, cwd=server.folder, stdout=output, stderr=output, start_new_session=True
        )
    try:
        client = Client(server, port)
        client.pid = process.pid
        client.wait(started, process, log)
        yield client
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
