"""Runs on one machine: what comes out of what goes in, and what a place refuses."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import obstore
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from brinery.errors import DataInvalid, PinRequired, RunConflict, SettingInvalid
from brinery.scoring import plan
from brinery.scoring.run import Stopped
from brinery.versions.reference import Reference
from brinery.versions.store import Store
from tests.brinery.scoring.runs import (
    KEY,
    assert_same,
    classified,
    parts,
    refused,
    rows_of,
    run,
    stored,
    table,
    write_rows,
)
from tests.examples import WINE, publish_example

Published = tuple[Store, dict[str, Reference]]
NAMES = ["rows.parquet", "rows.csv", "rows.jsonl", "rows.csv.gz", "rows.jsonl.gz"]


def wine_rows(count: int, seed: int = 0) -> pd.DataFrame:
    """Rows near a real one."""
    columns = rows_of("wine").columns.drop(KEY)
    return pd.DataFrame(np.array(WINE) * np.random.default_rng(seed).uniform(0.9, 1.1, (count, 13)), columns=columns)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("example", ["wine", "alcohol", "mixed", "progress"])
def test_answers_are_those_of_the_server(published: Published, tmp_path: Path, example: str, name: str) -> None:
    store, references = published
    rows = rows_of(example)
    write_rows(rows, tmp_path / name)
    done = run(store, references[example], tmp_path / name, tmp_path / "out", keep=(KEY,))
    found = table(tmp_path / "out", done.manifest)
    assert found.column(KEY).to_pylist() == rows[KEY].tolist() and not done.before
    assert_same(found, classified(store, references[example], rows))


@pytest.mark.parametrize("format", ["parquet", "csv", "jsonl"])
def test_each_format_holds_the_same(published: Published, tmp_path: Path, format: str) -> None:
    store, references = published
    write_rows(rows_of("mixed"), tmp_path / "rows.csv")
    done = run(store, references["mixed"], tmp_path / "rows.csv", tmp_path / "out", keep=(KEY,), format=format)
    assert [part["file"] for part in done.manifest["parts"]] == [f"part-000000.{format}"]
    found = table(tmp_path / "out", done.manifest)
    assert found.column_names == [KEY, "prediction", "p_Adélie", "p_Gentoo"]
    assert_same(found, classified(store, references["mixed"], rows_of("mixed")))


@pytest.mark.slow
def test_manifest_tells_all_and_its_digests_are_those_of_the_parts(published: Published, tmp_path: Path) -> None:
    store, references = published
    for place in range(2):
        write_rows(wine_rows(200_000, place), tmp_path / f"in/rows-{place}.parquet")
    done = run(store, references["wine"], tmp_path / "in", tmp_path / "out").manifest
    files = stored(tmp_path / "out")
    assert json.loads(files["_manifest.json"]) == done
    assert (done["rows"], done["reference"], done["vouched"]) == (400_000, str(references["wine"]), True)
    assert (done["engine"]["format"], done["batch_rows"]) == ("onnx", 16384)
    assert [each["name"] for each in done["sources"]] == ["rows-0.parquet", "rows-1.parquet"]
    assert all(each["size"] > 0 and len(each["sha256"]) == 64 for each in done["sources"])
    assert len(done["parts"]) >= 4 and sum(part["rows"] for part in done["parts"]) == 400_000
    for part in done["parts"]:
        assert hashlib.sha256(files[part["file"]]).hexdigest() == part["sha256"]
    counts = done["counts"]["bins"]
    assert counts["rows"] == 400_000 and all(sum(each) == 400_000 for each in counts["features"].values())
    assert sum(counts["answers"]) == 400_000 and set(done["libraries"]) >= {"numpy", "pyarrow", "onnxruntime"}


def test_a_run_that_is_done_says_so_and_writes_nothing(published: Published, tmp_path: Path) -> None:
    store, references = published
    write_rows(rows_of("wine"), tmp_path / "rows.csv")
    first = run(store, references["wine"], tmp_path / "rows.csv", tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
    again = run(store, references["wine"], tmp_path / "rows.csv", tmp_path / "out")
    assert again.before and again.manifest == first.manifest
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")} == before


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"format": "csv"}, "its columns is|its format is parquet, and here it is csv"),
        ({"keep": (KEY,)}, 'its keep is \\[\\], and here it is \\["id"\\]'),
        ({"reference": "other"}, "its reference is .*, and here it is "),
        ({"input": "other"}, "rows.csv has changed since it was begun"),
        ({"input": "more"}, "its input has no more.csv"),
    ],
    ids=["format", "columns", "version", "input", "name"],
)
def test_another_run_in_the_same_place_is_refused(
    tmp_path: Path, folder_store: Store, change: dict[str, Any], told: str
) -> None:
    first, second = (publish_example(folder_store, "wine") for _ in range(2))
    rows = write_rows(rows_of("wine"), tmp_path / "rows.csv")
    run(folder_store, first, rows, tmp_path / "out")
    before = stored(tmp_path / "out")
    given: Path = rows
    if change.pop("input", None) == "other":
        write_rows(rows_of("wine").iloc[1:], rows)
    elif "told" and "more.csv" in told:
        given = rows.rename(tmp_path / "more.csv")
    reference = second if change.pop("reference", None) else first
    with pytest.raises(RunConflict, match=told):
        run(folder_store, reference, given, tmp_path / "out", **change)
    assert stored(tmp_path / "out") == before


@pytest.mark.parametrize("name", ["part-000009.parquet", "_manifest.json", "_pieces/000000.json"])
def test_parts_of_no_run_are_never_taken_for_ones_own(published: Published, tmp_path: Path, name: str) -> None:
    store, references = published
    write_rows(rows_of("wine"), tmp_path / "rows.csv")
    (tmp_path / "out" / name).parent.mkdir(parents=True)
    (tmp_path / "out" / name).write_bytes(b"")
    with pytest.raises(RunConflict, match=f"holds {name} and no _run.json"):
        run(store, references["wine"], tmp_path / "rows.csv", tmp_path / "out")
    assert list(stored(tmp_path / "out")) == [name]


def test_a_part_that_was_taken_away_or_changed_is_noticed(published: Published, tmp_path: Path) -> None:
    store, references = published
    write_rows(rows_of("wine"), tmp_path / "rows.csv")
    run(store, references["wine"], tmp_path / "rows.csv", tmp_path / "out")
    (tmp_path / "out/_manifest.json").unlink()
    (tmp_path / "out/part-000000.parquet").write_bytes(b"short")
    with pytest.raises(RunConflict, match="part-000000.parquet is not as it was written: it has 5 bytes"):
        run(store, references["wine"], tmp_path / "rows.csv", tmp_path / "out")


@pytest.mark.parametrize("name", ["_manifest.json", "_pieces/000000.json"])
@pytest.mark.parametrize("data", [b"{}", b"[]", b"no"])
def test_documents_of_something_else_are_not_taken_for_those_of_the_run(
    published: Published, tmp_path: Path, name: str, data: bytes
) -> None:
    store, references = published
    write_rows(rows_of("wine"), tmp_path / "rows.csv")
    run(store, references["wine"], tmp_path / "rows.csv", tmp_path / "out")
    (tmp_path / "out/_manifest.json").unlink()
    (tmp_path / "out" / name).write_bytes(data)
    with pytest.raises(RunConflict, match=f"{name} is no"):
        run(store, references["wine"], tmp_path / "rows.csv", tmp_path / "out")


def test_rows_that_were_refused_before_count_where_fewer_may_be(published: Published, tmp_path: Path) -> None:
    store, references = published
    (tmp_path / "rows.csv").write_text("alcohol\n13\nx\n")
    run(store, references["alcohol"], tmp_path / "rows.csv", tmp_path / "out", most_refused=1)
    (tmp_path / "out/_manifest.json").unlink()
    with pytest.raises(DataInvalid, match="1 rows were refused before, and --max-refused is 0; nothing was committed"):
        run(store, references["alcohol"], tmp_path / "rows.csv", tmp_path / "out")
    assert not (tmp_path / "out/_manifest.json").exists()


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_a_part_stands_whose_kept_numbers_its_format_does_not_tell_apart(
    published: Published, tmp_path: Path, format: str
) -> None:
    store, references = published
    kept = pa.array([1.5, float("nan"), None, float("inf")])
    pq.write_table(pa.table({"alcohol": [13.0, 12.0, 14.0, 11.0], "x": kept}), tmp_path / "rows.parquet")
    given, out, part = tmp_path / "rows.parquet", tmp_path / "out", tmp_path / f"out/part-000000.{format}"
    run(store, references["alcohol"], given, out, keep=("x",), format=format)
    for name in ("_manifest.json", "_pieces/000000.json"):
        (out / name).unlink()
    there = part.read_bytes().replace(b'"x","p', b'x,"p').replace(b'{"x": ', b'{"x":  ')  # the same in other bytes
    assert there != part.read_bytes()
    part.write_bytes(there)
    run(store, references["alcohol"], given, out, keep=("x",), format=format)
    assert part.read_bytes() == there


def test_a_part_of_another_processor_stands_and_one_of_other_answers_does_not(
    published: Published, tmp_path: Path
) -> None:
    store, references = published
    write_rows(rows_of("wine"), tmp_path / "rows.csv")
    out = tmp_path / "out"
    done = run(store, references["wine"], tmp_path / "rows.csv", out).manifest
    for noise, stands in ((1e-9, True), (1e-3, False)):
        found = table(out, done)
        column = found.column_names.index("p_0")
        near = found.set_column(column, "p_0", pa.array(found.column("p_0").to_numpy() + noise))
        for name in ("_manifest.json", "_pieces/000000.json", "part-000000.parquet"):
            (out / name).unlink()
        pq.write_table(near, out / "part-000000.parquet")
        there = (out / "part-000000.parquet").read_bytes()
        if stands:
            again = run(store, references["wine"], tmp_path / "rows.csv", out).manifest
            assert again["parts"][0]["sha256"] == hashlib.sha256(there).hexdigest()
            assert parts(out)["part-000000.parquet"] == there
        else:
            with pytest.raises(RunConflict, match="holds other answers than those found here"):
                run(store, references["wine"], tmp_path / "rows.csv", out)
            assert not (out / "_manifest.json").exists()


@pytest.mark.parametrize("name", NAMES)
def test_rows_that_do_not_fit_are_told_by_number_and_without_their_values(
    published: Published, tmp_path: Path, name: str
) -> None:
    store, references = published
    rows = rows_of("mixed").astype({"year": float})
    rows.loc[3, "island"] = "Secret"
    rows.loc[7, "year"] = 2008.5
    rows.loc[7, "island"] = None
    write_rows(rows, tmp_path / name)
    with pytest.raises(DataInvalid, match=f"{name}: row 4 is none that the version answers: island must be one of"):
        run(store, references["mixed"], tmp_path / name, tmp_path / "out")
    assert "_manifest.json" not in stored(tmp_path / "out") and parts(tmp_path / "out") == {}
    with pytest.raises(DataInvalid, match="row 4 is none.*--max-refused is 1"):
        run(store, references["mixed"], tmp_path / name, tmp_path / "out", most_refused=1)
    done = run(store, references["mixed"], tmp_path / name, tmp_path / "out", most_refused=2).manifest
    assert (done["rows"], done["refused"]["rows"]) == (len(rows) - 2, 2)
    told = refused(tmp_path / "out")
    assert [(each["source"], each["row"], len(each["errors"])) for each in told] == [(name, 4, 1), (name, 8, 2)]
    assert "Secret" not in json.dumps(told) and "2008.5" not in json.dumps(told)
    good = rows.drop(index=[3, 7]).reset_index(drop=True).astype({"year": int})
    assert_same(table(tmp_path / "out", done), classified(store, references["mixed"], good))


@pytest.mark.slow
def test_refused_rows_are_numbered_through_all_pieces_of_a_file(
    published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "PIECE_BYTES", 4096)
    store, references = published
    rows = wine_rows(2000)
    rows.loc[[0, 999, 1500, 1999], "alcohol"] = np.nan
    for name in ("rows.csv", "rows.jsonl", "rows.parquet"):
        write_rows(rows, tmp_path / name)
        out = tmp_path / f"out-{name}"
        with pytest.raises(DataInvalid, match=r"\(and 3 more so far; --max-refused is 3\); nothing was committed"):
            run(store, references["wine"], tmp_path / name, out, most_refused=3)
        assert len(refused(out)) == 3 and "_manifest.json" not in stored(out)
        done = run(store, references["wine"], tmp_path / name, out, most_refused=4).manifest
        assert len(done["parts"]) > 1 and [each["row"] for each in refused(out)] == [1, 1000, 1501, 2000]


def test_a_row_that_the_model_has_no_answer_for_is_refused(published: Published, tmp_path: Path) -> None:
    store, references = published
    rows = rows_of("wine").drop(columns=KEY)
    rows.loc[5] = 1e308
    write_rows(rows, tmp_path / "rows.parquet")
    done = run(store, references["wine"], tmp_path / "rows.parquet", tmp_path / "out", most_refused=1).manifest
    (told,) = refused(tmp_path / "out")
    assert told["row"] == 6 and told["errors"] == ["it is too far from the training range for the model to answer"]
    assert_same(table(tmp_path / "out", done), classified(store, references["wine"], rows.drop(index=5)))


def test_reference_without_a_digest_asks_for_it(published: Published, tmp_path: Path) -> None:
    store, references = published
    write_rows(rows_of("wine"), tmp_path / "rows.csv")
    bare = Reference("wine", references["wine"].version)
    with pytest.raises(PinRequired, match=str(references["wine"])):
        run(store, bare, tmp_path / "rows.csv", tmp_path / "out")
    assert not any((tmp_path / "out").iterdir())
    done = run(store, bare, tmp_path / "rows.csv", tmp_path / "out", trust_bucket=True).manifest
    assert done["vouched"] is False and done["reference"] == str(references["wine"])


def test_columns_that_cannot_be_kept_are_refused_before_anything_is_written(
    published: Published, tmp_path: Path
) -> None:
    store, references = published
    rows = rows_of("wine").assign(prediction="x", p_0=1.0)
    rows["list"] = [[1]] * len(rows)
    write_rows(rows, tmp_path / "rows.parquet")
    for keep, told in (
        (("prediction",), 'column "prediction" cannot be kept: answers have a column of that name'),
        (("p_0",), 'column "p_0" cannot be kept'),
        (("list",), 'column "list" is of type list<element: int64>, and cannot be kept'),
        (("none",), "rows.parquet lacks none; it has alcohol"),
    ):
        with pytest.raises(DataInvalid, match=told):
            run(store, references["wine"], tmp_path / "rows.parquet", tmp_path / "out", keep=keep)
    assert not any((tmp_path / "out").iterdir())


def test_names_that_are_hostile_are_names(published: Published, tmp_path: Path) -> None:
    store, references = published
    evil = ["../../etc/passwd", 'a"b,c', "line\nend", "a.b", "alcohol.x", "", "ß\u202e", "__index_level_0__"]
    rows = rows_of("wine").assign(**{name: "v" for name in evil})
    for name in ("rows.parquet", "rows.csv"):
        write_rows(rows, tmp_path / name)
        done = run(store, references["wine"], tmp_path / name, tmp_path / f"out-{name}", keep=tuple(evil)).manifest
        found = table(tmp_path / f"out-{name}", done)
        assert found.column_names[: len(evil)] == evil and set(found.column(evil[1]).to_pylist()) == {"v"}
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("out-rows.csv", "out-rows.parquet", "rows.csv", "rows.parquet")
    ]


@pytest.mark.parametrize(
    ("given", "out", "refused"),
    [
        ("in", "in/out", True),
        ("in/", "in", True),
        ("in/**/*.parquet", "in/out", True),
        ("*/*.parquet", "in", True),
        ("*/*.jsonl", "in", True),  # of refused rows
        ("[in]", "[in]/out", True),  # a folder of that name
        ("in/*", "in/out", False),
        ("in", "in-out", False),
        ("in/**/*.csv", "in/out", False),
        ("in/rows.csv", "in/out", False),
    ],
)
def test_out_within_in_is_refused(published: Published, tmp_path: Path, given: str, out: str, refused: bool) -> None:
    store, references = published
    write_rows(rows_of("wine"), tmp_path / "in/rows.csv")
    write_rows(rows_of("wine"), tmp_path / "in/rows.parquet")
    write_rows(rows_of("wine"), tmp_path / "in/rows.jsonl")
    write_rows(rows_of("wine"), tmp_path / "[in]/rows.csv")
    if refused:
        with pytest.raises(SettingInvalid, match="OUT lies in IN"):
            run(store, references["wine"], tmp_path / given, tmp_path / out)
    else:
        run(store, references["wine"], tmp_path / given, tmp_path / out)


def test_piece_of_no_piece_is_refused(published: Published, tmp_path: Path) -> None:
    store, references = published
    write_rows(rows_of("wine"), tmp_path / "rows.csv")
    run(store, references["wine"], tmp_path / "rows.csv", tmp_path / "out")
    (tmp_path / "out/_manifest.json").unlink()
    (tmp_path / "out/_pieces/000007.json").write_bytes((tmp_path / "out/_pieces/000000.json").read_bytes())
    with pytest.raises(RunConflict, match="_pieces/000007.json is of no piece of the run"):
        run(store, references["wine"], tmp_path / "rows.csv", tmp_path / "out")


def test_a_source_that_changes_in_mid_run_is_noticed(
    published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "PIECE_BYTES", 4096)
    store, references = published
    for name in ("rows.csv", "rows.parquet"):
        path, out = write_rows(wine_rows(5000), tmp_path / name), tmp_path / f"out-{name}"

        def change(rows: int, share: float, path: Path = path) -> None:
            """The same size, and even the same time."""
            before, data = path.stat(), bytearray(path.read_bytes())
            data[-20] ^= 1
            path.write_bytes(data)
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

        with pytest.raises(DataInvalid, match=f"{name} has changed since the run began; nothing was committed"):
            run(store, references["wine"], path, out, told=change)
        assert "_run.json" in stored(out) and "_manifest.json" not in stored(out)


def test_a_source_that_a_disk_does_not_give_is_a_sentence(published: Published, tmp_path: Path) -> None:
    store, references = published
    with pytest.raises(DataInvalid, match="mem cannot be read: Input/output error"):
        run(store, references["wine"], "/proc/self/mem", tmp_path / "out")


def test_a_source_whose_folder_is_taken_away_has_changed(published: Published, tmp_path: Path) -> None:
    store, references = published
    path = write_rows(wine_rows(100), tmp_path / "in/rows.csv")

    def replace(rows: int, share: float) -> None:
        (tmp_path / "in").rename(tmp_path / "away")
        (tmp_path / "in").write_bytes(b"")

    with pytest.raises(DataInvalid, match="rows.csv has changed since the run began"):
        run(store, references["wine"], path, tmp_path / "out", told=replace)


@pytest.mark.slow
def test_an_object_that_changes_in_mid_run_is_noticed(
    published: Published, tmp_path: Path, s3_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "PIECE_BYTES", 4096)
    store, references = published
    data = write_rows(wine_rows(2000), tmp_path / "rows.csv").read_bytes()
    for place in range(3):
        obstore.put(s3_store.backend, f"in/{place}.csv", data)

    def change(rows: int, share: float) -> None:
        obstore.put(s3_store.backend, "in/2.csv", data.replace(b"13", b"14"))

    out = f"{s3_store.url}/out"
    with pytest.raises(DataInvalid, match="2.csv has changed since the run began; nothing was committed"):
        run(store, references["wine"], f"{s3_store.url}/in", out, told=change)
    assert "_run.json" in stored(out) and "_manifest.json" not in stored(out)
    with pytest.raises(RunConflict, match="2.csv has changed since it was begun"):
        run(store, references["wine"], f"{s3_store.url}/in", out)


def test_a_source_that_changes_behind_the_last_piece_is_noticed(published: Published, tmp_path: Path) -> None:
    store, references = published
    path = write_rows(rows_of("wine"), tmp_path / "rows.csv")

    def change(rows: int, share: float) -> None:
        path.write_bytes(path.read_bytes())

    with pytest.raises(DataInvalid, match="rows.csv has changed since the run began"):
        run(store, references["wine"], path, tmp_path / "out", told=change)


@pytest.mark.slow
def test_a_run_that_is_stopped_is_gone_on_with(
    published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "PIECE_BYTES", 4096)
    store, references = published
    write_rows(wine_rows(5000), tmp_path / "rows.csv")
    whole = run(store, references["wine"], tmp_path / "rows.csv", tmp_path / "whole").manifest
    asked = iter([False, False, True])
    with pytest.raises(Stopped) as stopped:
        run(store, references["wine"], tmp_path / "rows.csv", tmp_path / "out", stopped=lambda: next(asked))
    there = parts(tmp_path / "out")
    assert stopped.value.parts == len(there) == 3
    done = run(store, references["wine"], tmp_path / "rows.csv", tmp_path / "out").manifest
    assert parts(tmp_path / "out") == parts(tmp_path / "whole") and done["counts"]["bins"] == whole["counts"]["bins"]
    assert done["parts"] == whole["parts"]


def test_answers_hold_intervals_and_labels_where_the_version_has_them(folder_store: Store, tmp_path: Path) -> None:
    from brinery.tasks.classification import Classification
    from brinery.tasks.interval import Interval
    from brinery.tasks.regression import Regression
    from tests.examples import example, publish_files

    interval = Interval(level=0.9, quantile=0.4, rows=50, coverage=0.9)
    for name in ("wine", "progress"):
        content, files = example(name)
        assert isinstance(content.task, Classification | Regression)
        changed = content.model_copy(update={"task": content.task.model_copy(update={"interval": interval})})
        reference = publish_files(folder_store, changed, files)
        rows = rows_of(name)
        write_rows(rows, tmp_path / f"{name}.csv")
        done = run(folder_store, reference, tmp_path / f"{name}.csv", tmp_path / name).manifest
        found, answers = table(tmp_path / name, done), classified(folder_store, reference, rows)
        if name == "progress":
            ends = [found.column("interval_low").to_pylist(), found.column("interval_high").to_pylist()]
            assert np.allclose(np.array(ends).T, [each["interval"] for each in answers])
        else:
            held = [[label for label in range(3) if row[f"in_{label}"]] for row in found.to_pylist()]
            assert held == [each["labels"] for each in answers]
