"""A batch: 10,000 rows in one request, through the real handler function."""

import statistics
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from tests.performance.figures import figure, interleaved, parser, report
from tests.performance.functions import bare, brinery
from tests.performance.in_process import Worker, in_process
from tests.performance.models import ROW, WINE, registry_on_s3
from tests.performance.runtime import event

PROGRAM = "batch"
ROWS = 10_000
CALLS = 3


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parser(
        PROGRAM,
        f"One request of {ROWS:,} rows of 13 numbers, Brinery's handler with ONNX against bare json.loads + numpy + "
        "session.run + json.dumps that give the same answer, each in its own process. The pickle is shown beside.",
        "",
        "--pairs 3 --json batch.json",
    ).parse_args(argv)
    request = event(_rows())
    with registry_on_s3() as registry, ExitStack() as stack:
        wine = registry.train("wine", WINE)
        functions = {
            "bare": bare(registry, wine),
            "ONNX": brinery(registry, wine, "onnx"),
            "pickle": brinery(registry, wine, "sklearn"),
        }

        def run(worker: Worker) -> Callable[[], float]:
            return lambda: 1000 * statistics.median(worker.call(request, CALLS))

        workers = {name: stack.enter_context(in_process(function)) for name, function in functions.items()}
        _compare({name: worker.answer(request)["predictions"] for name, worker in workers.items()})
        results = interleaved(arguments.pairs, {name: run(worker) for name, worker in workers.items()})
    figures = [
        figure("10,000 rows, ONNX : bare", results["ONNX"], results["bare"], "ms", 2.0),
        figure("10,000 rows, pickle : bare", results["pickle"], results["bare"], "ms"),
    ]
    report(PROGRAM, figures, arguments.json)
    return 0


def _compare(answers: dict[str, list[Any]]) -> None:
    """All must give the same answers, or the times mean nothing."""
    labels = {name: [answer["prediction"] for answer in found] for name, found in answers.items()}
    chances = {name: [list(answer["probabilities"].values()) for answer in found] for name, found in answers.items()}
    for name in answers:
        if labels[name] != labels["bare"] or not np.allclose(chances[name], chances["bare"], atol=1e-5):
            raise RuntimeError(f"{name} and bare answer differently")


def _rows() -> list[list[float]]:
    """Rows near a real one, with as many digits as measured values have."""
    factors = np.random.default_rng(0).uniform(0.95, 1.05, (ROWS, len(ROW)))
    rows: list[list[float]] = (np.array(ROW) * factors).round(3).tolist()
    return rows


if __name__ == "__main__":
    sys.exit(main())
