"""One function under the real runtime client and the runtime emulator, timed from outside."""

import http.client
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.conftest import free_port
from tests.lambda_runtime import emulator_program
from tests.performance.environments import clean_environment
from tests.performance.functions import Function
from tests.performance.models import ROW

DURATION = re.compile(rb"\tDuration: ([0-9.]+) ms")


class Runtime:
    """A started emulator: the function itself starts with the first invocation."""

    def __init__(self, port: int, pid: int, log: Path) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._pid = pid
        self._log = log

    def invoke(self, event: bytes) -> float:
        """Seconds from the invocation's sending to the end of its answer, which must be a 200.

        Of the first invocation, the function's process starts and ends its init within them.
        """
        started = time.perf_counter()
        self._connection.request("POST", "/2015-03-31/functions/function/invocations", body=event)
        answer = self._connection.getresponse().read()
        seconds = time.perf_counter() - started
        decoded = json.loads(answer)
        if decoded.get("statusCode") != 200:
            raise RuntimeError(
                f"the function answered {answer[:400]!r}; its log ends: {self._log.read_bytes()[-2000:]!r}"
            )
        return seconds

    def reported(self) -> list[float]:
        """Seconds of each invocation so far as the emulator reports them: those that Lambda would bill."""
        return [float(found) / 1000 for found in DURATION.findall(self._log.read_bytes())]

    def peak_memory(self) -> int:
        """Bytes of the function's process at its largest (VmHWM)."""
        status = (self._process() / "status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024

    def processor_seconds(self) -> float:
        """What the function's process has used so far, user and system; other load hardly changes it."""
        fields = (self._process() / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _process(self) -> Path:
        children = Path(f"/proc/{self._pid}/task").glob("*/children")
        (pid,) = {child for file in children for child in file.read_text().split()}
        return Path("/proc") / pid


@contextmanager
def running(function: Function) -> Iterator[Runtime]:
    """Start the emulator, and end it with all that it started."""
    port, log = free_port(), function.folder / f"log-{time.time_ns()}"
    command = [
        str(emulator_program()),
        *("--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
        *("--runtime-api-address", f"127.0.0.1:{free_port()}"),
        *("--log-level", "error"),
        *(str(function.python), "-m", "awslambdaric", function.handler),
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=clean_environment(function.variables),
            cwd=function.folder,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _wait(port)
        yield Runtime(port, process.pid, log)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def event(data: Any = ROW) -> bytes:
    """An event as a function URL or API Gateway v2 sends it; all functions get the same."""
    return json.dumps(
        {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": "/classify",
            "rawQueryString": "",
            "headers": {"content-type": "application/json", "host": "abc.lambda-url.us-east-1.on.aws"},
            "requestContext": {
                "domainName": "abc.lambda-url.us-east-1.on.aws",
                "http": {"method": "POST", "path": "/classify", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
                "requestId": "00000000-0000-0000-0000-000000000000",
                "stage": "$default",
            },
            "body": json.dumps({"data": data}),
            "isBase64Encoded": False,
        }
    ).encode()


def _wait(port: int) -> None:
    """Until the emulator listens."""
    deadline = time.monotonic() + 30
    while True:
        probe = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            probe.request("GET", "/")
            probe.getresponse().read()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        finally:
            probe.close()
