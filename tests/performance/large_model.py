"""Loading from S3, with all checks, against joblib.load of the same file on the local disk."""

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from brinery.versions.store import open_store
from tests.conftest import BUCKET
from tests.performance.environments import clean_environment
from tests.performance.figures import Figure, figure, interleaved, parser, report
from tests.performance.forests import forest_file, publish_forest
from tests.performance.functions import brinery_code, brinery_python
from tests.performance.models import Registry, registry_on_s3
from tests.slow_s3 import slow_s3

PROGRAM = "large_model"
SIZES = {"1 kB": 1_000, "10 MB": 10_000_000, "500 MB": 500_000_000}
LIMIT, MEMORY_LIMIT = 1.5, 2.2
RATE, RATE_LIMIT = 80_000_000, 0.5  # bytes a second, about what a Lambda function gets
AT = {"of a connection": False, "of all together": True}
STEPS = ("fetch", "verify", "load", "self_test")


def main(argv: Sequence[str] | None = None) -> int:
    made = parser(
        PROGRAM,
        "How much slower a load from S3 is than one from the image: a verified load of the pickle, with all checks, "
        "against joblib.load of a local file that is in the page cache; each in a fresh process, imports not counted. "
        f"The largest is loaded from an S3 of {RATE / 1e6:.0f} MB/s, too, of a connection or of all together, against "
        "one request for the file as it is, its hash and joblib.load. "
        "The models are made on the first run.",
        "",
        "--sizes '1 kB' '10 MB' --pairs 3 --json large.json",
    )
    made.add_argument("--sizes", nargs="+", choices=list(SIZES), default=list(SIZES), help="default: all")
    arguments = made.parse_args(argv)
    figures: list[Figure] = []
    notes: list[str] = []
    with registry_on_s3() as registry:
        for size in arguments.sizes:
            path = forest_file(SIZES[size])
            reference = publish_forest(registry.store, f"forest-{SIZES[size]}", path)
            runs = {"s3": _load(registry, "s3", str(reference)), "file": _load(registry, "file", str(path))}
            for run in runs.values():
                run()
            results = interleaved(arguments.pairs, runs)
            figures += _figures(size, path.stat().st_size, results)
            notes.append(_steps(f"{size} from S3", results["s3"]))
            if size == "500 MB":
                for which, shared in AT.items():
                    slow = _at_fixed_rate(registry, path, arguments.pairs, shared)
                    seconds = {name: [1000 * run["seconds"] for run in found] for name, found in slow.items()}
                    name = f"{size}, S3 at {RATE / 1e6:.0f} MB/s {which} -> loaded : one GET and joblib.load"
                    figures.append(figure(name, seconds["s3"], seconds["get"], "ms", RATE_LIMIT))
                    notes.append(_steps(f"{size} at {RATE / 1e6:.0f} MB/s {which}", slow["s3"]))
    report(PROGRAM, figures, arguments.json, notes)
    return 0


def _figures(size: str, actual: int, results: dict[str, list[Any]]) -> list[Figure]:
    large = size == "500 MB"
    seconds = {name: [1000 * run["seconds"] for run in found] for name, found in results.items()}
    loaded = figure(
        f"{size}, S3 -> loaded : joblib.load", seconds["s3"], seconds["file"], "ms", LIMIT if large else None
    )
    if not large:
        return [loaded]

    def memory(what: str, name: str, key: str, limit: float | None = None) -> Figure:
        measured = [run[key] / 1e6 for run in results[name]]
        return figure(f"{size}, {what} : file's size", measured, [actual / 1e6] * len(measured), "MB", limit)

    return [
        loaded,
        memory("peak memory", "s3", "peak", MEMORY_LIMIT),
        memory("peak memory of joblib.load", "file", "peak"),
        memory("growth of memory, imports apart", "s3", "growth"),
        memory("the same of joblib.load", "file", "growth"),
    ]


def _at_fixed_rate(registry: Registry, path: Path, pairs: int, shared: bool) -> dict[str, list[Any]]:
    folder = registry.folder / "files"
    store = open_store((folder / "slow").as_uri(), create=True)
    forests = {"s3": publish_forest(store, "forest", path), "get": publish_forest(store, "as-is", path, packed=False)}
    with slow_s3(folder, RATE, shared=shared) as slow:
        place = {"AWS_ENDPOINT_URL_S3": slow.endpoint, "MODEL_REGISTRY": f"s3://{BUCKET}/slow"}
        there = replace(registry, variables={**registry.variables, **place})
        return interleaved(pairs, {kind: _load(there, kind, str(forest)) for kind, forest in forests.items()})


def _steps(what: str, runs: list[Any]) -> str:
    medians = {step: 1000 * statistics.median(run["timings"][step] for run in runs) for step in STEPS}
    return f"{what}: " + ", ".join(f"{step} {value:.3g} ms" for step, value in medians.items())


def _load(registry: Registry, kind: str, what: str) -> Callable[[], Any]:
    python, folder = brinery_python("sklearn"), brinery_code(registry, "sklearn")
    program = Path(__file__).with_name("load_once.py")

    def run() -> Any:
        result = subprocess.run(
            [python, program, kind, what],
            cwd=folder,
            env=clean_environment(registry.variables),
            check=True,
            stdout=subprocess.PIPE,
        )
        return json.loads(result.stdout)

    return run


if __name__ == "__main__":
    sys.exit(main())
