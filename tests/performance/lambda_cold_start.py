"""Cold starts: from the start of the process to the first answer, S3 fetch and all checks included."""

import sys
from collections.abc import Callable, Sequence

from tests.performance.figures import figure, interleaved, parser, report
from tests.performance.functions import Function, article, brinery, naive
from tests.performance.models import WINE, registry_on_s3
from tests.performance.runtime import event, running

PROGRAM = "lambda_cold_start"


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parser(
        PROGRAM,
        "Cold start and peak memory of Brinery and of a naive server against the article's handler, each under the "
        "real runtime client and the runtime emulator. The time is from the first invocation's sending, which starts "
        "the function's process, to its answer.",
        "",
        "--pairs 3 --json cold.json",
    ).parse_args(argv)
    with registry_on_s3() as registry:
        wine = registry.train("wine", WINE)
        functions = {
            "article": article(registry, wine),
            "ONNX": brinery(registry, wine, "onnx"),
            "pickle": brinery(registry, wine, "sklearn"),
            "naive": naive(registry, wine),
        }
        runs = {name: _first_answer(function) for name, function in functions.items()}
        for run in runs.values():  # so that no file is read from disk for the first time
            run()
        results = interleaved(arguments.pairs, runs)
    seconds = {name: [run[0] for run in found] for name, found in results.items()}
    processor = {name: [run[1] for run in found] for name, found in results.items()}
    memory = {name: [run[2] / 1e6 for run in found] for name, found in results.items()}
    limits = {"ONNX": 0.34, "pickle": 0.95, "naive": None}
    figures = [
        *(
            figure(f"cold start, {name} : article", seconds[name], seconds["article"], "s", limit)
            for name, limit in limits.items()
        ),
        *(
            figure(f"processor time of it, {name} : article", processor[name], processor["article"], "s", limit)
            for name, limit in {"ONNX": 0.32, "pickle": None, "naive": None}.items()
        ),
        figure("peak memory, ONNX : article", memory["ONNX"], memory["article"], "MB", 0.76),
        figure("peak memory, pickle : article", memory["pickle"], memory["article"], "MB"),
        figure("peak memory, naive : article", memory["naive"], memory["article"], "MB"),
    ]
    report(PROGRAM, figures, arguments.json)
    return 0


def _first_answer(function: Function) -> Callable[[], tuple[float, float, int]]:
    def run() -> tuple[float, float, int]:
        with running(function) as runtime:
            return runtime.invoke(event()), runtime.processor_seconds(), runtime.peak_memory()

    return run


if __name__ == "__main__":
    sys.exit(main())
