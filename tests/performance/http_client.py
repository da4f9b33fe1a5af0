"""One server in processes of its own, a client that keeps its connection, and one that keeps many busy."""

import http.client
import os
import re
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil

from tests.conftest import free_port
from tests.performance.environments import clean_environment
from tests.performance.servers import Server

STARTS_WITHIN = 120.0
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


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

    def seconds_busy(self, connections: int, seconds: float) -> tuple[float, float]:
        """Seconds a request, and the server's seconds of a processor, where so many connections are busy for so long.

        One thread, sockets, and nothing read but the status and the length: two cores share client and server, and a
        client that takes as long as the server would measure itself.
        """
        headers = f"host: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: {len(self._server.request)}"
        request = f"POST {self._server.path} HTTP/1.1\r\n{headers}\r\n\r\n".encode() + self._server.request
        with selectors.DefaultSelector() as waiting, ExitStack() as stack:
            for _ in range(connections):
                connection = stack.enter_context(socket.create_connection(("127.0.0.1", self.port), timeout=30))
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                waiting.register(connection, selectors.EVENT_READ, bytearray())
                connection.sendall(request)
            answers, used, started = 0, self._processor_seconds(), time.perf_counter()
            while (spent := time.perf_counter() - started) < seconds:
                for key, _ in waiting.select(30):
                    if _is_whole(key.data, key.fileobj.recv(65536)):  # type: ignore[union-attr]
                        answers += 1
                        key.data.clear()
                        key.fileobj.sendall(request)  # type: ignore[union-attr]
            return spent / answers, (self._processor_seconds() - used) / answers

    def _processor_seconds(self) -> float:
        """What all processes of the server have used so far, user and system."""
        server = psutil.Process(self.pid)
        times = [each.cpu_times() for each in (server, *server.children(recursive=True))]
        return float(sum(each.user + each.system for each in times))

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


def _is_whole(answer: bytearray, more: bytes) -> bool:
    """Whether an answer is complete, once more of it is added; it must be a 200 that tells its length."""
    answer += more
    head, found, body = answer.partition(b"\r\n\r\n")
    length = LENGTH.search(head)
    if not more or not answer.startswith(b"HTTP/1.1 200") or (found and length is None):
        raise RuntimeError(f"the server answered {bytes(answer[:400])!r}")
    return length is not None and len(body) >= int(length[1])


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
