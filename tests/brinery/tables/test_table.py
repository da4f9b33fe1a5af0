"""Tables: the types that a model can take, and names."""

from datetime import time
from pathlib import Path

import pytest

from brinery.errors import DataInvalid
from brinery.tables.table import listed, named_once
from tests.brinery.tables.reading import parquet, read_bytes

WRONG: dict[str, tuple[bytes, str]] = {
    "times": (parquet(x=[time(10), time(11)], target=["u", "v"]), "is of type time64[us], which no model can take"),
    "nested": (parquet(x=[[1], [2]], target=["u", "v"]), "is of type list<element: int64>, which no"),
    "bytes": (parquet(x=[b"1", b"2"], target=["u", "v"]), "is of type binary, which no model can take"),
}


@pytest.mark.parametrize(("data", "message"), WRONG.values(), ids=WRONG)
def test_column_of_a_type_that_no_model_takes_gets_a_sentence(tmp_path: Path, data: bytes, message: str) -> None:
    found = read_bytes(tmp_path, data)
    assert list(found.problems) == ["x"] and found.problems["x"].startswith(message)
    assert found.frame["x"].isna().all() and found.frame["target"].tolist() == ["u", "v"]


def test_columns_that_are_not_asked_for_may_hold_anything(tmp_path: Path) -> None:
    data = parquet(x=[1, 2], nested=[[1], [2]], raw=[b"a", b"b"])
    found = read_bytes(tmp_path, data, ["x"])
    assert (list(found.frame), list(found.names)) == (["x"], ["x", "nested", "raw"])


def test_names_stand_there_once_unless_they_are_empty() -> None:
    assert named_once("d.csv", ["", "a", ""]) == ["", "a", ""]
    with pytest.raises(
        DataInvalid, match='^d.csv has two columns named "a" and two named "b"; each name must be there o'
    ):
        named_once("d.csv", ["a", "b", "", "", "b", "a"])
    with pytest.raises(DataInvalid, match='^d.csv has two columns named "a"; each name must be there once$'):
        named_once("d.csv", ["a", "b", "a"])


def test_names_for_a_message_are_thirty_at_most() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed([f"c{n}" for n in range(32)]).endswith("c28, c29 and 2 more")
