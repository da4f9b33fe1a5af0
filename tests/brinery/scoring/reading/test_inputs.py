"""Inputs: which files a path, a folder, a prefix or a pattern names, here and on S3."""

from pathlib import Path

import obstore
import pytest

from brinery.errors import DataInvalid
from brinery.scoring.reading.files import LocalFile
from brinery.scoring.reading.inputs import find_inputs
from brinery.versions.store import Store

FILES = [
    "[1].csv",
    "2026/01.csv",
    "2026/02.csv.gz",
    "a.parquet",
    "b.jsonl",
    "_x.csv",
    ".y.csv",
    "_tmp/z.csv",
    "notes.md",
]


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the files lie."""
    if request.param == "folder":
        for name in FILES:
            (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "in" / name).write_text("x\n1\n")
        return "in"
    store: Store = request.getfixturevalue("s3_store")
    for name in FILES:
        obstore.put(store.backend, f"in/{name}", b"x\n1\n")
    return f"{store.url}/in"


def names(given: str, folder: Path) -> list[str]:
    return [each.name for each in find_inputs(given, folder)]


def test_folder_or_prefix_has_what_ends_as_data_do(place: str, tmp_path: Path) -> None:
    expected = ["2026/01.csv", "2026/02.csv.gz", "[1].csv", "a.parquet", "b.jsonl"]
    assert names(place, tmp_path) == names(f"{place}/", tmp_path) == expected
    assert names(f"{place}/2026", tmp_path) == ["01.csv", "02.csv.gz"]


def test_pattern_has_what_it_matches(place: str, tmp_path: Path) -> None:
    assert [name.rpartition("/")[2] for name in names(f"{place}/2026/*.csv*", tmp_path)] == ["01.csv", "02.csv.gz"]
    assert [name.rpartition("/")[2] for name in names(f"{place}/[ab].*", tmp_path)] == ["a.parquet", "b.jsonl"]
    assert [name.rpartition("/")[2] for name in names(f"{place}/**/0?.csv", tmp_path)] == ["01.csv"]
    assert [name.rpartition("/")[2] for name in names(f"{place}/*.md", tmp_path)] == ["notes.md"]
    for given in (f"{place}/*.xml", f"{place}/_*"):
        with pytest.raises(DataInvalid, match="holds no match|there is no"):
            names(given, tmp_path)


def test_pattern_may_lie_below_any_folder(place: str, tmp_path: Path) -> None:
    assert [name.rpartition("/")[2] for name in names(f"{place}/_tmp/*.csv", tmp_path)] == ["z.csv"]
    with pytest.raises(DataInvalid, match="holds no match"):
        names(f"{place}/*/z.csv", tmp_path)


def test_one_file_is_read_whatever_it_is_called(place: str, tmp_path: Path) -> None:
    assert names(f"{place}/notes.md", tmp_path) == ["notes.md"]
    assert names(f"{place}/_x.csv", tmp_path) == ["_x.csv"]
    assert names(f"{place}/[1].csv", tmp_path) == ["[1].csv"]
    with pytest.raises(DataInvalid, match="there is no"):
        names(f"{place}/none.csv", tmp_path)


def test_bytes_are_read_from_anywhere(place: str, tmp_path: Path) -> None:
    (found,) = find_inputs(f"{place}/a.parquet", tmp_path)
    for buffer in (0, 3):
        with found.file.open(buffer) as file:
            assert (file.seek(2), file.read(1), file.seek(-1, 2), file.read(), file.read()) == (2, b"1", 3, b"\n", b"")
            assert file.seek(0) == 0 and file.read() == b"x\n1\n"
    assert found.file.size == 4


def test_a_file_that_changed_is_not_read(place: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    (found,) = find_inputs(f"{place}/a.parquet", tmp_path)
    if isinstance(found.file, LocalFile):
        (tmp_path / "in/a.parquet").write_text("y\n1\n")
    else:
        store: Store = request.getfixturevalue("s3_store")
        obstore.put(store.backend, "in/a.parquet", b"y\n1\n")
    with pytest.raises(DataInvalid, match="a.parquet has changed since the run began"):
        with found.file.open() as file:
            file.read()


def test_folders_may_name_columns(tmp_path: Path) -> None:
    for year in ("2024", "2025"):
        (tmp_path / f"in/year={year}/day=a%2Fb").mkdir(parents=True)
        (tmp_path / f"in/year={year}/day=a%2Fb/rows.csv").write_text("x\n1\n")
    found = find_inputs("in", tmp_path)
    assert [dict(each.constants) for each in found] == [{"year": year, "day": "a/b"} for year in ("2024", "2025")]
    (tmp_path / "in/other.csv").write_text("x\n1\n")
    with pytest.raises(DataInvalid, match="each file must lie in folders of the same names"):
        find_inputs("in", tmp_path)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("https://host/rows.csv", "is not read over https"),
        ("s3://UPPER/rows.csv", "is no place on S3"),
        ("s3://bucket/rows.csv?X-Amz-Signature=secret", "is no place on S3"),
        ("a\nb", "there is no 'a.*nb'"),
        ("empty", "holds no file that ends in .parquet, .csv or .jsonl; it holds nothing"),
        ("delta", "is a table of Delta"),
    ],
)
def test_what_is_no_input_is_a_sentence(tmp_path: Path, given: str, told: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "delta/_delta_log").mkdir(parents=True)
    (tmp_path / "delta/_delta_log/0.json").write_text("{}")
    (tmp_path / "delta/a.parquet").write_text("")
    with pytest.raises(DataInvalid, match=told) as raised:
        find_inputs(given, tmp_path)
    assert "secret" not in str(raised.value)
