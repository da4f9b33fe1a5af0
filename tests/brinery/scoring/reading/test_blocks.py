"""Blocks: whatever a text holds, they are whole rows, and together the text."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brinery.errors import DataInvalid
from brinery.scoring.reading import blocks as module
from brinery.scoring.reading.blocks import blocks, last_end

FIELDS = st.text(st.sampled_from('a1 ,"\n\r5é'), max_size=6)


def rows_in(data: bytes) -> list[list[str]]:
    return [row for row in csv.reader(io.StringIO(data.decode("latin-1"), newline="")) if row]


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.lists(FIELDS, min_size=2, max_size=3), max_size=12), st.integers(1, 40), st.sampled_from(["\n", "\r\n"])
)
def test_blocks_of_csv_hold_the_rows_of_the_whole(table: list[list[str]], size: int, newline: str) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator=newline).writerows(table)
    data = out.getvalue().encode()
    found = list(blocks("x", io.BytesIO(data), size, ","))
    assert b"".join(found) == data
    assert [row for block in found for row in rows_in(block)] == rows_in(data)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from('a,"\n'), max_size=60), st.integers(1, 40))
def test_blocks_of_anything_are_the_text_or_a_refusal(text: str, size: int) -> None:
    """A quotation mark within a field that does not begin with one is a character like others."""
    data = text.encode()
    try:
        found = list(blocks("x", io.BytesIO(data), size, ","))
    except DataInvalid as exc:
        assert "a quotation mark is opened and never closed" in str(exc)
        return
    assert b"".join(found) == data
    assert [row for block in found for row in rows_in(block)] == rows_in(data)


def test_blocks_of_lines_end_with_lines_and_depend_on_the_bytes_alone() -> None:
    data = b"".join(b'{"a": "%d"}\n' % number for number in range(1000)) + b"[1]"

    class Dripping(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 0, 7))

    found = list(blocks("x", io.BytesIO(data), 256, None))
    assert b"".join(found) == data and all(block.endswith(b"\n") for block in found[:-1]) and len(found) > 40
    assert list(blocks("x", Dripping(data), 256, None)) == found


@pytest.mark.parametrize(
    ("data", "end"),
    [
        (b"a,b\n1,2", 4),
        (b'a,"b\nc"\n1,', 8),
        (b'a,"b\nc', 0),
        (b'5" pipe,1\n6" pipe,2\n7', 20),  # no quotes of fields
        (b'a,"say ""no\n"""\n1,2\n3', 20),
        (b"", 0),
    ],
)
def test_last_end_is_behind_the_last_whole_row(data: bytes, end: int) -> None:
    assert last_end(data, ",") == end


def test_a_row_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST", 1000)
    for data, separator in ((b"x" * 5000, None), (b'a,b\n1,"2\n' + b"3,4\n" * 5000, ",")):
        with pytest.raises(DataInvalid, match="has a row of more than 1000 bytes, or a quotation mark that is never"):
            list(blocks("x", io.BytesIO(data), 100, separator))
    with pytest.raises(DataInvalid, match="a quotation mark is opened and never closed"):
        list(blocks("x", io.BytesIO(b'a,b\n1,"2\n3,4\n'), 100, ","))


@pytest.mark.parametrize(
    "data",
    [
        b'a,b\n1,"2\n' + b"3,4\n" * 100_000,  # longer than a field may be
        b'5" pipe,1\n6,"2\n7,8\n',  # one that is a character like others, and one that is open: an even number
        b'a" b,c\n1,"2',
    ],
    ids=["long", "even", "last"],
)
def test_a_quote_that_is_never_closed_takes_no_rows_with_it(data: bytes) -> None:
    for size in (len(data) * 2, len(data) // 2):
        with pytest.raises(DataInvalid, match="a quotation mark.* never closed"):
            list(blocks("x", io.BytesIO(data), size, ","))
