"""`score --dask` with one worker and with two, each a process of one thread, by a forest of 200 trees."""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from brinery.loading.model_process import ModelProcess
from brinery.versions.store import open_store
from tests.conftest import free_port
from tests.performance.environments import ROOT, clean_environment
from tests.performance.figures import figure, interleaved, parser, report
from tests.performance.models import FOREST
from tests.performance.scoring import rows_of
from training.run import Session, train

PROGRAM = "scoring_on_dask"
ROWS = 1_000_000


def main(argv: Sequence[str] | None = None) -> int:
    made = parser(PROGRAM, f"{__doc__} The scheduler and the workers run before it starts.", "--pairs 3")
    made.add_argument("--rows", type=int, default=ROWS, metavar="N", help=f"default: {ROWS:,}")
    arguments = made.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="brinery-run-") as name:
        folder = Path(name)
        store = open_store((folder / "registry").as_uri(), create=True)
        with ModelProcess() as check:
            reference = train("forest", FOREST, Session(store, check)).reference
        rows, _ = rows_of(arguments.rows)
        asked = [str(reference), str(rows), str(folder / "out"), "--registry", store.url]
        runs: dict[str, Callable[[], float]] = {
            "one": lambda: _on_cluster(1, asked, folder),
            "two": lambda: _on_cluster(2, asked, folder),
            "threads": lambda: _seconds(asked, folder),
        }
        found = interleaved(arguments.pairs, runs)
    figures = [
        figure(f"{arguments.rows:,} rows, time: two workers : one", found["two"], found["one"], "s"),
        figure(f"{arguments.rows:,} rows, time: two workers : no cluster", found["two"], found["threads"], "s"),
    ]
    pace = ", ".join(f"{which} {arguments.rows / min(seconds):,.0f} rows/s" for which, seconds in found.items())
    report(PROGRAM, figures, arguments.json, [f"at best: {pace}"])
    return 0


def _on_cluster(count: int, asked: Sequence[str], folder: Path) -> float:
    with _cluster(count) as address:
        _seconds([*asked, "--dask", address], folder)  # the workers have loaded the version then
        return _seconds([*asked, "--dask", address], folder)


def _seconds(asked: Sequence[str], folder: Path) -> float:
    shutil.rmtree(folder / "out", ignore_errors=True)
    begin = time.perf_counter()
    command = [sys.executable, "-m", "brinery.commands.score", *asked]
    subprocess.run(command, cwd=ROOT, env=clean_environment(), stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin


@contextmanager
def _cluster(count: int) -> Iterator[str]:
    address = f"tcp://127.0.0.1:{free_port()}"
    quiet = ["--no-dashboard", "--host", "127.0.0.1"]
    scheduler = ["-m", "distributed.cli.dask_scheduler", "--port", address.rpartition(":")[2], *quiet]
    worker = ["-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny", *quiet]
    null = subprocess.DEVNULL
    processes = [
        subprocess.Popen([sys.executable, *each], cwd=ROOT, env=clean_environment(), stdout=null, stderr=null)
        for each in (scheduler, *[worker] * count)
    ]
    try:
        from distributed import Client

        with Client(address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(count, timeout=60)
        yield address
    finally:
        for process in processes:
            process.kill()
            process.wait()


if __name__ == "__main__":
    sys.exit(main())
