"""The serve command in a process of its own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.conftest import ROOT, free_port

START = "import sys; from serving.__main__ import main; sys.exit(main(['--port', {port!r}], **{bounds!r}))"


@dataclass(frozen=True)
class Served:
    client: httpx.Client
    port: int
    pid: int
    log: Path

    def connect(self) -> socket.socket:
        """A connection that waits at most 30 seconds."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def memory(self) -> int:
        """Bytes that the process has in memory (VmRSS)."""
        return self._status("VmRSS:")

    def peak(self) -> int:
        """… and had at most (VmHWM)."""
        return self._status("VmHWM:")

    def _status(self, name: str) -> int:
        return int(Path(f"/proc/{self.pid}/status").read_text().partition(name)[2].split()[0]) * 1024


@contextmanager
def served(folder: Path, bounds: Mapping[str, float] | None = None, **environment: str) -> Iterator[Served]:
    """A server that answers `/healthz`; its log is in the folder."""
    with serving_process(folder, environment, bounds) as server:
        yield server


@contextmanager
def serving_process(
    folder: Path, environment: Mapping[str, str], bounds: Mapping[str, float] | None = None, unread: bool = False
) -> Iterator[Served]:
    """… and where it is `unread`, nobody reads its standard output, and the log is that of standard error."""
    port, log = free_port(), folder / "serve.log"
    reading, writing = os.pipe()
    os.close(reading)
    with log.open("wb") as output, open(writing, "wb") as pipe:
        process = subprocess.Popen(
            [sys.executable, "-c", START.format(port=str(port), bounds=dict(bounds or {}))],
            env={**os.environ, **environment},
            cwd=ROOT,
            stdout=pipe if unread else output,
            stderr=output,
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            deadline = time.monotonic() + 60
            while True:
                try:
                    client.get("/healthz")
                    break
                except httpx.TransportError:
                    assert process.poll() is None, log.read_text()
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
            yield Served(client, port, process.pid, log)
    finally:
        process.terminate()
        assert process.wait(30) in (0, -15)
