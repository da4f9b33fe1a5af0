"""Standard output that its reader has closed, or that has no room."""

import os
import subprocess
import sys

import pytest

from brinery.output.write import say, write

CODE = "import sys; from brinery.output.write import write; sys.exit(write('command', 'text'))"


def run(stdout: int) -> tuple[int, str]:
    done = subprocess.run([sys.executable, "-c", CODE], stdout=stdout, stderr=subprocess.PIPE, text=True)
    return done.returncode, done.stderr


def test_output_whose_reader_has_gone_is_no_error() -> None:
    read, end = os.pipe()
    os.close(read)
    try:
        assert run(end) == (0, "")
    finally:
        os.close(end)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device that is always full is needed")
def test_output_without_room_is_a_sentence() -> None:
    with open("/dev/full", "wb") as full:
        assert run(full.fileno()) == (1, "command: the result cannot be written: No space left on device\n")


@pytest.mark.parametrize("odd", ["\x1b[2J", "\r", "\x07", "\u202e", "\u2066", "\x9b", "\u2028", "\x00", "\t"])
def test_no_character_orders_the_terminal(odd: str, capsys: pytest.CaptureFixture[str]) -> None:
    write("command", f"one{odd}two\nthree é — 日本\n")
    say(f"four{odd}five\nsix")
    out, err = capsys.readouterr()
    assert out == f"one{ascii(odd)[1:-1]}two\nthree é — 日本\n"
    assert err == f"four{ascii(odd)[1:-1]}five\nsix\n"
