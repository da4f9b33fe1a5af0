"""Parquet: one file, and folders of files that are one data set, on disk and on S3."""

import gzip
import hashlib
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import obstore
import pandas as pd
import pyarrow as pa
import pytest

from brinery.errors import DataInvalid
from brinery.versions.store import Store
from tests.brinery.tables.reading import ROWS, parquet, read, read_bytes

FRAME = pd.DataFrame({"x": [1, 2.5, 3, 4], "y": list("abab"), "target": list("uvuv")})
FORMATS: dict[str, bytes] = {
    "parquet": FRAME.to_parquet(),
    "parquet with an index": FRAME.set_index(pd.Index([9, 5, 7, 6])).to_parquet(),
    "parquet in gzip": gzip.compress(FRAME.to_parquet()),
    "parquet of a dictionary": parquet(
        x=FRAME["x"], y=pa.array(list("abab")).dictionary_encode(), target=pa.array(list("uvuv"), pa.large_string())
    ),
}


@pytest.mark.parametrize("data", FORMATS.values(), ids=FORMATS)
def test_parquet_is_told_from_its_bytes(tmp_path: Path, data: bytes) -> None:
    found = read_bytes(tmp_path, data)
    assert found.frame["x"].tolist() == [1, 2.5, 3, 4]
    assert found.frame["y"].tolist() == list("abab")
    assert found.frame["target"].tolist() == list("uvuv")
    assert list(found.names) == list(found.frame) == ["x", "y", "target"]
    assert found.sha256 == hashlib.sha256(data).hexdigest()


def test_parquet_types_become_those_of_a_frame(tmp_path: Path) -> None:
    days = [date(2007, 11, 11), None]
    columns = {"a": [1, 2], "a.b": [3, 4], "price": [Decimal("1.50"), None], "seen": days, "target": ["u", "v"]}
    found = read_bytes(tmp_path, parquet(**columns), ["seen", "a", "price"])
    assert list(found.frame) == ["seen", "a", "price"]
    assert [str(kind) for kind in found.frame.dtypes] == ["datetime64[ms]", "int64", "float64"]


WRONG: dict[str, tuple[bytes, str]] = {
    "empty parquet": (parquet(x=[], target=[]), "data has columns and no row"),
    "broken parquet": (parquet(x=[1], target=["u"])[:-9], "data cannot be read as Parquet: "),
    "start of parquet": (b"PAR1", "data cannot be read as Parquet: Parquet file size is 4 bytes"),
}


@pytest.mark.parametrize(("data", "message"), WRONG.values(), ids=WRONG)
def test_parquet_that_cannot_be_read_gets_a_sentence(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(DataInvalid) as caught:
        read_bytes(tmp_path, data)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


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
    found = read(url)
    assert found.frame["x"].tolist() == [1, 2, 3]
    assert found.frame["y"].dropna().tolist() == ["b"]
    assert (found.frame["target"].tolist(), len(found.names), found.shown) == (["u", "v", "u"], 3, url)
    digests = [hashlib.sha256(data).hexdigest() for data in (first, second)]
    listing = f"{digests[0]}  a/1.parquet\n{digests[1]}  b/2.parquet\n"
    assert found.sha256 == hashlib.sha256(listing.encode()).hexdigest()


def test_numbers_of_many_files_become_one_type(tmp_path: Path) -> None:
    parts = {"1": parquet(x=[1, 2], n=pa.array([1, 2], pa.int8())), "2": parquet(x=[2.5, None], n=[300, 2**40])}
    for name, data in parts.items():
        (tmp_path / f"{name}.parquet").write_bytes(data)
    frame = read(str(tmp_path)).frame
    assert frame["x"].dropna().tolist() == [1, 2, 2.5] and frame["n"].tolist() == [1, 2, 300, 2**40]


IDS = [9007199254740993, None, 9007199254740995]


@pytest.mark.parametrize(
    "column", [pa.array(IDS), pa.array(IDS, pa.uint64()), pa.array(IDS, pa.decimal128(20))], ids=str
)
def test_large_whole_numbers_as_a_category_are_texts(tmp_path: Path, column: pa.Array) -> None:
    found = read_bytes(tmp_path, parquet(x=column), kinds={"x": "category"})
    assert found.frame["x"].dropna().tolist() == ["9007199254740993", "9007199254740995"]


def test_large_whole_numbers_beside_nulls_stay_exact(tmp_path: Path) -> None:
    assert read_bytes(tmp_path, parquet(x=IDS)).frame["x"].dropna().tolist() == [IDS[0], IDS[2]]


def test_decimals_that_are_one_float_are_refused(tmp_path: Path) -> None:
    found = read_bytes(tmp_path, parquet(x=[Decimal("0.12345678901234567891"), Decimal("0.12345678901234567892")]))
    assert found.problems["x"].startswith("is of type decimal128(20, 20), and different values of it are one number")


def test_index_of_a_frame_is_told(tmp_path: Path) -> None:
    found = read_bytes(tmp_path, FRAME.set_index(pd.Index([9, 5, 7, 6], name="id")).to_parquet())
    assert (list(found.names), list(found.index)) == (["x", "y", "target", "id"], ["id"])


PARTS_WRONG: dict[str, tuple[dict[str, bytes], str]] = {
    "no parquet": ({"a.csv": ROWS, "b.txt": b""}, "holds no file that ends in .parquet; it holds a.csv, b.txt"),
    "another type": ({"2.parquet": parquet(x=["1"], target=["u"])}, '2.parquet: column "x" is of type string; in 1'),
    "a column more": ({"2.parquet": parquet(x=[1], y=[1], target=["u"])}, '2.parquet has a column "y", which 1.parq'),
    "a column less": ({"2.parquet": parquet(target=["u"])}, '2.parquet has no column "x", which 1.parquet has'),
    "a whole number that no double holds": (
        {"2.parquet": parquet(x=[2**53 + 1], target=["u"]), "3.parquet": parquet(x=[0.5], target=["u"])},
        'column "x" has other types of numbers in other files, and holds whole numbers that double cannot hold',
    ),
    "Delta": (
        {"_delta_log/0.json": b"{}"},
        "is a table of Delta, as _delta_log/0.json tells, of which only some files",
    ),
    "Iceberg": ({"metadata/v1.metadata.json": b"{}"}, "is a table of Iceberg, as metadata/v1.metadata.json tells"),
    "not parquet": ({"2.parquet": ROWS}, "2.parquet is not Parquet; each file of a data set must be"),
    "broken": ({"2.parquet": b"PAR1"}, "2.parquet cannot be read as Parquet"),
    "folders of other columns": (
        {"year=2007/2.parquet": b"PAR1"},
        "the folders of year=2007/2.parquet name year, and those of 1.parquet no column; each file must lie in folders",
    ),
    "a folder's column twice": ({"y=1/y=2/2.parquet": b"PAR1"}, 'the folders of y=1/y=2/2.parquet name "y" twice'),
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


def test_column_in_folders_and_in_files_is_refused(parts: tuple[str, Put]) -> None:
    url, put = parts
    put("x=1/1.parquet", parquet(x=[1], target=["u"]))
    with pytest.raises(DataInvalid, match='has a column "x" in its files and in the names of their folders'):
        read(url)


PARTITIONED: dict[str, tuple[list[str], dict[str, Any], list[Any], str]] = {
    "years": (["year=2023", "year=2024"], {}, [2023, 2024], "int64"),
    "months": (["m=01", "m=12"], {}, ["01", "12"], "str"),
    "words": (["c=a%2Fb", "c=x%20y"], {}, ["a/b", "x y"], "str"),
    "nothing": (["c=__HIVE_DEFAULT_PARTITION__", "c=x"], {}, [None, "x"], "str"),
    "numbers kept": (["year=2023", "year=2024"], {"kinds": {"year": "category"}}, ["2023", "2024"], "str"),
    "marks": (["p=1,5", "p=2,5"], {"decimal": ","}, [1.5, 2.5], "float64"),
    "numbers of codes": (["m=01", "m=12"], {"kinds": {"m": "integer"}}, [1, 12], "int64"),
}


@pytest.mark.parametrize("name", PARTITIONED)
def test_names_of_folders_are_columns_and_that_is_told(parts: tuple[str, Put], name: str) -> None:
    folders, spelling, values, kind = PARTITIONED[name]
    url, put = parts
    for i, folder in enumerate(folders):
        put(f"{folder}/{i}.parquet", parquet(x=[i], target=["u"]))
    column = folders[0].partition("=")[0]
    for columns in (None, [column, "x"], [column]):
        found = read(url, columns=columns, **spelling)
        read_values = [None if pd.isna(value) else value for value in found.frame[column]]
        assert (read_values, str(found.frame[column].dtype)) == (values, kind)
        assert found.notes[column][0].startswith("is taken from the names of the folders, such as ")
    assert list(found.names) == ["x", "target", column]


TEXTS: dict[str, tuple[list[Any], dict[str, Any], str]] = {
    "numbers": (["1", "2.5", "-3"], {}, 'its texts are numbers, such as "1" (row 1), "2.5" (row 2) and "-3" (row 3)'),
    "numbers beside a mark": (["1", "2", "?", None], {}, 'is mostly numbers, and holds "?" (row 3); say "missing"'),
    "decimal commas": (["1,5", "2,5", "3"], {}, 'holds "1,5" (row 1) and "2,5" (row 2); say that the comma'),
    "booleans": (
        ["true", "false", None],
        {},
        'its texts are true and false, such as "true" (row 1) and',
    ),
    "declared numbers": (
        ["1", "x"],
        {"kinds": {"x": "number"}},
        'holds "x" (row 2), where kinds "number" asks for a number; ',
    ),
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts_that_a_person_would_not_call_so_are_refused(tmp_path: Path, name: str) -> None:
    values, spelling, problem = TEXTS[name]
    found = read_bytes(tmp_path, parquet(x=values), **spelling)
    assert problem in found.problems["x"]


KEPT: dict[str, tuple[list[Any], dict[str, Any], list[Any]]] = {
    "words": (["a", "NA", " b "], {}, ["a", "NA", " b "]),
    "words and blanks": (["a", "", "  ", None], {}, ["a", None, None, None]),
    "codes": (["007", "012", "345"], {}, ["007", "012", "345"]),
    "days": (["2024-01-02", "2024-02-01", None], {}, ["2024-01-02", "2024-02-01", None]),
    "the target": (["1", "2", "3"], {"target": "x"}, ["1", "2", "3"]),
    "a category": (["1", "2.5", "?"], {"kinds": {"x": "category"}}, ["1", "2.5", "?"]),
    "declared numbers": (
        ["1,5", "-", "NA"],
        {"kinds": {"x": "number"}, "decimal": ",", "missing": ("-",)},
        [1.5, None, None],
    ),
    "declared booleans": (["Yes", "no", None], {"kinds": {"x": "boolean"}}, [True, False, None]),
    "days as they are spelled": (
        ["15/06/2024", "01/02/2024"],
        {"dates": "%d/%m/%Y"},
        [pd.Timestamp("2024-06-15"), pd.Timestamp("2024-02-01")],
    ),
}


@pytest.mark.parametrize("name", KEPT)
def test_texts_are_kept_or_read_as_they_are_declared(tmp_path: Path, name: str) -> None:
    values, spelling, expected = KEPT[name]
    found = read_bytes(tmp_path, parquet(x=values), **spelling)
    assert not found.problems
    assert [None if pd.isna(value) else value for value in found.frame["x"]] == expected
