"""`train` against a bare scikit-learn script that does the same fits, evaluation and dump."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
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
MODELS, SMALL_ROWS, FIRST = 1000, 500, 100
LIMITS = {"wine": 1.2, "rows": 1.1}
ALLOWED_SECONDS = {"wine": 1.0, "rows": 0.0}
PROCESSOR_LIMIT, MEMORY_LIMIT, MANY_LIMIT, GROWTH_LIMIT = 1.08, 1.3, 1.1, 1.02
SAMPLE_SECONDS = 0.05
BASELINES = Path(__file__).parent / "baselines/training"
NAMES = {"wine": "wine", "rows": f"{ROWS:,} rows of {COLUMNS}", "many": "small models"}
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
NOTES = [
    "wine: the 1 s that is allowed beside the ratio is taken off first",
    "processor time is that of all processes, at one OpenMP thread, which else spin while others compute",
]
DESCRIPTION = """\
What `train` costs beside a bare script: both read the same rows, fit the same estimator, measure and dump, each in
fresh processes; `train` also verifies, exports, explains and publishes. Memory is that of all processes together, what
they share counted once.

many: one run of small models (--models) from one CSV, into a registry in a folder. It is held to as many runs of one
model each, and, since those start anew each time, also to itself: what a model costs on average in the whole run to
what it costs among the first hundred (or half of them, if they are fewer), and the most memory after these to the most
up to these. Beside them, without a limit, stands a bare script that fits as many in one process: what is proven,
explained and published of a small model costs far more than its fit. It runs once, whatever --pairs says.
"""


@dataclass(frozen=True)
class Sample:
    """How a run stood: models published, and, of all its processes together, seconds of processor time and megabytes
    with what they share by parts, `own` without those of files, which others that end or begin share too.
    """

    models: int
    processor: float
    megabytes: float
    own: float


@dataclass(frozen=True)
class Run:
    """Wall and processor time of a run with all its processes, and how it stood meanwhile."""

    seconds: float
    processor: float
    samples: tuple[Sample, ...]

    @property
    def megabytes(self) -> float:
        """The most that they held for themselves alone or shared by parts."""
        return max((sample.megabytes for sample in self.samples), default=0.0)


def main(argv: Sequence[str] | None = None) -> int:
    made = parser(PROGRAM, DESCRIPTION, "", "--data wine --pairs 5", "--data many --models 60")
    made.add_argument("--data", nargs="+", choices=list(NAMES), default=list(NAMES), help="default: all")
    made.add_argument("--models", type=int, default=MODELS, metavar="N", help=f"of many; default: {MODELS:,}")
    arguments = made.parse_args(argv)
    figures: list[Figure] = []
    with registry_on_s3() as registry:
        for data in arguments.data:
            if data == "many":
                figures += _of_many(registry, arguments.models)
                continue
            runs = _runs(registry, data)
            for run in runs.values():
                run()
            figures += _figures(data, interleaved(arguments.pairs, runs))
    report(PROGRAM, figures, arguments.json, NOTES)
    return 0


def _figures(data: str, results: dict[str, list[Run]]) -> Iterator[Figure]:
    name = NAMES[data]
    seconds = {which: [run.seconds for run in found] for which, found in results.items()}
    spared = [ours - ALLOWED_SECONDS[data] for ours in seconds["train"]]
    less = f" less {ALLOWED_SECONDS[data]:g} s" if ALLOWED_SECONDS[data] else ""
    yield figure(f"{name}, wall time: train{less} : script", spared, seconds["script"], "s", LIMITS[data])
    one, other = ([run.processor for run in results[f"{which}, one thread"]] for which in ("train", "script"))
    limit = PROCESSOR_LIMIT if data == "rows" else None
    yield figure(f"{name}, processor time: train : script", one, other, "s", limit)
    memory = {which: [run.megabytes for run in found] for which, found in results.items()}
    yield figure(f"{name}, peak memory: train : script", memory["train"], memory["script"], "MB", MEMORY_LIMIT)


def _runs(registry: Registry, data: str) -> dict[str, Callable[[], Run]]:
    url = _upload(registry) if data == "rows" else ""
    estimator = "ensemble.HistGradientBoostingClassifier" if url else "linear_model.LogisticRegression"
    spec = {"data": url or "sklearn:wine", "estimator": f"sklearn.{estimator}"}
    models = registry.folder / f"{data}.json"
    models.write_text(json.dumps({data: spec if url else {**spec, "params": {"max_iter": 1000}}}))
    commands = {
        "train": [sys.executable, "-m", "training", "--models", str(models)],
        "script": [sys.executable, str(BASELINES / "script.py"), url or "wine", str(registry.folder)],
    }
    environments = {"": clean_environment(registry.variables)}
    environments[", one thread"] = {**environments[""], **ONE_THREAD}
    return {
        f"{which}{threads}": partial(_measure, command, environment)
        for threads, environment in environments.items()
        for which, command in commands.items()
    }


def _of_many(registry: Registry, count: int) -> Iterator[Figure]:
    """Of one run of many small models."""
    random, data = np.random.default_rng(0), registry.folder / "small.csv"
    array = random.normal(size=(SMALL_ROWS, 8)).round(4)
    frame = pd.DataFrame(array, columns=[f"x{j}" for j in range(8)])
    frame["target"] = np.where(array[:, 0] + array[:, 1] + random.normal(size=SMALL_ROWS) > 0, "yes", "no")
    frame.to_csv(data, index=False)
    spec = {"data": str(data), "estimator": "sklearn.linear_model.LogisticRegression"}
    specs = {f"model-{seed}": {**spec, "random_state": seed} for seed in range(count)}
    one, many, environment = (
        _small(registry, "one", {"model-0": specs["model-0"]}),
        _small(registry, "many", specs),
        {**clean_environment(registry.variables), **ONE_THREAD},
    )
    _measure(one.command, environment)
    singles = [_measure(one.command, environment).processor for _ in range(3)]
    run = _measure(many.command, environment, many.published)
    script = _measure(
        [sys.executable, str(BASELINES / "many.py"), str(data), str(count), str(registry.folder)], environment
    )
    early, whole = _per_model(run.samples, min(FIRST, count // 2)), _per_model(run.samples, count)
    up_to, after = (
        [sample.own for sample in run.samples if (sample.models > min(FIRST, count // 2)) == later]
        for later in (False, True)
    )
    name = f"{count:,} {NAMES['many']}"
    single = sorted(singles)[1] * count
    yield figure(f"{name}, processor time: one run : runs of one", [run.processor], [single], "s", MANY_LIMIT)
    yield figure(f"{name}, processor time a model: all : the first", [whole], [early], "s", MANY_LIMIT)
    yield figure(f"{name}, peak memory: later : at first", [max(after)], [max(up_to)], "MB", GROWTH_LIMIT)
    yield figure(f"{name}, processor time: train : bare script", [run.processor], [script.processor], "s")


@dataclass(frozen=True)
class Small:
    """A command that trains models into a folder of their own."""

    command: Sequence[str]
    registry: Path

    def published(self) -> int:
        return sum(1 for _ in self.registry.glob("*/versions/*/manifest.json"))


def _small(registry: Registry, name: str, specs: Mapping[str, object]) -> Small:
    models, folder = registry.folder / f"{name}.json", registry.folder / f"registry-of-{name}"
    models.write_text(json.dumps(specs))
    options = ["--models", str(models), "--registry", folder.as_uri()]
    return Small([sys.executable, "-m", "training", *options], folder)


def _per_model(samples: Sequence[Sample], count: int) -> float:
    """Processor time of a model among the first so many, the start of the run and its first model apart."""
    first = next(sample for sample in samples if sample.models > 0)
    last = next((sample for sample in samples if sample.models >= count), samples[-1])
    return (last.processor - first.processor) / (last.models - first.models)


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


def _measure(command: Sequence[str], environment: Mapping[str, str], published: Callable[[], int] = lambda: 0) -> Run:
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    samples: list[Sample] = []
    while True:
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)  # which counts its processes that ended, too
        if ended:
            break
        samples += _sampled(process.pid, published())
        time.sleep(SAMPLE_SECONDS)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    return Run(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, tuple(samples))


def _sampled(pid: int, models: int) -> list[Sample]:
    """How a process and all that it started stand, with what they share by parts; nothing where one has just ended."""
    try:
        process = psutil.Process(pid)
        every = [process, *process.children(recursive=True)]
        times = [each.cpu_times() for each in every]
        held = [Path(f"/proc/{each.pid}/smaps_rollup").read_text() for each in every]
    except (psutil.Error, OSError):
        return []
    pss, own = (
        sum(int(size) for text in held for size in re.findall(rf"^{name}: +(\d+) kB$", text, re.MULTILINE)) * 1024 / 1e6
        for name in ("Pss", "Pss_Anon")
    )
    return [Sample(models, sum(each.user + each.system for each in times), pss, own)]


if __name__ == "__main__":
    sys.exit(main())
