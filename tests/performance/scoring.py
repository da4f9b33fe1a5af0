"""`score` against a bare loop over the same engine, and against pandas with `predict_proba`."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv as arrow_csv

from brinery.loading.model_process import ModelProcess
from brinery.versions.reference import Reference
from brinery.versions.store import open_store
from tests.performance.environments import ROOT, clean_environment, kept
from tests.performance.figures import Figure, figure, interleaved, parser, report
from tests.performance.models import FOREST, ROW, WINE
from training.run import Session, train

PROGRAM = "scoring"
SPECS = {"logistic": WINE, "forest": FOREST}
ROWS = {"logistic": 10_000_000, "forest": 1_000_000}
ENGINES = {"logistic": "model.onnx", "forest": "model.joblib"}
LEAST_PACE, LEAST_PACE_OF_CSV, MOST_MEGABYTES = 0.8, 0.5, 400.0
SCRIPTS = Path(__file__).parent / "baselines/scoring"
CHUNK = 1_000_000
# A process starts with the peak of the one that it was forked from, so that must be a small one.
LAUNCHER = """\
import os, sys, time
begin = time.perf_counter()
quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
process = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=quiet)
_, status, used = os.wait4(process, 0)
busy = used.ru_utime + used.ru_stime
print(os.waitstatus_to_exitcode(status), time.perf_counter() - begin, busy, used.ru_maxrss)
"""


@dataclass(frozen=True)
class Run:
    """Wall time of a whole process, its processor time, and the most that it held."""

    seconds: float
    busy: float
    megabytes: float


def main(argv: Sequence[str] | None = None) -> int:
    made = parser(
        PROGRAM,
        "`score` in a fresh process, with all that it does, against scripts that read, predict and write, no more: "
        "batches through the same engine, and one frame of pandas through predict_proba. Memory is a process's peak.",
        "--pairs 3",
        "--models logistic --rows 1000000 --pairs 1",
    )
    made.add_argument("--models", nargs="+", choices=list(SPECS), default=list(SPECS), help="default: all")
    made.add_argument("--rows", type=int, metavar="N", help="default: 10 million of the first, 1 million of the second")
    made.add_argument("--without-pandas", action="store_true", help="which takes gigabytes")
    arguments = made.parse_args(argv)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="brinery-run-") as name:
        for model in arguments.models:
            rows = arguments.rows or ROWS[model]
            runs = _runs(model, rows, Path(name), not arguments.without_pandas)
            figures += _figures(f"{model}, {rows:,} rows", interleaved(arguments.pairs, runs))
    report(
        PROGRAM, figures, arguments.json, [f"pace must be {LEAST_PACE} of the bare loop's, of CSV half of Parquet's"]
    )
    return 0


def _figures(name: str, found: dict[str, list[Run]]) -> Iterator[Figure]:
    seconds = {which: [run.seconds for run in runs] for which, runs in found.items()}
    busy = {which: [run.busy for run in runs] for which, runs in found.items()}
    memory = {which: [run.megabytes for run in runs] for which, runs in found.items()}
    yield figure(f"{name}, time: score : bare loop", seconds["score"], seconds["bare"], "s", 1 / LEAST_PACE)
    yield figure(f"{name}, processor time: score : bare loop", busy["score"], busy["bare"], "s", 1 / LEAST_PACE)
    if "pandas" in found:
        yield figure(f"{name}, time: score : pandas", seconds["score"], seconds["pandas"], "s")
        yield figure(f"{name}, memory: score : pandas", memory["score"], memory["pandas"], "MB")
    most = [MOST_MEGABYTES] * len(memory["score"])
    yield figure(f"{name}, memory: score : {MOST_MEGABYTES:g} MB", memory["score"], most, "MB", 1.0)
    yield figure(f"{name}, memory: a tenth of the rows : all", memory["tenth"], memory["score"], "MB")
    yield figure(f"{name}, time: CSV : Parquet", seconds["CSV"], seconds["score"], "s", 1 / LEAST_PACE_OF_CSV)
    yield figure(f"{name}, processor time: CSV : Parquet", busy["CSV"], busy["score"], "s", 1 / LEAST_PACE_OF_CSV)
    yield figure(f"{name}, memory: CSV : {MOST_MEGABYTES:g} MB", memory["CSV"], most, "MB", 1.0)
    yield figure(f"{name}, time of CSV: score : bare loop", seconds["CSV"], seconds["bare CSV"], "s")


def _runs(model: str, rows: int, folder: Path, pandas: bool) -> dict[str, Callable[[], Run]]:
    store = open_store((folder / "registry").as_uri(), create=True)
    with ModelProcess() as check:
        reference = train(model, SPECS[model], Session(store, check)).reference
    files = folder / "registry" / reference.folder
    parquet, csv = rows_of(rows)
    tenth, _ = rows_of(rows // 10)
    engine = str(files / ENGINES[model])
    runs = {
        "score": lambda: _score(reference, store.url, parquet, folder),
        "bare": lambda: _script("bare.py", engine, parquet, folder),
        "CSV": lambda: _score(reference, store.url, csv, folder),
        "bare CSV": lambda: _script("bare.py", engine, csv, folder),
        "tenth": lambda: _score(reference, store.url, tenth, folder),
    }
    if pandas:
        runs["pandas"] = lambda: _script("frames.py", str(files / "model.joblib"), parquet, folder)
    return runs


def rows_of(count: int) -> tuple[Path, Path]:
    """Rows near a real one, as Parquet and as CSV, kept between runs."""
    from sklearn.datasets import load_wine

    names = load_wine(as_frame=True).data.columns.tolist()
    parquet = kept(f"rows-{count}", "1").with_suffix(".parquet")
    csv = parquet.with_suffix(".csv")
    if not csv.exists():
        print(f"writing {count:,} rows", file=sys.stderr)
        random = np.random.default_rng(0)
        schema = pa.schema([(name, pa.float64()) for name in names])
        fresh = [path.with_suffix(f"{path.suffix}.part") for path in (parquet, csv)]
        with pq.ParquetWriter(fresh[0], schema) as as_parquet, arrow_csv.CSVWriter(fresh[1], schema) as as_csv:
            for start in range(0, count, CHUNK):
                some = min(CHUNK, count - start)
                array = (np.array(ROW) * random.uniform(0.9, 1.1, (some, len(ROW)))).round(4)
                table = pa.table([array[:, j].copy() for j in range(len(ROW))], schema=schema)
                as_parquet.write_table(table)
                as_csv.write_table(table)
        for path, target in zip(fresh, (parquet, csv), strict=True):
            path.rename(target)
    return parquet, csv


def _score(reference: Reference, registry: str, rows: Path, folder: Path) -> Run:
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    command = ["-m", "brinery.commands.score", str(reference), str(rows), str(out), "--registry", registry]
    return _measured([sys.executable, *command])


def _script(name: str, model: str, rows: Path, folder: Path) -> Run:
    return _measured([sys.executable, str(SCRIPTS / name), model, str(rows), str(folder / "answers.parquet")])


def _measured(command: Sequence[str]) -> Run:
    launch = [sys.executable, "-S", "-c", LAUNCHER, *command]
    done = subprocess.run(launch, cwd=ROOT, env=clean_environment(), stdout=subprocess.PIPE, text=True, check=True)
    code, seconds, busy, kilobytes = done.stdout.split()
    if code != "0":
        raise RuntimeError(f"{' '.join(command)} ended with {code}")
    return Run(float(seconds), float(busy), int(kilobytes) * 1024 / 1e6)


if __name__ == "__main__":
    sys.exit(main())
