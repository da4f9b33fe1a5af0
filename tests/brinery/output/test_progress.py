"""The progress bar: for terminals alone, and gone at the end."""

import io
from contextlib import redirect_stderr

import pytest

from brinery.output.progress import progress, waiting


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
