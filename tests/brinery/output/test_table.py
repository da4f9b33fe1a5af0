"""Tables, sizes and ages as people read them."""

from datetime import UTC, datetime, timedelta

import pytest

from brinery.output.table import age_text, short_digest, size_text, table

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_columns_are_aligned_and_no_line_ends_in_a_space() -> None:
    assert table(["MODEL", "GATE"], [["wine", "passed"], ["wine-alcohol", ""]]) == (
        "MODEL         GATE\nwine          passed\nwine-alcohol"
    )


def test_table_without_rows_is_its_head() -> None:
    assert table(["A", "B"], []) == "A  B"


@pytest.mark.parametrize(
    ("cell", "shown"),
    [("a\nb", r"a\nb"), ("\x1b[31m", r"\x1b[31m"), ("\u202eabc", r"\u202eabc"), ("Adélie …", "Adélie …")],
)
def test_cell_cannot_steer_the_terminal(cell: str, shown: str) -> None:
    assert table([cell], []) == shown


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (12_345_678, "12.3 MB"), (2_500_000_000_000, "2500.0 GB")],
)
def test_size_is_in_the_largest_unit_that_fits(size: int, text: str) -> None:
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "just now"),
        (59, "just now"),
        (60, "1 minute ago"),
        (7199, "1 hour ago"),
        (7200, "2 hours ago"),
        (3 * 86400, "3 days ago"),
        (-60, "just now"),
    ],
)
def test_age_is_in_the_largest_whole_unit(seconds: int, text: str) -> None:
    assert age_text(NOW - timedelta(seconds=seconds), NOW) == text


def test_digest_is_shown_by_its_start() -> None:
    assert short_digest("0123456789abcdef") == "sha256:0123456789ab…"
    assert short_digest(None) == ""
