"""Plain HTTP: one row at a time, one process each, against the model servers that people pick instead."""

import statistics
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from tests.performance.figures import figure, interleaved, parser, report
from tests.performance.http_client import Client, serving
from tests.performance.models import WINE, registry_on_s3
from tests.performance.servers import Server, brinery_server, naive_server, peers

PROGRAM = "http_peers"
LIMITS = {"ONNX": 0.2, "pickle": 0.35}


def main(argv: Sequence[str] | None = None) -> int:
    made = parser(
        PROGRAM,
        "p50 of one row over a kept connection, and the cold start (process start to first answer), of Brinery's HTTP "
        "server against a naive one and, with --peers, MLflow, BentoML, vetiver and LitServe, in environments that are "
        "made on the first run. MLflow and vetiver answer labels alone.",
        "--peers",
        "--peers --pairs 3 --calls 50 --json http.json",
    )
    made.add_argument("--peers", action="store_true", help="compare with the four peers as well")
    made.add_argument("--calls", type=int, default=100, metavar="N", help="requests in a round; default: 100")
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
        runs = {name: _p50(stack.enter_context(serving(server)), arguments.calls) for name, server in servers.items()}
        for run in runs.values():
            run()
        p50 = interleaved(arguments.pairs, runs)
    others = [name for name in servers if name not in LIMITS]
    fastest = min([name for name in others if name != "naive"] or others, key=lambda name: statistics.median(p50[name]))
    figures = [
        *(
            figure(f"HTTP p50, {ours} : {theirs}", p50[ours], p50[theirs], "ms", _limit(ours, theirs, fastest))
            for ours in LIMITS
            for theirs in others
        ),
        *(
            figure(f"HTTP cold start, {ours} : {theirs}", starts[ours], starts[theirs], "s")
            for ours in LIMITS
            for theirs in others
        ),
    ]
    report(PROGRAM, figures, arguments.json)
    return 0


def _limit(ours: str, theirs: str, fastest: str) -> float | None:
    """The limits are for the fastest of the peers."""
    return LIMITS[ours] if theirs == fastest and theirs != "naive" else None


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


if __name__ == "__main__":
    sys.exit(main())
