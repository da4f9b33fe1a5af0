"""Jobs while workers and the API are killed: none may be lost, answered otherwise, or answered twice.

The program submits jobs with keys to a real server, each again until it is accepted, sends a tenth of the messages
twice and puts some of nobody among them, takes the services away for a while, has another version served twice, and
all the time kills a worker or the server by SIGKILL. It prints what came of it, and exits with 1 where a promise was
broken.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx

from brinery.loading.load import load
from brinery.versions.reference import Reference
from brinery.versions.store import open_store
from serving.answer import answer as answer_of
from tests.conftest import ROOT, free_port, s3_service
from tests.examples import WINE, publish_example
from tests.faults.proxy import Proxy, proxy
from tests.job_service import SERVICES, JobService, keys_of_nobody, make_jobs

WORKERS = 2
VISIBILITY = 4  # seconds, so that what a killed worker held comes back soon
PATIENCE = 1200.0
BROKEN = ("lost", "wrong", "of another version", "not accepted", "accepted twice", "still queued")


class Processes:
    """The server and the workers, which are started again whenever they are killed."""

    def __init__(self, environment: dict[str, str], port: int) -> None:
        self.environment, self.port = environment, port
        self.killed = Counter[str]()
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()
        for name in ("server", *(f"worker {number}" for number in range(WORKERS))):
            self._start(name)

    def _start(self, name: str) -> None:
        serve = ["serving", "--port", str(self.port)]
        command = [sys.executable, "-m", *(serve if name == "server" else ["serving.worker"])]
        self._running[name] = subprocess.Popen(
            command, env=self.environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def kill(self, name: str, again: bool = True) -> None:
        with self._lock:
            process = self._running.pop(name, None)
            if process is not None:
                process.send_signal(signal.SIGKILL)
                process.wait()
                self.killed[name.split()[0]] += 1
            if again:
                self._start(name)

    def serve(self, pin: Reference) -> None:
        """Have another version served from now on."""
        self.environment["MODEL_VERSION"] = pin.version_text
        self.kill("server")

    def end(self) -> None:
        for name in list(self._running):
            self.kill(name, again=False)


def submit(url: str, number: int, row: list[float], until: float) -> str | None:
    """The id of an accepted job; None where it was not accepted in time."""
    while time.monotonic() < until:
        try:
            headers = {"idempotency-key": f"job-{number}"}
            answer = httpx.post(f"{url}/jobs", json={"data": row}, headers=headers, timeout=20)
            if answer.status_code == 202:
                return str(answer.json()["id"])
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    return None


def rows(number: int, seed: int) -> list[list[float]]:
    """Different rows, a hundredth of which fit no features."""
    chance = random.Random(seed)
    made = [[value * chance.uniform(0.9, 1.1) for value in WINE] for _ in range(number)]
    return [row[:3] if place % 100 == 50 else row for place, row in enumerate(made)]


def disturb(processes: Processes, through: Proxy, kills: int, seed: int, ended: threading.Event) -> None:
    """Kill one process after the other, at random moments; in the middle all services are away for some seconds."""
    chance = random.Random(seed)
    for number in range(kills):
        if ended.wait(chance.uniform(0.05, 1.0)):
            return
        server = number % 8 == 7  # it takes longer to come back
        processes.kill("server" if server else f"worker {chance.randrange(WORKERS)}")
        if number == kills // 2:
            through.fail("reset", 10**9)
            ended.wait(3)
            through.fail("reset", 0)


def run(jobs: int, kills: int, seed: int, folder: Path) -> dict[str, Any]:
    """Submit, disturb, and look at every item at the end."""
    with ExitStack() as stack:
        endpoint = stack.enter_context(s3_service(folder, SERVICES))
        service = make_jobs(endpoint, folder, VISIBILITY)
        store = open_store((folder / "registry").as_uri(), create=True)
        pins = [publish_example(store, "wine") for _ in range(3)]
        through = stack.enter_context(proxy(endpoint))
        port = free_port()
        environment = {
            **os.environ,
            **service.variables,
            "AWS_ENDPOINT_URL": through.endpoint,
            "JOBS_QUEUE_URL": service.queue_url.replace(endpoint, through.endpoint),
            "MODEL_REGISTRY": store.url,
            "MODEL_NAME": "wine",
            "MODEL_VERSION": pins[0].version_text,
            "REQUIRE_PIN": "on",
        }
        processes = Processes(environment, port)
        stack.callback(processes.end)
        ended = threading.Event()
        disturbing = threading.Thread(target=disturb, args=(processes, through, kills, seed, ended))
        disturbing.start()
        data = rows(jobs, seed)
        accepted = _submitted(service, processes, pins, f"http://127.0.0.1:{port}", data)
        left = _waited(service, disturbing, len([each for each in accepted if each]))
        ended.set()
        disturbing.join()
        processes.end()
        return {
            **_judged(service, store.url, pins, data, accepted),
            "still queued": left,
            "kills": dict(processes.killed),
        }


def _submitted(
    service: JobService, processes: Processes, pins: list[Reference], url: str, data: list[list[float]]
) -> list[str | None]:
    """Eight clients at once; after each third another version is served."""
    accepted: list[str | None] = []
    until = time.monotonic() + PATIENCE
    sqs, third = service.client("sqs"), _third(data)
    with ThreadPoolExecutor(8) as pool:
        for place, pin in enumerate(pins):
            if place:
                processes.serve(pin)
            numbers = range(place * third, min((place + 1) * third, len(data)))
            found = list(pool.map(lambda number: submit(url, number, data[number], until), numbers))
            accepted += found
            for number, id in zip(numbers, found, strict=True):
                if number % 10 == 0:
                    text = json.dumps({"id": id}) if number % 50 else '{"id": "of nobody"}'
                    sqs.send_message(QueueUrl=service.queue_url, MessageBody=text)
    return accepted


def _third(data: list[list[float]]) -> int:
    """How many of the jobs are submitted to one version."""
    return len(data) // 3 + 1


def _waited(service: JobService, disturbing: threading.Thread, jobs: int) -> int:
    """How many jobs are still queued when all that was disturbed is over and there was time."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if not disturbing.is_alive() and service.waiting() == 0 and (queued := _queued(service)) == 0:
            return queued
        time.sleep(0.5)
    return _queued(service)


def _queued(service: JobService) -> int:
    """Asked for seldom: to list all items keeps the services from the workers."""
    return len([item for item in service.items() if item.get("state", {}).get("S") == "queued"])


def _judged(
    service: JobService, registry: str, pins: list[Reference], data: list[list[float]], accepted: list[str | None]
) -> dict[str, Any]:
    """Each accepted job against its item, and the answer of the version that was live when it was accepted."""
    items = {item["id"]["S"]: item for item in service.items()}
    models = {str(pin): load(open_store(registry), pin) for pin in pins}
    found = Counter[str]()
    for place, (row, id) in enumerate(zip(data, accepted, strict=True)):
        item, live = items.get(id or ""), pins[place // _third(data)]
        if id is None:
            found["not accepted"] += 1
        elif item is None or item["state"]["S"] == "queued":
            found["lost"] += 1
        elif item["pin"]["S"] != str(live):
            found["of another version"] += 1
        elif len(row) < len(WINE):
            found["failed, as they should" if item["state"]["S"] == "failed" else "wrong"] += 1
        else:
            found[_right(item, models[item["pin"]["S"]], row)] += 1
    found["accepted twice"] = sum("state" in item for item in items.values()) - len({*accepted} - {None})
    versions = Counter(item["pin"]["S"].split("@")[0] for item in items.values() if "pin" in item)
    return {"jobs": len(data), **found, "by version": dict(versions)}


def _right(item: Any, model: Any, row: list[float]) -> str:
    if item["state"]["S"] != "done":
        return "wrong"
    answer = json.loads(item["result"]["B"])
    status, expected = answer_of(model, json.dumps({"data": row}).encode(), 1)
    return "done" if status == 200 and answer == expected else "wrong"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults.jobs_under_kills",
        description=__doc__,
        epilog="example: python -m tests.faults.jobs_under_kills --jobs 10000 --kills 300",
    )
    parser.add_argument("--jobs", type=int, default=1000, metavar="N", help="default: 1000")
    parser.add_argument("--kills", type=int, default=40, metavar="N", help="default: 40")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of rows and of the kills' moments")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder, keys_of_nobody():
        found = run(arguments.jobs, arguments.kills, arguments.seed, Path(folder))
    for name, value in found.items():
        print(f"{name:24} {value}")
    return int(any(found.get(name) for name in BROKEN))


if __name__ == "__main__":
    sys.exit(main())
