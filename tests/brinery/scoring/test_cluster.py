"""A run by the workers of a real Dask cluster, one of which is killed in the middle."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from brinery.errors import DataInvalid, LibraryMismatch, SettingInvalid
from brinery.scoring import plan
from brinery.scoring.cluster import cluster
from brinery.scoring.place import Place
from brinery.scoring.plan import read_sources
from brinery.scoring.reading.inputs import find_inputs
from brinery.scoring.reading.source import Span
from brinery.scoring.run import Stopped
from brinery.scoring.scorer import Scorer
from brinery.scoring.work import Piece, Where, work_alone
from brinery.versions.reference import Reference
from brinery.versions.store import Store, open_store
from tests.brinery.scoring.runs import parts, refused, run, stored, write_rows
from tests.brinery.scoring.test_score import wine_rows
from tests.conftest import ROOT, free_port, overwrite
from tests.examples import publish_example

Published = tuple[Store, dict[str, Reference]]


@contextmanager
def scheduler() -> Iterator[str]:
    """The address of a real one."""
    port = free_port()
    command = ["-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--no-dashboard", "--port", str(port)]
    process = started(command)
    try:
        yield f"tcp://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@contextmanager
def workers(address: str, count: int) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """So many real workers of one thread, each a process."""
    command = ["-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
    processes = [started([*command, "--host", "127.0.0.1"]) for _ in range(count)]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def started(arguments: list[str]) -> "subprocess.Popen[bytes]":
    quiet = subprocess.DEVNULL
    return subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=dict(os.environ), stdout=quiet, stderr=quiet)


@pytest.mark.slow
def test_run_by_workers_of_which_one_is_killed_has_the_bytes_of_one_machine(
    published: Published, tmp_path: Path, s3_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "PIECE_BYTES", 8192)
    base = s3_store.url
    store, references = published
    for place in range(8):
        rows = wine_rows(2000, place)
        rows.loc[place * 100, "alcohol"] = None
        write_rows(rows, tmp_path / f"in/{place}.{('csv', 'csv.gz', 'parquet', 'jsonl')[place % 4]}")
    asked: dict[str, Any] = {"most_refused": 8}
    whole = run(store, references["wine"], tmp_path / "in", f"{base}/whole", **asked).manifest
    with scheduler() as address, workers(address, 3) as processes:
        killed: list[int] = []

        def kill(rows: int, share: float) -> None:
            if rows > 4000 and not killed:
                processes[0].send_signal(signal.SIGKILL)
                killed.append(processes[0].wait())

        out = f"{base}/out"
        done = run(
            store, references["wine"], tmp_path / "in", out, make_workers=cluster(address), told=kill, **asked
        ).manifest
        assert killed == [-signal.SIGKILL] and [process.poll() for process in processes[1:]] == [None, None]
        again = run(store, references["wine"], tmp_path / "in", out, make_workers=cluster(address), **asked)
        assert again.before
    assert parts(out) == parts(f"{base}/whole") and done["parts"] == whole["parts"]
    assert done["counts"]["bins"] == whole["counts"]["bins"] and done["refused"] == whole["refused"]
    assert len(done["parts"]) > 20 and done["rows"] == 8 * 1999


@pytest.mark.slow
def test_workers_that_refuse_rows_or_are_stopped_end_as_on_one_machine(published: Published, tmp_path: Path) -> None:
    store, references = published
    rows = wine_rows(2000)
    rows.loc[1234, "alcohol"] = None
    write_rows(rows, tmp_path / "rows.csv")
    asked = store, references["wine"], tmp_path / "rows.csv", tmp_path / "out"
    with scheduler() as address, workers(address, 1):
        with pytest.raises(DataInvalid, match="rows.csv: row 1235 is none that the version answers: alcohol must be"):
            run(*asked, make_workers=cluster(address))
        assert "_manifest.json" not in stored(tmp_path / "out")
        with pytest.raises(Stopped):
            run(*asked, make_workers=cluster(address), most_refused=1, stopped=lambda: True)
        run(*asked, make_workers=cluster(address), most_refused=1)
        assert [each["row"] for each in refused(tmp_path / "out")] == [1235]


@pytest.mark.slow
def test_version_that_a_worker_cannot_verify_is_not_scored_with(tmp_path: Path, folder_store: Store) -> None:
    reference = publish_example(folder_store, "wine")
    write_rows(wine_rows(100), tmp_path / "rows.csv")
    with scheduler() as address, workers(address, 1):

        def spoil(*arguments: object) -> object:
            """Once this process has verified the version, and before the worker does."""
            overwrite(folder_store, f"{reference.folder}/model.onnx", b"another")
            return cluster(address)(*arguments)  # type: ignore[arg-type]

        with pytest.raises(Exception, match="model.onnx"):
            run(folder_store, reference, tmp_path / "rows.csv", tmp_path / "out", make_workers=spoil)
    assert not parts(tmp_path / "out")


def test_worker_with_other_libraries_works_on_nothing(published: Published, tmp_path: Path) -> None:
    """Its parts would agree, and yet not be those that the manifest tells of."""
    store, references = published
    write_rows(wine_rows(10), tmp_path / "rows.csv")
    with pytest.raises(LibraryMismatch, match="a worker of the cluster has .*pyarrow"):

        def elsewhere(scorer: Scorer, place: Place, where: Where, most_refused: int) -> Any:
            others = replace(where, libraries={**where.libraries, "pyarrow": "1.0"})
            (source,) = read_sources(find_inputs(str(tmp_path / "rows.csv"), tmp_path), [])[0]
            work_alone(others, Piece(0, source, Span(source.begin, 100)), most_refused)

        run(store, references["wine"], tmp_path / "rows.csv", tmp_path / "out", make_workers=elsewhere)


@pytest.mark.slow
def test_no_scheduler_or_worker_is_a_sentence(published: Published, tmp_path: Path) -> None:
    store, references = published
    write_rows(wine_rows(10), tmp_path / "rows.csv")
    asked = store, references["wine"], tmp_path / "rows.csv", tmp_path / "out"
    for address in (f"tcp://127.0.0.1:{free_port()}", "nonsense:xyz"):
        with pytest.raises(SettingInvalid, match=f"--dask is '{address}', and no scheduler answers there"):
            run(*asked, make_workers=cluster(address, 1))
    with scheduler() as address, pytest.raises(SettingInvalid, match="whose scheduler has no worker; start one"):
        run(*asked, make_workers=cluster(address, 10))
    assert open_store((tmp_path / "out").as_uri()).files("").keys() == {"_run.json"}
