"""Sources: files of every form in pieces, in order or one by one; and what is odd, torn or none."""

import bz2
import gzip
import io
import json
import lzma
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from brinery.errors import DataInvalid
from brinery.scoring.reading.inputs import find_inputs
from brinery.scoring.reading.source import Sizes, Source, find_source
from brinery.versions.reference import Reference
from brinery.versions.store import Store
from tests.brinery.scoring.runs import assert_same, classified, refused, rows_of, run, table, write_rows

Published = tuple[Store, dict[str, Reference]]
SIZES = Sizes(rows=300, bytes=4096)


def source_of(path: Path) -> Source:
    (found,) = find_inputs(str(path), path.parent)
    return find_source(found)


def zipped(data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rows.csv", data)
    return out.getvalue()


def zstd(data: bytes) -> bytes:
    return bytes(pa.compress(data, codec="zstd", asbytes=True))


PACKED: dict[str, Any] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zip": zipped,
    "zst": zstd,
    "": bytes,
}


@pytest.mark.parametrize("packing", PACKED)
def test_text_is_read_in_the_same_pieces_whatever_it_is_packed_with(tmp_path: Path, packing: str) -> None:
    text = b"a,b\n" + b"".join(b"%d,x%d\n" % (number, number) for number in range(5000))
    path = tmp_path / "rows.csv"
    path.write_bytes(PACKED[packing](text))
    source = source_of(path)
    pieces = list(source.pieces(["a"], SIZES))
    assert b"".join(bytes(data) for _, data in pieces if data is not None) == text.removeprefix(b"a,b\n")
    assert len(pieces) > 10 and [span.begin for span, _ in pieces[1:]] == [span.end for span, _ in pieces[:-1]]
    assert all(source.piece(span, ["a"]) == data for span, data in pieces[::7])
    some = list(source.pieces(["a"], SIZES, lambda place: place % 3 == 1))
    assert [span for span, _ in some] == [span for span, _ in pieces]
    assert [data is not None for _, data in some] == [place % 3 == 1 for place in range(len(pieces))]


@pytest.mark.parametrize("group", [70, 300, 1000, 5000])
def test_parquet_is_read_in_the_same_pieces_whatever_its_groups_are(tmp_path: Path, group: int) -> None:
    whole = pa.table({"a": np.arange(2000), "b": [f"x{number}" for number in range(2000)], "a.b": np.zeros(2000)})
    pq.write_table(whole, tmp_path / "rows.parquet", row_group_size=group)
    source = source_of(tmp_path / "rows.parquet")
    pieces = list(source.pieces(["b", "a"], SIZES))
    assert [(span.begin, span.end) for span, _ in pieces] == [(k, min(k + 300, 2000)) for k in range(0, 2000, 300)]
    assert pa.concat_tables(data for _, data in pieces) == whole.select(["b", "a"])
    assert all(source.piece(span, ["b", "a"]) == data for span, data in pieces)
    some = list(source.pieces(["b", "a"], SIZES, lambda place: place in (1, 2, 5)))
    assert [data for _, data in some if data is not None] == [pieces[place][1] for place in (1, 2, 5)]


def test_pieces_of_wide_rows_have_fewer_of_them(tmp_path: Path) -> None:
    wide = pa.table({"a": [f"{number:05}" * 200 for number in range(4000)], "b": np.zeros(4000)})
    pq.write_table(wide, tmp_path / "rows.parquet", use_dictionary=False)
    source = source_of(tmp_path / "rows.parquet")
    assert len(list(source.pieces(["a"], Sizes(4000, 300_000)))) == 8
    assert len(list(source.pieces(["b"], Sizes(4000, 250_000)))) == 1  # what is not read does not count


GOOD = b"alcohol\n13.1\n12.9\n"


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("empty", b"", "is empty; it must hold rows"),
        ("header alone", b"alcohol\n", "the input has no row"),
        ("no newline", b"alcohol", "the input has no row"),
        ("blank", b"\n\n", "is empty; it must hold a header and rows"),
        ("a page", b"<!DOCTYPE html><html>", "is a web page"),
        (
            "torn gzip",
            gzip.compress(GOOD * 1000, mtime=0)[:-9],
            "is compressed with gzip and cannot be read to its end",
        ),
        ("broken gzip", gzip.compress(GOOD, mtime=0)[:12] + b"\0" * 9, "is compressed with gzip and cannot be read"),
        ("torn parquet", b"PAR1" + b"\0" * 100, "cannot be read as Parquet"),
        ("zip of two", None, "is a zip of 2 files"),
        ("a name twice", b"alcohol,alcohol\n1,2\n", 'has two columns named "alcohol"'),
        ("not UTF-8", b"alcohol,x\n13,a\n13,\xff\n", "is not UTF-8"),
        ("header not UTF-8", b"alcohol,\xff\n13,a\n", "is not UTF-8"),
        ("open quote", b'alcohol,x\n13,"a\n13,b\n', "a quotation mark is opened and never closed"),
        ("other columns", b"other\n1\n", "lacks alcohol; it has other"),
        ("array of JSON", b'[\n{"alcohol": 13}\n]', "lacks alcohol"),
        ("carriage returns", b"alcohol\r13\r12\r", "has lines that end with a carriage return alone"),
        ("carriage returns", b"alcohol\r13\r12\n" * 9, "has lines that end with a carriage return alone"),
        ("UTF-16", "alcohol\n13\n".encode("utf-16"), "is not UTF-8"),
        ("packed Parquet", None, "is Parquet that is packed as a whole"),
    ],
)
def test_what_is_no_rows_is_a_sentence(
    published: Published, tmp_path: Path, name: str, data: bytes | None, told: str
) -> None:
    if data is None:
        out = io.BytesIO()
        if name == "zip of two":
            with zipfile.ZipFile(out, "w") as archive:
                archive.writestr("a.csv", GOOD)
                archive.writestr("b.csv", GOOD)
        else:
            pq.write_table(pa.table({"alcohol": [13.0]}), out)
        data = out.getvalue() if name == "zip of two" else gzip.compress(out.getvalue())
    (tmp_path / "rows").write_bytes(data)
    store, references = published
    columns = ("x",) if b"x" in data.split(b"\n")[0] and name in ("not UTF-8", "open quote") else ()
    with pytest.raises(DataInvalid, match=told):
        run(store, references["alcohol"], tmp_path / "rows", tmp_path / "out", keep=columns)
    assert not (tmp_path / "out/_manifest.json").exists()


@pytest.mark.parametrize(
    ("data", "rows", "numbers"),
    [
        (GOOD, 2, []),
        (GOOD.rstrip(), 2, []),
        (b"\xef\xbb\xbf" + GOOD, 2, []),
        (GOOD.replace(b"\n", b"\r\n"), 2, []),
        (b"sep=;\nx;alcohol\na;13\n", 1, []),
        (b'"alcohol"\n"13"\n\n 12 \n', 2, []),
        (b"x,alcohol\na,13\nb\nc,12,1\nd,11\n", 2, [2, 3]),
        (b"x,alcohol\n,\nb,NA\nc,inf\nd,1e400\ne,+12\nf,1.2.3\n", 1, [1, 2, 3, 4, 6]),
        (b'x,alcohol\n"a\nb",13\n\n"c ""d""",x\n5" pipe,12\n', 2, [2]),
        (b'{"alcohol": 13}\n\n{"alcohol": "12", "x": [1]}\n[12.5]\n11\n', 4, []),
        (
            b'{"alcohol": 13}\n{"alcohol": NaN}\n{"alcohol": 1, "alcohol": 2}\nno\n{}\n\xff\n[1,2]\nnull\n"x"\n',
            1,
            [*range(2, 10)],
        ),
    ],
)
def test_odd_rows_are_read_or_refused_by_number(
    published: Published, tmp_path: Path, data: bytes, rows: int, numbers: list[int]
) -> None:
    store, references = published
    (tmp_path / "rows").write_bytes(data)
    done = run(store, references["alcohol"], tmp_path / "rows", tmp_path / "out", most_refused=len(numbers)).manifest
    assert (done["rows"], [each["row"] for each in refused(tmp_path / "out")]) == (rows, numbers)


@pytest.mark.parametrize(
    "column",
    [
        *(pa.array([[1.0]]), pa.array([{"a": 1}]), pa.array([b"x"]), pa.array(["x"]), pa.array([True])),
        *(pa.array([2**58], pa.timestamp("us")), pa.array([10**8], pa.date32()), pa.array([2**62], pa.duration("s"))),
        pa.StringArray.from_buffers(1, pa.py_buffer(bytes([0, 0, 0, 0, 1, 0, 0, 0])), pa.py_buffer(b"\xff")),
    ],
    ids=lambda column: str(column.type),
)
def test_columns_of_other_types_are_refused_row_by_row(published: Published, tmp_path: Path, column: pa.Array) -> None:
    store, references = published
    pq.write_table(pa.table({"alcohol": column}), tmp_path / "rows.parquet")
    with pytest.raises(DataInvalid, match="rows.parquet: row 1 is none that the version answers: alcohol must be a"):
        run(store, references["alcohol"], tmp_path / "rows.parquet", tmp_path / "out")


def test_files_of_several_forms_are_one_run(published: Published, tmp_path: Path) -> None:
    store, references = published
    rows = rows_of("mixed")
    for place, name in enumerate(["a.csv", "b.parquet", "c.jsonl.gz"]):
        write_rows(rows.iloc[place * 100 : place * 100 + 100], tmp_path / "in" / name)
    done = run(store, references["mixed"], tmp_path / "in", tmp_path / "out", keep=("id", "mass")).manifest
    found = table(tmp_path / "out", done)
    assert found.column("id").to_pylist() == rows["id"].tolist()
    assert_same(found, classified(store, references["mixed"], rows))


def test_columns_in_the_names_of_folders_are_features_and_keys(published: Published, tmp_path: Path) -> None:
    store, references = published
    rows = rows_of("mixed")
    for (island, year), some in rows.groupby(["island", "year"]):
        kept = some.drop(columns=["island", "year"])
        for name in ("rows.csv", "rows.parquet", "rows.jsonl"):
            write_rows(kept, tmp_path / name.removeprefix("rows.") / f"island={island}" / f"year={year}" / name)
    for form in ("csv", "parquet", "jsonl"):
        out = tmp_path / f"out-{form}"
        done = run(store, references["mixed"], tmp_path / form, out, keep=("id", "island")).manifest
        found = table(out, done).to_pandas()
        expected = pd.DataFrame(classified(store, references["mixed"], rows))["prediction"]
        assert dict(zip(found["id"], found["prediction"], strict=True)) == dict(zip(rows["id"], expected, strict=True))
        assert dict(zip(found["id"], found["island"], strict=True)) == dict(
            zip(rows["id"], rows["island"], strict=True)
        )


@pytest.mark.parametrize(
    ("first", "second", "format", "told"),
    [
        (pa.array([date(2008, 1, 1)]), pa.array([1.5]), "parquet", 'the column "k" is not of type date32'),
        (pa.array([1]), pa.array([[1]]), "csv", 'the column "k" is not of type int64'),
        (pa.array([10**8], pa.date32()), pa.array([1], pa.date32()), "jsonl", "a column that is kept holds what jsonl"),
    ],
)
def test_what_a_kept_column_cannot_hold_is_a_sentence(
    published: Published, tmp_path: Path, first: pa.Array, second: pa.Array, format: str, told: str
) -> None:
    store, references = published
    (tmp_path / "in").mkdir()
    for name, column in (("a", first), ("b", second)):
        pq.write_table(pa.table({"alcohol": [13.0], "k": column}), tmp_path / f"in/{name}.parquet")
    with pytest.raises(DataInvalid, match=told):
        run(store, references["alcohol"], tmp_path / "in", tmp_path / "out", keep=("k",), format=format)


def test_lines_that_hold_what_their_folder_names_are_refused(published: Published, tmp_path: Path) -> None:
    store, references = published
    path = tmp_path / "in/alcohol=13/rows.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text('{}\n{"alcohol": 12}\n')
    run(store, references["alcohol"], tmp_path / "in", tmp_path / "out", most_refused=1)
    assert refused(tmp_path / "out") == [
        {"source": "alcohol=13/rows.jsonl", "row": 2, "errors": ["alcohol is named by a folder, too"]}
    ]


def test_lines_whose_kept_text_is_no_unicode_are_refused(published: Published, tmp_path: Path) -> None:
    store, references = published
    (tmp_path / "rows").write_text('{"alcohol": 13, "id": "\\ud800"}\n{"alcohol": 12, "id": "a"}\n')
    done = run(store, references["alcohol"], tmp_path / "rows", tmp_path / "out", keep=("id",), most_refused=1).manifest
    assert table(tmp_path / "out", done).column("id").to_pylist() == ["a"]
    assert refused(tmp_path / "out")[0] == {
        "source": "rows",
        "row": 1,
        "errors": ["must be a row as JSON, in Unicode and with no name twice"],
    }


def test_lines_of_json_keep_what_they_have(published: Published, tmp_path: Path) -> None:
    store, references = published
    lines = [{"alcohol": 13, "id": value} for value in ("a", 7, None, [1], {"b": "ß"})]
    (tmp_path / "rows").write_text("".join(json.dumps(line) + "\n" for line in [*lines, [12]]))
    done = run(store, references["alcohol"], tmp_path / "rows", tmp_path / "out", keep=("id",)).manifest
    assert table(tmp_path / "out", done).column("id").to_pylist() == ["a", "7", None, "[1]", '{"b": "\\u00df"}', None]
