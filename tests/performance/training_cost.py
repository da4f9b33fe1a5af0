"""`train` against a bare scikit-learn script that does the same fits, evaluation and dump."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import boto3
import numpy as np
import pandas as pd
import psutil

from tests.performance.environments import ROOT, clean_environment
from tests.performance.figures import Figure, figure, interleaved, parser, report
from tests.performance.models import Registry, registry_on_s3

PROGRAM = "training_cost"
ROWS, COLUMNS = 1_000_000, 20
LIMITS = {"wine": 1.3, "rows": 1.1}
ALLOWED_SECONDS = {"wine": 2.0, "rows": 0.0}
MEMORY_LIMIT = 1.3
SAMPLE_SECONDS = 0.05
SCRIPT = Path(__file__).parent / "baselines/training/script.py"
NAMES = {"wine": "wine", "rows": f"{ROWS:,} x {COLUMNS} Parquet from S3"}


@dataclass(frozen=True)
class Run:
    """Wall time, and the largest sum of what all its processes hold for themselves alone or share by parts."""

    seconds: float
    megabytes: float


def main(argv: Sequence[str] | None = None) -> int:
    made = parser(
        PROGRAM,
        "What `train` costs beside a bare script: both read the same rows, fit the same estimator, measure and dump, "
        "each in fresh processes; `train` also verifies, exports, explains and publishes. Memory is that of all "
        "processes together.",
        "",
        "--data wine --pairs 5",
    )
    made.add_argument("--data", nargs="+", choices=list(NAMES), default=list(NAMES), help="default: all")
    arguments = made.parse_args(argv)
    figures: list[Figure] = []
    with registry_on_s3() as registry:
        for data in arguments.data:
            runs = _runs(registry, data)
            for run in runs.values():
                run()
            figures += _figures(data, interleaved(arguments.pairs, runs))
    report(PROGRAM, figures, arguments.json, ["wine: the 2 s that are allowed beside the ratio are taken off first"])
    return 0


def _figures(data: str, results: dict[str, list[Run]]) -> Iterator[Figure]:
    name = NAMES[data]
    seconds = {which: [run.seconds for run in found] for which, found in results.items()}
    spared = [ours - ALLOWED_SECONDS[data] for ours in seconds["train"]]
    less = f" less {ALLOWED_SECONDS[data]:g} s" if ALLOWED_SECONDS[data] else ""
    yield figure(f"{name}, wall time: train{less} : script", spared, seconds["script"], "s", LIMITS[data])
    memory = {which: [run.megabytes for run in found] for which, found in results.items()}
    yield figure(f"{name}, peak memory: train : script", memory["train"], memory["script"], "MB", MEMORY_LIMIT)


def _runs(registry: Registry, data: str) -> dict[str, Callable[[], Run]]:
    url = _upload(registry) if data == "rows" else ""
    estimator = "ensemble.HistGradientBoostingClassifier" if url else "linear_model.LogisticRegression"
    spec = {"data": url or "sklearn:wine", "estimator": f"sklearn.{estimator}"}
    models = registry.folder / f"{data}.json"
    models.write_text(json.dumps({data: spec if url else {**spec, "params": {"max_iter": 1000}}}))
    environment = clean_environment(registry.variables)
    return {
        "train": lambda: _measure([sys.executable, "-m", "training", "--models", str(models)], environment),
        "script": lambda: _measure([sys.executable, str(SCRIPT), url or "wine", str(registry.folder)], environment),
    }


def _upload(registry: Registry) -> str:
    """Numbers with a boundary that trees find, as Parquet in the registry's bucket."""
    random = np.random.default_rng(0)
    array = random.normal(size=(ROWS, COLUMNS))
    frame = pd.DataFrame(array, columns=[f"x{j}" for j in range(COLUMNS)])
    frame["target"] = (array[:, :5].sum(axis=1) * array[:, 5] + random.normal(size=ROWS) > 0).astype(int)
    path = registry.folder / "rows.parquet"
    frame.to_parquet(path, index=False)
    bucket = registry.variables["MODEL_REGISTRY"].removeprefix("s3://").partition("/")[0]
    boto3.client("s3", endpoint_url=registry.variables["AWS_ENDPOINT_URL_S3"]).upload_file(
        str(path), bucket, "rows.parquet"
    )
    return f"s3://{bucket}/rows.parquet"


def _measure(command: Sequence[str], environment: dict[str, str]) -> Run:
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max(peak, _held(process.pid))
        time.sleep(SAMPLE_SECONDS)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    return Run(time.perf_counter() - started, peak / 1e6)


def _held(pid: int) -> int:
    """Proportional set size of a process and all that it started, in bytes."""
    total = 0
    try:
        process = psutil.Process(pid)
        for each in [process, *process.children(recursive=True)]:
            total += each.memory_full_info().pss
    except psutil.Error:
        pass  # one has just ended
    return total


if __name__ == "__main__":
    sys.exit(main())
