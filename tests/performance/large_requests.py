"""Plain HTTP: how long small requests take beside eight large ones, against the same server without those."""

import http.client
import json
import math
import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path
from threading import Thread

from tests.performance.figures import figure, interleaved, parser, report
from tests.performance.http_client import Client, serving
from tests.performance.models import ROW, WINE, registry_on_s3
from tests.performance.servers import brinery_server

PROGRAM = "large_requests"
LARGE = 8
ROWS = 10_000
MOST = 100.0  # milliseconds, of the slowest in a hundred
PATHS = ("/healthz", "/classify")

Times = dict[str, list[float]]


def main(argv: Sequence[str] | None = None) -> int:
    made = parser(
        PROGRAM,
        f"/healthz and one-row calls in turn, beside {LARGE} clients that each send {ROWS:,} rows of 13 numbers by "
        f"name over and over: p50 and p99 against the same server without them, and p99 against {MOST:g} ms.",
        "",
        "--pairs 3 --calls 100",
    )
    made.add_argument("--calls", type=int, default=300, metavar="N", help="requests of each kind a round; default: 300")
    arguments = made.parse_args(argv)
    figures, notes = [], []
    with registry_on_s3() as registry, ExitStack() as stack:
        wine = registry.train("wine", WINE)
        names = [feature.name for feature in registry.manifest(wine).features]
        body = json.dumps({"data": [dict(zip(names, ROW, strict=True))] * ROWS}).encode()
        servers = {
            "ONNX": brinery_server(registry, wine, "onnx"),
            "pickle": brinery_server(registry, wine, "sklearn"),
        }
        for name, server in servers.items():
            client = stack.enter_context(serving(server))
            before = _peak(client)
            found = interleaved(
                arguments.pairs,
                {"beside": _beside(client, body, arguments.calls), "alone": _alone(client, arguments.calls)},
            )
            for path in PATHS:
                for title, part in (("p50", 0.5), ("p99", 0.99)):
                    ours, theirs = ([_part(times[path], part) for times in found[each]] for each in ("beside", "alone"))
                    figures.append(figure(f"{name}, {path} {title}, beside : alone", ours, theirs, "ms"))
                figures.append(figure(f"{name}, {path} p99 : {MOST:g} ms", ours, [MOST] * len(ours), "ms", 1.0))
            large = sum(len(times["large"]) for times in found["beside"])
            seconds = statistics.median(time for times in found["beside"] for time in times["large"]) / 1000
            grown = (_peak(client) - before) / 1e6
            notes.append(f"{name}: {large} large requests, {seconds:.2g} s each; peak memory grew by {grown:.0f} MB")
    report(PROGRAM, figures, arguments.json, notes)
    return 0


def _alone(client: Client, calls: int) -> Callable[[], Times]:
    return lambda: _ask(client, calls)


def _beside(client: Client, body: bytes, calls: int) -> Callable[[], Times]:
    def run() -> Times:
        with _load(client.port, body) as large:
            times = _ask(client, calls)
        return {**times, "large": large}

    return run


def _ask(client: Client, calls: int) -> Times:
    """Milliseconds of so many calls of each kind, in turn."""
    client.connect_again()
    times: Times = {path: [] for path in PATHS}
    connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=30)
    for _ in range(calls):
        times["/classify"].append(1000 * client.seconds())
        started = time.perf_counter()
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        answer.read()
        times["/healthz"].append(1000 * (time.perf_counter() - started))
        if answer.status != 200:
            raise RuntimeError(f"/healthz answered {answer.status}")
        time.sleep(0.005)  # so that they are spread over several large requests
    connection.close()
    return times


@contextmanager
def _load(port: int, body: bytes) -> Iterator[list[float]]:
    """The large requests, from a process of their own; afterwards the list has the milliseconds of each."""
    context = multiprocessing.get_context("spawn")
    started, ended, queue = context.Event(), context.Event(), context.Queue()
    process = context.Process(target=_send, args=(port, body, started, ended, queue))
    process.start()
    found: list[float] = []
    try:
        if not started.wait(30):
            raise RuntimeError("the large requests did not begin")
        time.sleep(0.3)
        yield found
        ended.set()
        found += queue.get(timeout=60)
    finally:
        ended.set()
        process.join(60)
    if not found:
        raise RuntimeError("no large request was answered")


def _send(port: int, body: bytes, started: Event, ended: Event, queue: "multiprocessing.Queue[list[float]]") -> None:
    times: list[float] = []

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while not ended.is_set():
            began = time.perf_counter()
            connection.request("POST", "/classify", body, {"content-type": "application/json"})
            answer = connection.getresponse()
            if len(answer.read()) < 100 * ROWS or answer.status != 200:
                raise RuntimeError(f"a large request was answered {answer.status}")
            times.append(1000 * (time.perf_counter() - began))

    threads = [Thread(target=client) for _ in range(LARGE)]
    for thread in threads:
        thread.start()
    started.set()
    for thread in threads:
        thread.join()
    queue.put(times)


def _part(times: Sequence[float], part: float) -> float:
    return sorted(times)[math.ceil(part * len(times)) - 1]


def _peak(client: Client) -> int:
    """Bytes of the server's process at its largest so far (VmHWM)."""
    return int(Path(f"/proc/{client.pid}/status").read_text().partition("VmHWM:")[2].split()[0]) * 1024


if __name__ == "__main__":
    sys.exit(main())
