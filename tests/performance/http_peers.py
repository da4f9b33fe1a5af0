"""Plain HTTP: one row a request, one process each, against the model servers that people pick instead."""

import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

from tests.performance.figures import Figure, figure, interleaved, parser, report
from tests.performance.http_client import Client, serving
from tests.performance.models import WINE, registry_on_s3
from tests.performance.servers import Server, brinery_server, naive_server, peers

PROGRAM = "http_peers"
LIMITS = {"ONNX": 0.2, "pickle": 0.35}
LEAST_PACE = {"ONNX": 6, "pickle": 3.5}  # of the fastest peer's requests a second
CONNECTIONS = 32  # that are busy at once


def main(argv: Sequence[str] | None = None) -> int:
    made = parser(
        PROGRAM,
        f"p50 of one row over a kept connection, time a request over {CONNECTIONS} busy connections, the servers' "
        "processor time of that, and the cold start (process start to first answer), of Brinery's HTTP server against "
        "a naive one and, with --peers, MLflow, BentoML, vetiver and LitServe, in environments that are made on the "
        "first run. MLflow and vetiver answer labels alone. LitServe answers in two processes, and so has more of a "
        "machine that does other work, too. Connections are kept busy from one thread, by sockets, with nothing of an "
        "answer read but its status and its length.",
        "--peers",
        "--peers --pairs 3 --calls 50 --json http.json",
    )
    made.add_argument("--peers", action="store_true", help="compare with the four peers as well")
    made.add_argument("--calls", type=int, default=100, metavar="N", help="requests in a round; default: 100")
    made.add_argument("--busy", type=float, default=1.0, metavar="S", help="seconds of a busy round; default: 1")
    made.add_argument("--starts", type=int, default=3, metavar="N", help="cold starts of each; default: 3")
    arguments = made.parse_args(argv)
    with registry_on_s3() as registry, ExitStack() as stack:
        wine = registry.train("wine", WINE)
        servers = {
            "ONNX": brinery_server(registry, wine, "onnx"),
            "pickle": brinery_server(registry, wine, "sklearn"),
            "naive": naive_server(registry, wine),
            **(peers(registry, wine) if arguments.peers else {}),
        }
        starts = interleaved(arguments.starts, {name: _cold_start(server) for name, server in servers.items()})
        clients = {name: stack.enter_context(serving(server)) for name, server in servers.items()}
        runs = {name: _p50(client, arguments.calls) for name, client in clients.items()}
        busy = {name: _busy(client, arguments.busy) for name, client in clients.items()}
        for run in (*runs.values(), *busy.values()):
            run()
        p50, rounds = interleaved(arguments.pairs, runs), interleaved(arguments.pairs, busy)
    loaded = {name: [spent for spent, _ in found] for name, found in rounds.items()}
    processor = {name: [used for _, used in found] for name, found in rounds.items()}
    others = [name for name in servers if name not in LIMITS]
    shares = {name: round(1 / pace, 3) for name, pace in LEAST_PACE.items()}
    figures = [
        *_against("HTTP p50", p50, others, LIMITS),
        *_against(f"HTTP, {CONNECTIONS} connections", loaded, others, shares),
        *_against("processor time of it", processor, others, dict.fromkeys(LIMITS)),
        *(
            figure(f"HTTP cold start, {ours} : {theirs}", starts[ours], starts[theirs], "s")
            for ours in LIMITS
            for theirs in others
        ),
    ]
    pace = ", ".join(f"{name} {1000 / statistics.median(found):,.0f}" for name, found in loaded.items())
    report(PROGRAM, figures, arguments.json, [f"requests a second over {CONNECTIONS} connections: {pace}"])
    return 0


def _against(
    what: str, found: Mapping[str, Sequence[float]], others: Sequence[str], limits: Mapping[str, float | None]
) -> list[Figure]:
    """Milliseconds, of ours and of each other; the limits are for the fastest of the peers."""
    peers = [name for name in others if name != "naive"]
    fastest = min(peers, key=lambda name: statistics.median(found[name]), default=None)
    return [
        figure(f"{what}, {ours} : {theirs}", found[ours], found[theirs], "ms", limit if theirs == fastest else None)
        for ours, limit in limits.items()
        for theirs in others
    ]


def _cold_start(server: Server) -> Callable[[], float]:
    def run() -> float:
        with serving(server) as client:
            return client.cold_start

    return run


def _p50(client: Client, calls: int) -> Callable[[], float]:
    def run() -> float:
        client.connect_again()
        return 1000 * statistics.median(client.seconds() for _ in range(calls))

    return run


def _busy(client: Client, seconds: float) -> Callable[[], tuple[float, float]]:
    def run() -> tuple[float, float]:
        spent, used = client.seconds_busy(CONNECTIONS, seconds)
        return 1000 * spent, 1000 * used

    return run


if __name__ == "__main__":
    sys.exit(main())
