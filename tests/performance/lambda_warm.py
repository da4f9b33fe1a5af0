"""Warm invocations: one row, the process long started."""

import argparse
import statistics
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from tests.performance.figures import Figure, figure, interleaved, parser, report
from tests.performance.functions import Function, article, brinery, naive
from tests.performance.in_process import Worker, in_process
from tests.performance.models import FOREST, WINE, registry_on_s3
from tests.performance.runtime import Runtime, event, running

PROGRAM = "lambda_warm"
COMPARED: tuple[tuple[str, str, str, dict[str, float]], ...] = (  # name, ours, theirs, at most, by the way
    ("warm, logistic regression, ONNX : article", "ONNX", "article", {"emulator": 0.75, "handler": 0.2}),
    ("warm, forest of 200 trees, ONNX : article", "forest ONNX", "forest article", {"emulator": 0.03}),
    ("warm, logistic regression, pickle : naive", "pickle", "naive", {"emulator": 0.5}),
    ("warm, logistic regression, pickle : article", "pickle", "article", {}),
)
WAYS = {
    "emulator": "through the runtime client and the emulator, as the caller sees it",
    "reported": "through the same, as the emulator reports it (what Lambda bills)",
    "handler": "the handler called in its own process, without either",
}


def main(argv: Sequence[str] | None = None) -> int:
    made = parser(
        PROGRAM,
        "p50 of warm invocations of one row. A round calls each function --calls times; its p50 makes the ratio.\n"
        "Three ways: " + "; ".join(f"{way}: {meaning}" for way, meaning in WAYS.items()) + ".",
        "",
        "--pairs 3 --calls 20 --json warm.json",
    )
    made.add_argument("--calls", type=int, default=60, metavar="N", help="invocations in a round; default: 60")
    arguments = made.parse_args(argv)
    results: dict[str, dict[str, list[float]]] = {way: {} for way in WAYS}
    with registry_on_s3() as registry:
        wine, forest = registry.train("wine", WINE), registry.train("forest", FOREST)
        groups: list[dict[str, Function]] = [  # one after the other: calls that are compared stand close together
            {
                "article": article(registry, wine),
                "ONNX": brinery(registry, wine, "onnx"),
                "pickle": brinery(registry, wine, "sklearn"),
                "naive": naive(registry, wine),
            },
            {"forest article": article(registry, forest), "forest ONNX": brinery(registry, forest, "onnx")},
        ]
        for functions in groups:
            measured = {**_through_emulator(functions, arguments), "handler": _in_process(functions, arguments)}
            for way, found in measured.items():
                results[way].update(found)
    report(PROGRAM, _figures(results), arguments.json)
    return 0


def _figures(results: dict[str, dict[str, list[float]]]) -> list[Figure]:
    """Milliseconds."""
    return [
        figure(f"{name} ({way})", found[ours], found[theirs], "ms", limits.get(way))
        for name, ours, theirs, limits in COMPARED
        for way, found in results.items()
    ]


def _through_emulator(
    functions: dict[str, Function], arguments: argparse.Namespace
) -> dict[str, dict[str, list[float]]]:
    def run(runtime: Runtime) -> Callable[[], tuple[float, float]]:
        def invoke() -> tuple[float, float]:
            seen = statistics.median(runtime.invoke(event()) for _ in range(arguments.calls))
            reported = statistics.median(runtime.reported()[-arguments.calls :])
            return 1000 * seen, 1000 * reported

        return invoke

    with ExitStack() as stack:
        runs = {name: run(stack.enter_context(running(function))) for name, function in functions.items()}
        for each in runs.values():
            each()
        results = interleaved(arguments.pairs, runs)
    return {
        "emulator": {name: [seen for seen, _ in found] for name, found in results.items()},
        "reported": {name: [reported for _, reported in found] for name, found in results.items()},
    }


def _in_process(functions: dict[str, Function], arguments: argparse.Namespace) -> dict[str, list[float]]:
    def run(worker: Worker) -> Callable[[], float]:
        return lambda: 1000 * statistics.median(worker.call(event(), arguments.calls))

    with ExitStack() as stack:
        runs = {name: run(stack.enter_context(in_process(function))) for name, function in functions.items()}
        for each in runs.values():
            each()
        return interleaved(arguments.pairs, runs)


if __name__ == "__main__":
    sys.exit(main())
