"""The writer: lines that wait are bounded, and what it writes to may be slow or broken."""

from collections.abc import Sequence
from threading import Event

import pytest

from serving.writer import BYTES, LINES, PAUSE_SECONDS, TELL_SECONDS, Writer


class Slow:
    """Takes lines when it is let."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.begun, self.go = Event(), Event()

    def __call__(self, lines: Sequence[str]) -> None:
        self.begun.set()
        assert self.go.wait(60)
        self.lines += lines


@pytest.mark.parametrize(
    ("kept", "lost"),
    [(["x"] * (LINES - 1), ["y", "z"]), (["x" * (BYTES - 1)], ["yz"])],
    ids=["lines", "bytes"],
)
def test_lines_beyond_what_may_wait_are_lost_together_and_said(
    kept: list[str], lost: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    slow = Slow()
    writer = Writer(slow)
    writer.put(kept)
    assert slow.begun.wait(60)  # what is being written still counts
    writer.put(lost)
    writer.put(["w"])
    slow.go.set()
    writer.flush(60)
    assert slow.lines == [*kept, "w"]
    assert caplog.messages == [f"{len(lost)} captured lines are lost: they come faster than they can be written"]
    writer.put(["later"])  # there is room again
    writer.flush(60)
    assert slow.lines[-1] == "later"


def test_flush_waits_for_what_is_written_and_not_for_ever() -> None:
    slow = Slow()
    writer = Writer(slow)
    writer.put(["x"])
    writer.flush(0.01)
    assert not slow.lines
    slow.go.set()
    writer.flush(60)
    assert slow.lines == ["x"]


def test_fault_drops_what_waits_and_pauses(caplog: pytest.LogCaptureFixture) -> None:
    now, tries = [0.0], list[Sequence[str]]()
    begun, go = Event(), Event()

    def broken(lines: Sequence[str]) -> None:
        tries.append(lines)
        begun.set()
        assert go.wait(60)
        raise OSError("gone")

    writer = Writer(broken, clock=lambda: now[0])
    writer.put(["one"])
    assert begun.wait(60)
    writer.put(["two", "three"])
    go.set()
    writer.flush(60)
    assert tries == [["one"]] and caplog.messages == ["3 captured lines are lost: OSError: gone"]
    now[0] = PAUSE_SECONDS - 1
    writer.put(["four"])
    assert len(tries) == 1
    now[0] = PAUSE_SECONDS
    writer.put(["five"])
    writer.flush(60)
    assert tries[1:] == [["five"]] and len(caplog.messages) == 1  # said a moment ago
    now[0] = PAUSE_SECONDS + TELL_SECONDS
    writer.put(["six"])
    writer.flush(60)
    assert caplog.messages[1] == "3 captured lines are lost: OSError: gone"
