"""Standard output that its reader has closed, or that has no room."""

import os
import subprocess
import sys

import pytest

CODE = "import sys; from brinery.output.write import write; sys.exit(write('command', 'text'))"


def run(stdout: int) -> tuple[int, str]:
    done = subprocess.run([sys.executable, "-c", CODE], stdout=stdout, stderr=subprocess.PIPE, text=True)
    return done.returncode, done.stderr


def test_output_whose_reader_has_gone_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        assert run(write) == (0, "")
    finally:
        os.close(write)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device that is always full is needed")
def test_output_without_room_is_a_sentence() -> None:
    with open("/dev/full", "wb") as full:
        assert run(full.fileno()) == (1, "command: the result cannot be written: No space left on device\n")
