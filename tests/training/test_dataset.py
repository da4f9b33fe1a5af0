"""Data as people bring them: files of every format, folders, S3 and https."""

import bz2
import gzip
import hashlib
import io
import lzma
import zipfile
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import obstore
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from brinery.assessment.columns.infer import infer_features
from brinery.assessment.columns.target import encode_target
from brinery.errors import DataInvalid
from brinery.versions.store import Store
from tests.conftest import ROOT
from training.dataset import Dataset, read_dataset
from training.spec import ModelSpec

PENGUINS = ROOT / "tests" / "data" / "penguins.csv"
ROWS = b"x,y,target\n1,a,u\n2.5,b,v\n3,a,u\n4,b,v\n"


def read(data: str, folder: Path = Path(), **changes: Any) -> Dataset:
    spec = {"data": data, "estimator": "sklearn.linear_model.LogisticRegression", **changes}
    return read_dataset(ModelSpec.model_validate(spec), folder)


def read_bytes(folder: Path, data: bytes, **changes: Any) -> Dataset:
    (folder / "data").write_bytes(data)
    return read("data", folder, **changes)


def parquet(**columns: Any) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def zipped(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, ROWS)
    return buffer.getvalue()


def test_penguins_read_as_they_are() -> None:
    dataset = read("penguins.csv", PENGUINS.parent, target="species")
    assert (len(dataset.features), dataset.columns, dataset.source) == (344, 8, "penguins.csv")
    assert dataset.sha256 == hashlib.sha256(PENGUINS.read_bytes()).hexdigest()
    features = infer_features(dataset.features, named=dataset.named)
    assert [(f.name, f.kind, f.nullable, f.range_text) for f in features] == [
        ("island", "category", False, "Biscoe, Dream, Torgersen"),
        ("bill_length_mm", "number", True, "32.1 to 59.6"),
        ("bill_depth_mm", "number", True, "13.1 to 21.5"),
        ("flipper_length_mm", "number", True, "172 to 231"),
        ("body_mass_g", "number", True, "2700 to 6300"),
        ("sex", "category", True, "female, male"),
        ("year", "integer", False, "2007 to 2009"),
    ]
    assert set(encode_target(dataset.target, dataset.source)) == {"Adelie", "Chinstrap", "Gentoo"}


def test_path_may_be_absolute() -> None:
    assert len(read(str(PENGUINS), target="species").features) == 344


FRAME = pd.DataFrame({"x": [1, 2.5, 3, 4], "y": list("abab"), "target": list("uvuv")})
FORMATS: dict[str, bytes] = {
    "comma": ROWS,
    "semicolon": ROWS.replace(b",", b";"),
    "tab": ROWS.replace(b",", b"\t"),
    "bar": ROWS.replace(b",", b"|"),
    "BOM": b"\xef\xbb\xbf" + ROWS,
    "CRLF": ROWS.replace(b"\n", b"\r\n"),
    "CR": ROWS.replace(b"\n", b"\r"),
    "blank lines": b"\n" + ROWS.replace(b"\n2", b"\n\n2") + b"\n",
    "no last newline": ROWS.rstrip(),
    "quoted": ROWS.replace(b"x,y", b'"x","y"').replace(b",b,", b',"b",'),
    "gzip": gzip.compress(ROWS),
    "gzip of two members": gzip.compress(ROWS[:20]) + gzip.compress(ROWS[20:]),
    "bzip2": bz2.compress(ROWS),
    "xz": lzma.compress(ROWS),
    "zstd": pa.compress(ROWS, "zstd", asbytes=True),
    "zip": zipped("rows.csv"),
    "zip with a folder": zipped("folder/", "folder/rows.csv"),
    "parquet": FRAME.to_parquet(),
    "parquet with an index": FRAME.set_index(pd.Index([9, 5, 7, 6])).to_parquet(),
    "parquet in gzip": gzip.compress(FRAME.to_parquet()),
    "parquet of a dictionary": parquet(
        x=FRAME["x"], y=pa.array(list("abab")).dictionary_encode(), target=pa.array(list("uvuv"), pa.large_string())
    ),
}


@pytest.mark.parametrize("data", FORMATS.values(), ids=FORMATS)
def test_format_and_compression_are_told_from_the_bytes(tmp_path: Path, data: bytes) -> None:
    dataset = read_bytes(tmp_path, data)
    assert dataset.features["x"].tolist() == [1, 2.5, 3, 4]
    assert dataset.features["y"].tolist() == list("abab")
    assert dataset.target.tolist() == list("uvuv")
    assert (dataset.columns, list(dataset.features)) == (3, ["x", "y"])
    assert dataset.sha256 == hashlib.sha256(data).hexdigest()


def test_csv_takes_what_pandas_takes_as_missing(tmp_path: Path) -> None:
    missing = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "#N/A", "<NA>", '"NA"']
    lines = "".join(f"{text},{text},{'uv'[i % 2]}\n" for i, text in enumerate([*missing, "1", "2"]))
    dataset = read_bytes(tmp_path, f"x,y,target\n{lines}".encode())
    assert dataset.features["x"].isna().sum() == len(missing)
    again = read_bytes(tmp_path, f"x,y,target\n{lines}z,z,u\n".encode())
    assert again.features["y"].dropna().tolist() == ["1", "2", "z"]


def test_csv_keeps_line_breaks_in_quotes(tmp_path: Path) -> None:
    dataset = read_bytes(tmp_path, b'x,target\n"a\nb, ""c""",u\n"d",v\n')
    assert dataset.features["x"].tolist() == ['a\nb, "c"', "d"]


def test_csv_may_have_line_breaks_where_its_blocks_end(tmp_path: Path) -> None:
    long = "\n" * 1000
    dataset = read_bytes(tmp_path, ("x,target\n" + f'"{long}",u\n"b",v\n' * 9000).encode())
    assert dataset.features["x"].tolist() == [long, "b"] * 9000


def test_csv_that_is_not_utf8_far_below_is_told_by_its_line(tmp_path: Path) -> None:
    with pytest.raises(DataInvalid, match="^data is not UTF-8: see line 10002; save it as UTF-8$"):
        read_bytes(tmp_path, b"x,target\n" + b"a,u\nb,v\n" * 5000 + b"\xe9,u\n")


def test_csv_of_a_category_keeps_what_is_written(tmp_path: Path) -> None:
    data = b"zip,deck,target\n01234,3.0,u\n00501,,v\n01234,1.0,u\n"
    dataset = read_bytes(tmp_path, data, kinds={"zip": "category", "deck": "category"})
    features = infer_features(dataset.features, kinds={"zip": "category", "deck": "category"})
    assert [feature.categories for feature in features] == [("00501", "01234"), ("1", "3")]


def test_columns_are_chosen_by_the_spec(tmp_path: Path) -> None:
    data = b",id,x,y,target\n0,1,2,3,u\n1,2,3,4,v\n"
    assert list(read_bytes(tmp_path, data, features=["y", "x"]).features) == ["y", "x"]
    dataset = read_bytes(tmp_path, data, exclude=["id", ""])
    assert (list(dataset.features), dataset.columns) == (["x", "y"], 5)


WRONG: dict[str, tuple[bytes, dict[str, Any], str]] = {
    "empty": (b"", {}, "data is empty; it must hold a header and rows"),
    "blank": (b"\n\n", {}, "data is empty"),
    "header only": (b"x,target\n", {}, "data has columns and no row"),
    "header without a newline": (b"x,target", {}, "data has columns and no row"),
    "too many fields": (b'x,target\n"a\nb",u\n1,v,w\n', {}, "data: line 4 has 3 fields; the header has 2"),
    "too few fields": (b"x,target\n1,u\n\n2\n", {}, "data: line 4 has 1 fields; the header has 2"),
    "open quote": (b'x,target\n1,u\n"2,v\n3,u\n', {}, "after line 2 a quotation mark is opened and never closed"),
    "Latin-1": ("x,target\n1,u\né,v\n".encode("latin-1"), {}, "data is not UTF-8: see line 3"),
    "Latin-1 header": ("é,target\n1,u\n".encode("latin-1"), {}, "data is not UTF-8: see line 1"),
    "UTF-16": ("x,target\n1,u\n".encode("utf-16"), {}, "data is not UTF-8: see line 1"),
    "duplicated name": (b"x,x,target\n1,2,u\n", {}, 'data has two columns named "x"'),
    "no name": (
        b",x,target\n0,1,u\n",
        {},
        'column 1 has no name, as where pandas writes its index; give it one, put ""',
    ),
    "long name": (b"x" * 201 + b",target\n1,u\n", {}, "the name of column 1 is longer than 200 letters"),
    "web page": (b"<!DOCTYPE html>\n<html>", {}, "data is a web page; it must be CSV or Parquet"),
    "no such feature": (ROWS, {"features": ["z"]}, 'data has no column "z"; it has x, y, target'),
    "no such target": (ROWS, {"target": "z"}, 'data has no column "z"; it has x, y, target'),
    "nothing to exclude": (ROWS, {"exclude": ["z"]}, 'data has no column "z"; it has x, y, target'),
    "kinds of no column": (ROWS, {"kinds": {"z": "date"}}, 'kinds names "z", which is no feature that is used; those'),
    "kinds of the target": (ROWS, {"kinds": {"target": "category"}}, 'kinds names "target", which is no feature'),
    "nothing left": (ROWS, {"exclude": ["x", "y"]}, 'data has no column left besides the target "target"'),
    "times": (b"x,target\n10:00:00,u\n11:00:00,v\n", {}, 'column "x" is of type time32[s], which no model can take'),
    "nested": (parquet(x=[[1], [2]], target=["u", "v"]), {}, 'column "x" is of type list<element: int64>, which no'),
    "bytes": (parquet(x=[b"1", b"2"], target=["u", "v"]), {}, 'column "x" is of type binary, which no model can take'),
    "empty parquet": (parquet(x=[], target=[]), {}, "data has columns and no row"),
    "broken parquet": (parquet(x=[1], target=["u"])[:-9], {}, "data cannot be read as Parquet: "),
    "start of parquet": (b"PAR1", {}, "data cannot be read as Parquet: Parquet file size is 4 bytes"),
    "cut gzip": (gzip.compress(ROWS)[:-9], {}, "data is compressed with gzip and cannot be read to its end"),
    "cut bzip2": (bz2.compress(ROWS)[:-9], {}, "data is compressed with bzip2 and cannot be read to its end"),
    "cut xz": (lzma.compress(ROWS)[:-9], {}, "data is compressed with xz and cannot be read to its end"),
    "cut zstd": (
        pa.compress(ROWS, "zstd", asbytes=True)[:-5],
        {},
        "compressed with zstd and cannot be read to its end",
    ),
    "cut zip": (zipped("a")[:-5], {}, "data is compressed with zip and cannot be read to its end"),
    "zip of two": (zipped("a", "b"), {}, "data is a zip of 2 files; it must hold exactly one"),
    "zip of none": (zipped(), {}, "data is a zip of 0 files; it must hold exactly one"),
    "gzip of nothing": (gzip.compress(b""), {}, "data is empty"),
}


@pytest.mark.parametrize(("data", "spec", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_gets_a_sentence(tmp_path: Path, data: bytes, spec: dict[str, Any], message: str) -> None:
    with pytest.raises(DataInvalid) as caught:
        read_bytes(tmp_path, data, **spec)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


NOWHERE = {
    "no file": ("no.csv", "there is no no.csv in /"),
    "a NUL": ("a\0b", "there is no 'a\\x00b' in /"),
    "an empty folder": ("folder", "folder holds no file that ends in .parquet; it holds nothing"),
    "http": (
        "http://me:secret@x/d.csv?key=secret",
        "http://x/d.csv is not read over http; data is sklearn:NAME",
    ),
    "another scheme": (
        "gs://x/d.csv",
        "gs://x/d.csv is not read over gs; data is sklearn:NAME, a path, or an s3",
    ),
    "no URL": ("https://[secret", "data is no URL that can be read; data is sklearn:NAME"),
    "no port": ("https://x:secret/d", "https://x:secret/d is no URL that can be read"),
    "no bucket": ("s3://A_B/d.csv", "s3://A_B/d.csv names no bucket; it must be s3://BUCKET/KEY"),
    "no data set": (
        "sklearn:beer",
        "data is 'sklearn:beer'; scikit-learn's data sets are breast_cancer, digits",
    ),
}


@pytest.mark.parametrize(("data", "message"), NOWHERE.values(), ids=NOWHERE)
def test_source_that_is_not_there_gets_a_sentence(tmp_path: Path, data: str, message: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataInvalid) as caught:
        read(data, tmp_path)
    assert str(caught.value).startswith(message)


def test_sklearn_set_has_a_digest_of_its_own() -> None:
    dataset = read("sklearn:digits")
    assert (dataset.columns, len(dataset.features.columns), dataset.source) == (65, 64, "sklearn:digits")
    assert len(infer_features(dataset.features, named=dataset.named)) == 64  # 3 pixels are always 0
    assert read("sklearn:digits", features=["pixel_0_2"]).sha256 == dataset.sha256 != read("sklearn:wine").sha256


def test_columns_that_are_not_used_may_hold_anything(tmp_path: Path) -> None:
    data = parquet(x=[1, 2], nested=[[1], [2]], raw=[b"a", b"b"], target=["u", "v"])
    assert read_bytes(tmp_path, data, features=["x"]).columns == 4
    assert list(read_bytes(tmp_path, data, exclude=["nested", "raw"]).features) == ["x"]


def test_parquet_types_become_kinds(tmp_path: Path) -> None:
    days = [date(2007, 11, 11), None]
    columns = {"a": [1, 2], "a.b": [3, 4], "price": [Decimal("1.50"), None], "seen": days, "target": ["u", "v"]}
    dataset = read_bytes(tmp_path, parquet(**columns), features=["seen", "a", "price"])
    assert list(dataset.features) == ["seen", "a", "price"]
    assert [str(kind) for kind in dataset.features.dtypes] == ["datetime64[ms]", "int64", "float64"]
    features = infer_features(dataset.features, named=dataset.named)
    assert [feature.kind for feature in features] == ["date", "integer", "number"]


@pytest.mark.parametrize(
    ("spec", "named"), [({}, set()), ({"features": ["y"]}, {"y"}), ({"kinds": {"x": "category"}}, {"x"})]
)
def test_columns_are_named_by_features_and_kinds(tmp_path: Path, spec: dict[str, Any], named: set[str]) -> None:
    assert read_bytes(tmp_path, ROWS, **spec).named == named


# Folders and prefixes


Put = Callable[[str, bytes], None]


@pytest.fixture(params=["folder", "prefix"])
def parts(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Put]:
    """Where a data set of many files lies, and what puts one there."""
    if request.param == "prefix":
        store: Store = request.getfixturevalue("s3_store")

        def put_object(path: str, data: bytes) -> None:
            obstore.put(store.backend, f"parts/{path}", data)

        return f"{store.url}/parts", put_object

    def put_file(path: str, data: bytes) -> None:
        (tmp_path / "parts" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "parts" / path).write_bytes(data)

    return str(tmp_path / "parts"), put_file


def test_folder_of_parquet_is_one_data_set(parts: tuple[str, Put]) -> None:
    url, put = parts
    first, second = parquet(x=[1, 2], y=[None, None], target=["u", "v"]), parquet(y=["b"], target=["u"], x=[3])
    put("b/2.parquet", second)
    put("a/1.parquet", first)
    for ignored in ("_SUCCESS", "_old/3.parquet", ".hidden.parquet", "notes.txt"):
        put(ignored, b"ignored")
    dataset = read(url)
    assert dataset.features["x"].tolist() == [1, 2, 3]
    assert dataset.features["y"].dropna().tolist() == ["b"]
    assert (dataset.target.tolist(), dataset.columns, dataset.source) == (["u", "v", "u"], 3, url)
    digests = [hashlib.sha256(data).hexdigest() for data in (first, second)]
    listing = f"{digests[0]}  a/1.parquet\n{digests[1]}  b/2.parquet\n"
    assert dataset.sha256 == hashlib.sha256(listing.encode()).hexdigest()


PARTS_WRONG: dict[str, tuple[dict[str, bytes], str]] = {
    "no parquet": ({"a.csv": ROWS, "b.txt": b""}, "holds no file that ends in .parquet; it holds a.csv, b.txt"),
    "another type": ({"2.parquet": parquet(x=["1"], target=["u"])}, '2.parquet: column "x" is of type string; in 1'),
    "a column more": ({"2.parquet": parquet(x=[1], y=[1], target=["u"])}, '2.parquet has a column "y", which 1.parq'),
    "a column less": ({"2.parquet": parquet(target=["u"])}, '2.parquet has no column "x", which 1.parquet has'),
    "not parquet": ({"2.parquet": ROWS}, "2.parquet is not Parquet; each file of a data set must be"),
    "broken": ({"2.parquet": b"PAR1"}, "2.parquet cannot be read as Parquet"),
    "hive": (
        {"year=2007/2.parquet": b"PAR1"},
        "is split by a column into folders such as year=2007, which are not read",
    ),
}


@pytest.mark.parametrize(("files", "message"), PARTS_WRONG.values(), ids=PARTS_WRONG)
def test_folder_that_is_no_data_set_gets_a_sentence(
    parts: tuple[str, Put], files: dict[str, bytes], message: str
) -> None:
    url, put = parts
    if "a.csv" not in files:
        put("1.parquet", parquet(x=[1, 2], target=["u", "v"]))
    for path, data in files.items():
        put(path, data)
    with pytest.raises(DataInvalid) as caught:
        read(url)
    assert str(caught.value).startswith(url)
    assert message in str(caught.value)


def test_s3_object_is_read(s3_store: Store) -> None:
    obstore.put(s3_store.backend, "a b+c/rows.csv", ROWS)
    dataset = read(f"{s3_store.url}/a b+c/rows.csv")
    assert (len(dataset.features), dataset.source) == (4, f"{s3_store.url}/a b+c/rows.csv")
    assert dataset.sha256 == hashlib.sha256(ROWS).hexdigest()


def test_s3_prefix_may_end_with_a_slash(s3_store: Store) -> None:
    obstore.put(s3_store.backend, "p/1.parquet", parquet(x=[1, 2], target=["u", "v"]))
    assert len(read(f"{s3_store.url}/p/").features) == 2


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("s3://models/none.csv", "s3://models/none.csv: there is no such object, and none below it"),
        ("s3://no-such-bucket/none.csv", "s3://no-such-bucket/none.csv cannot be read: "),
    ],
)
def test_s3_object_that_is_not_there_gets_a_sentence(s3_store: Store, url: str, message: str) -> None:
    with pytest.raises(DataInvalid) as caught:
        read(url)
    assert str(caught.value).startswith(message)
