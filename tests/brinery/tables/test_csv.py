"""CSV as people bring it: separators, line ends, missing values, and what is wrong by its line."""

import hashlib
from pathlib import Path

import pytest

from brinery.errors import DataInvalid
from tests.brinery.tables.reading import ROWS, read_bytes

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
    "a line of the separator": b"sep=,\r\n" + ROWS,
    "a line of another separator": b"\xef\xbb\xbfsep=^\n" + ROWS.replace(b",", b"^"),
    "quoted": ROWS.replace(b"x,y", b'"x","y"').replace(b",b,", b',"b",'),
}


@pytest.mark.parametrize("data", FORMATS.values(), ids=FORMATS)
def test_csv_is_told_from_its_bytes(tmp_path: Path, data: bytes) -> None:
    found = read_bytes(tmp_path, data)
    assert found.frame["x"].tolist() == [1, 2.5, 3, 4]
    assert found.frame["y"].tolist() == list("abab")
    assert found.frame["target"].tolist() == list("uvuv")
    assert list(found.names) == list(found.frame) == ["x", "y", "target"]
    assert found.sha256 == hashlib.sha256(data).hexdigest()


def test_csv_takes_what_pandas_takes_as_missing(tmp_path: Path) -> None:
    missing = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "#N/A", "<NA>", '"NA"']
    lines = "".join(f"{text},{text},{'uv'[i % 2]}\n" for i, text in enumerate([*missing, "1", "2"]))
    found = read_bytes(tmp_path, f"x,y,target\n{lines}".encode())
    assert found.frame["x"].isna().sum() == len(missing)
    again = read_bytes(tmp_path, f"x,y,target\n{lines}w,w,v\ny,y,v\nz,z,u\n".encode())
    assert again.frame["y"].dropna().tolist() == ["1", "2", "w", "y", "z"]
    assert again.notes["y"] == [
        'has 10 cells such as "NA" (line 3), taken as missing; named in kinds as "category", it keeps them as a value'
    ]


def test_csv_keeps_line_breaks_in_quotes(tmp_path: Path) -> None:
    found = read_bytes(tmp_path, b'x,target\n"a\nb, ""c""",u\n"d",v\n')
    assert found.frame["x"].tolist() == ['a\nb, "c"', "d"]


def test_csv_may_have_line_breaks_where_its_blocks_end(tmp_path: Path) -> None:
    long = "a" + "\n" * 1000 + "a"
    found = read_bytes(tmp_path, ("x,target\n" + f'"{long}",u\n"b",v\n' * 9000).encode())
    assert found.frame["x"].tolist() == [long, "b"] * 9000


def test_csv_that_is_not_utf8_far_below_is_told_by_its_line(tmp_path: Path) -> None:
    with pytest.raises(DataInvalid, match="^data is not UTF-8: see line 10002; save it as UTF-8$"):
        read_bytes(tmp_path, b"x,target\n" + b"a,u\nb,v\n" * 5000 + b"\xe9,u\n")


def test_csv_texts_stay_as_they_are_written_but_for_zero_fractions(tmp_path: Path) -> None:
    data = b"zip,deck,target\n01234,3.0,u\n00501,,v\n01234,1.0,u\n"
    found = read_bytes(tmp_path, data, kinds={"zip": "category", "deck": "category"})
    assert found.frame["zip"].tolist() == ["01234", "00501", "01234"]
    assert found.frame["deck"].dropna().tolist() == ["3", "1"]
    assert read_bytes(tmp_path, data, kinds={"zip": "number"}).frame["zip"].tolist() == [1234, 501, 1234]


def test_csv_is_read_in_the_order_that_is_asked_for(tmp_path: Path) -> None:
    assert list(read_bytes(tmp_path, ROWS, columns=["y", "x"]).frame) == ["y", "x"]


WRONG: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "data is empty; it must hold a header and rows"),
    "blank": (b"\n\n", "data is empty"),
    "header only": (b"x,target\n", "data has columns and no row"),
    "header without a newline": (b"x,target", "data has columns and no row"),
    "too many fields": (b'x,target\n"a\nb",u\n1,v,w\n', "data: line 4 has 3 fields; the header has 2"),
    "too few fields": (b"x,target\n1,u\n\n2\n", "data: line 4 has 1 fields; the header has 2"),
    "too few fields below a line of the separator": (b"sep=,\nx,target\n1,u\n2\n", "data: line 4 has 1 fields; the h"),
    "open quote": (b'x,target\n1,u\n"2,v\n3,u\n', "after line 2 a quotation mark is opened and never closed"),
    "Latin-1 below a line of the separator": ("sep=,\nx,target\né,v\n".encode("latin-1"), "not UTF-8: see line 3"),
    "open quote below one": (b'sep=,\nx,target\n1,u\n"2,v\n3,u\n', "after line 3 a quotation mark is opened"),
    "Latin-1": ("x,target\n1,u\né,v\n".encode("latin-1"), "data is not UTF-8: see line 3"),
    "Latin-1 header": ("é,target\n1,u\n".encode("latin-1"), "data is not UTF-8: see line 1"),
    "UTF-16": ("x,target\n1,u\n".encode("utf-16"), "data is not UTF-8: see line 1"),
    "duplicated name": (b"x,x,target\n1,2,u\n", 'data has two columns named "x"'),
    "web page": (b"<!DOCTYPE html>\n<html>", "data is a web page; it must be CSV or Parquet"),
}


@pytest.mark.parametrize(("data", "message"), WRONG.values(), ids=WRONG)
def test_csv_that_cannot_be_read_gets_a_sentence(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(DataInvalid) as caught:
        read_bytes(tmp_path, data)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
