"""SnapStart without AWS: the real runtime client, in a process that is stopped, over an API as Lambda's runtime has it.

The emulator of AWS restores nothing.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.background import in_background
from tests.conftest import ROOT

SECONDS = 60
# Nobody can change the variables of a running process from outside. Here a hook does, before those of the function.
START = """
import json, os, sys
from pathlib import Path
from snapshot_restore_py import register_after_restore
register_after_restore(lambda: os.environ.update(json.loads(Path(sys.argv[1]).read_text())))
from awslambdaric.__main__ import main
main(["awslambdaric", "serving.handler.handler"])
"""


class Function:
    """One process of a function, and Lambda's side of it."""

    def __init__(self, variables: Path) -> None:
        self.init_error: dict[str, Any] | None = None
        self._variables = variables
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = threading.Event()
        self._restored = threading.Event()
        self._events: queue.Queue[Any] = queue.Queue()
        self._answers: queue.Queue[Any] = queue.Queue()

    def start(self, environment: Mapping[str, str], log: Path) -> None:
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-c", START, str(self._variables)],
                env={**environment, "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"},
                cwd=ROOT,
                stdout=output,
                stderr=output,
            )

    def freeze(self) -> None:
        """Stop the process once its init has ended and it waits to be restored."""
        assert self._process is not None
        assert self._ready.wait(SECONDS)
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)

    def restore(self, **variables: str) -> None:
        """Let the process go on, hours later: with these variables, and all that the caller has made of the world."""
        assert self._process is not None
        self._variables.write_text(json.dumps(variables))
        self._process.send_signal(signal.SIGCONT)
        self._restored.set()

    def invoke(self, event: Any) -> Any:
        self._events.put(event)
        return self._answers.get(timeout=SECONDS)

    def wait_for_the_end(self) -> int:
        """Its exit code, where it ends by itself."""
        assert self._process is not None
        return self._process.wait(SECONDS)

    def kill(self) -> None:
        self._restored.set()
        self._events.put(None)
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def get(self, call: str) -> tuple[dict[str, str], bytes]:
        """Headers and body of what the runtime asks for."""
        if call == "restore/next":
            self._ready.set()
            self._restored.wait()
            return {}, b""
        event = self._events.get()
        headers = {
            "Content-Type": "application/json",  # without one the client crashes
            "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0",
            "Lambda-Runtime-Aws-Request-Id": "8f507cfc-xmpl-4697-b07a-ac58fc914c95",
            "Lambda-Runtime-Deadline-Ms": "4102444800000",
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:123456789012:function:wine:8",
        }
        return headers, json.dumps(event).encode()

    def post(self, call: str, told: Any) -> None:
        if call == "init/error":
            self.init_error = told
        else:
            self._answers.put(told)


@contextmanager
def snap_started(environment: Mapping[str, str], folder: Path) -> Iterator[Function]:
    """A function whose init has begun; its log is in the folder.

    Args:
        environment: all that it has, beside the path and the runtime's own.
    """
    function = Function(folder / "variables.json")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            headers, body = function.get(self.path.partition("/runtime/")[2])
            self._answer(200, headers, body)

        def do_POST(self) -> None:
            told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            function.post(self.path.partition("/runtime/")[2], told)
            self._answer(202, {}, b"")

        def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
            self.send_response_only(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def handle(self) -> None:
            with suppress(OSError):  # once the process has gone
                super().handle()

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with in_background(server):
        try:
            own = {"PATH": os.environ["PATH"], "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_address[1]}"}
            function.start({**own, **environment}, folder / "function.log")
            yield function
        finally:
            function.kill()
