"""Lambda without AWS or Docker: the real runtime client under the real runtime interface emulator."""

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.conftest import ROOT, free_port

SAM_VERSION = "1.170.0"
KEYLESS = ("-u", "AWS_ACCESS_KEY_ID", "-u", "AWS_SECRET_ACCESS_KEY")


def emulator_program() -> Path:
    """The emulator's binary, out of the aws-sam-cli wheel; fetched once a machine."""
    folder = Path(tempfile.gettempdir()) / f"brinery-rie-{SAM_VERSION}"
    machine = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine()]
    program = folder / "samcli" / "local" / "rapid" / f"aws-lambda-rie-{machine}"
    if not program.exists():
        fresh = Path(tempfile.mkdtemp(prefix="brinery-rie-"))
        command = [os.environ.get("UV", "uv"), "pip", "install", "--quiet", "--no-deps", "--target", str(fresh)]
        subprocess.run([*command, f"aws-sam-cli=={SAM_VERSION}"], check=True)
        try:
            fresh.rename(folder)
        except OSError:  # another run was faster
            shutil.rmtree(fresh)
    return program


@contextmanager
def emulator(
    environment: Mapping[str, str],
    handler: str = "serving.handler.handler",
    log: Path | None = None,
    snap_start: bool = False,
    port: int | None = None,
) -> Iterator[Callable[[Any], Any]]:
    """Run a handler and yield what invokes it: from an event to the decoded answer.

    Init begins with the first invocation. One invocation at a time: the emulator dies of a second one.
    It answers HTTP 200 for errors of the function too, as {"errorType", "errorMessage", …}.

    Args:
        environment: the function's variables, beside those of this process.
        log: where the function's output goes; nowhere by default.
        port: where it listens; any by default.
        snap_start: give the function no keys, but an endpoint that gives them, as under SnapStart.
    """
    port, api_port = port or free_port(), free_port()
    address = f"127.0.0.1:{port}"
    command = [
        str(emulator_program()),
        *("--runtime-interface-emulator-address", address),
        *("--runtime-api-address", f"127.0.0.1:{api_port}"),
        *("--log-level", "error"),
        *(("--enable-init-caching", "env", *KEYLESS) if snap_start else ()),
        *(sys.executable, "-m", "awslambdaric", handler),
    ]
    with open(log or os.devnull, "ab") as output:
        process = subprocess.Popen(
            command, env={**os.environ, **environment}, cwd=ROOT, stdout=output, stderr=output, start_new_session=True
        )
    url = f"http://{address}/2015-03-31/functions/function/invocations"

    def invoke(event: Any) -> Any:
        data = event if isinstance(event, bytes) else json.dumps(event).encode()
        with urllib.request.urlopen(urllib.request.Request(url, data=data), timeout=120) as answer:
            return json.loads(answer.read())

    try:
        _wait_for(f"http://{address}/", process)
        yield invoke
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Until the emulator listens; it has no path that says so, so any answer is one."""
    deadline = time.monotonic() + 30
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
