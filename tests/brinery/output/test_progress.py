"""The progress bar: for terminals alone, and gone at the end."""

import io
from contextlib import redirect_stderr

import pytest

from brinery.output.progress import Meter, progress, waiting


class Terminal(io.StringIO):
    """A standard error that somebody looks at."""

    def isatty(self) -> bool:
        return True


def test_progress_is_shown_and_taken_away() -> None:
    with redirect_stderr(Terminal()) as terminal:
        assert list(progress("abcd", "verifying")) == list("abcd")
    *shown, last = terminal.getvalue().split("\r\x1b[K")[1:]
    assert shown[0] == "verifying [....................] 0/4" and shown[2] == "verifying [##########..........] 2/4"
    assert (len(shown), last) == (4, "")


def test_progress_is_taken_away_where_the_work_fails() -> None:
    with redirect_stderr(Terminal()) as terminal, pytest.raises(ValueError), waiting("promoting"):
        raise ValueError
    written = terminal.getvalue()
    assert written.startswith("\r\x1b[Kpromoting [") and written.endswith("\r\x1b[K")


def test_progress_of_nothing_shows_nothing() -> None:
    with redirect_stderr(Terminal()) as terminal:
        assert list(progress([], "verifying")) == []
    assert terminal.getvalue() == "\r\x1b[K"


def test_progress_is_silent_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(progress([1, 2], "verifying")) == [1, 2]
    assert capsys.readouterr() == ("", "")


def test_meter_shows_rows_their_pace_and_the_time_that_is_left() -> None:
    times = iter([0.0, 10.0, 4000.0])
    with redirect_stderr(Terminal()) as terminal:
        meter = Meter("score wine:7", clock=lambda: next(times))
        meter(5000, 0.25)
        meter(100_000, 0.5)
        meter.end()
    shown = terminal.getvalue().split("\r\x1b[K")[1:]
    assert shown == [
        "score wine:7 [#####...............] 5,000 rows, 500 rows/s, 0:30 left",
        "score wine:7 [##########..........] 100,000 rows, 25 rows/s, 1:06:40 left",
        "",
    ]


def test_meter_is_silent_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    meter = Meter("score")
    meter(5, 0.0)
    meter.end()
    assert capsys.readouterr() == ("", "")
