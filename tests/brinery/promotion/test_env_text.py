"""The text of environment files: three values set, everything else as it was, and read as compose reads it."""

import subprocess
from pathlib import Path

import pytest

from brinery.errors import EnvironmentFailed
from brinery.promotion.env_text import NAMES, read_as_compose, values_of, with_values

PIN = f"8@sha256:{'b' * 64}"
RECORD = f"20261101T120000Z-{'c' * 64}"
VALUES = dict(zip(NAMES, ("wine", PIN, RECORD, "", ""), strict=True))
CHALLENGED = {**VALUES, "CHALLENGER_VERSION": f"9@sha256:{'d' * 64}", "CHALLENGER_SHARE": "0.1"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"MODEL_NAME=wine\nMODEL_VERSION={PIN}\n"),
        ("MODEL_NAME=wine\nMODEL_VERSION=7\n", f"MODEL_NAME=wine\nMODEL_VERSION={PIN}\n"),
        ("# a\n\nMODEL_VERSION=7\nX=1\nMODEL_NAME=wine\n", f"# a\n\nMODEL_VERSION={PIN}\nX=1\nMODEL_NAME=wine\n"),
        (
            "export MODEL_VERSION='7@x' # why\nMODEL_NAME=\"wine\"\n",
            f'export MODEL_VERSION={PIN} # why\nMODEL_NAME="wine"\n',
        ),
        ("MODEL_NAME=wine\r\nMODEL_VERSION = 7\r\n", f"MODEL_NAME=wine\r\nMODEL_VERSION = {PIN}\r\n"),
        ("MODEL_NAME=wine\nMODEL_VERSION=", f"MODEL_NAME=wine\nMODEL_VERSION={PIN}"),
        (
            "MODEL_NAME=wine\nMODEL_VERSION=6\nMODEL_VERSION=7\n",
            f"MODEL_NAME=wine\nMODEL_VERSION={PIN}\nMODEL_VERSION={PIN}\n",
        ),
        ("MY_MODEL_VERSION=1\nMODEL_NAME=wine", f"MY_MODEL_VERSION=1\nMODEL_NAME=wine\nMODEL_VERSION={PIN}\n"),
        ("#MODEL_VERSION=1\nMODEL_NAME=wine\n", f"#MODEL_VERSION=1\nMODEL_NAME=wine\nMODEL_VERSION={PIN}\n"),
        ("MODEL_NAME=\nMODEL_VERSION=7\n", f"MODEL_NAME=wine\nMODEL_VERSION={PIN}\n"),
        ("\ufeffMODEL_VERSION=7\nMODEL_NAME=wine\n", f"MODEL_VERSION={PIN}\nMODEL_NAME=wine\n"),
        (
            'J.a: "{ \\"a\\": 1,\nMODEL_VERSION=3\n }"\nMODEL_NAME=wine\nMODEL_VERSION=7\n',
            f'J.a: "{{ \\"a\\": 1,\nMODEL_VERSION=3\n }}"\nMODEL_NAME=wine\nMODEL_VERSION={PIN}\n',
        ),
        (
            'A="x\nMODEL_VERSION=6\nMODEL_NAME=beer"\nMODEL_NAME=wine\nMODEL_VERSION=7\n',
            f'A="x\nMODEL_VERSION=6\nMODEL_NAME=beer"\nMODEL_NAME=wine\nMODEL_VERSION={PIN}\n',
        ),
        (
            "A=1\x0cMODEL_VERSION=6\nMODEL_NAME=wine\n",
            f"A=1\x0cMODEL_VERSION=6\nMODEL_NAME=wine\nMODEL_VERSION={PIN}\n",
        ),
        ("MODEL_NAME=wine-two\nMODEL_VERSION=70 # b\n", f"MODEL_NAME=wine\nMODEL_VERSION={PIN} # b\n"),
        (
            "\n\n MODEL_NAME=wine\n\n\tMODEL_VERSION='70'\n\n",
            f"\n\n MODEL_NAME=wine\n\n\tMODEL_VERSION={PIN}\n\n",
        ),
        ("é=ü\nMODEL_NAME=wine\nMODEL_VERSION=7\n", f"é=ü\nMODEL_NAME=wine\nMODEL_VERSION={PIN}\n"),
    ],
)
def test_text_keeps_everything_but_the_pin_and_its_record(before: str, after: str) -> None:
    before, after = before.lstrip("\ufeff"), after.lstrip("\ufeff")
    end = "\r\n" if "\r\n" in after else "\n"
    after += ("" if after.endswith("\n") else end) + f"MODEL_RECORD={RECORD}{end}"
    assert with_values(before, VALUES, ".env") == after
    assert values_of(after, ".env") == {name: value for name, value in VALUES.items() if value}
    assert with_values(after, VALUES, ".env") == after
    assert with_values(after.replace(RECORD, f"'{RECORD[:-1]}d'"), VALUES, ".env") == after


def test_text_gets_a_challenger_and_loses_it_on_the_lines_that_name_it() -> None:
    before = f"MODEL_NAME=wine\nMODEL_VERSION={PIN}\nMODEL_RECORD={RECORD}\n"
    challenged = with_values(before, CHALLENGED, ".env")
    assert challenged == f"{before}CHALLENGER_VERSION={CHALLENGED['CHALLENGER_VERSION']}\nCHALLENGER_SHARE=0.1\n"
    assert values_of(challenged, ".env") == CHALLENGED
    alone = with_values(challenged, VALUES, ".env")
    assert alone == f"{before}CHALLENGER_VERSION=\nCHALLENGER_SHARE=\n" and values_of(alone, ".env") == VALUES
    assert with_values(alone, CHALLENGED, ".env") == challenged


UNREADABLE = {
    "a blank in a name": ("A=1\nA B\nC=1\n", 2, "is none that compose can read; it must be NAME=VALUE"),
    "a blank before =": ("A B=1\n", 1, "is none that compose can read"),
    "no name": ("\n=1\n", 2, "is none that compose can read"),
    "an odd name": ("# x\nA!=1\n", 2, "is none that compose can read"),
    "an open quote": ('A=1\nB="x\n\nC=1\n', 2, "begins a quoted value that does not end"),
    "an open single quote": ("A='it\\'s\n", 1, "begins a quoted value that does not end"),
    "a word after a value": ("A='x' y z\nB=1\n", 1, "is none that compose can read"),
    "a lone CR": ("A=1\r\nB=2\rC=3\r\n", 2, "has a carriage return or a null that ends no line"),
    "a null": ("A=1\nB=\0\n", 2, "has a carriage return or a null that ends no line"),
}


@pytest.mark.parametrize(("text", "line", "message"), UNREADABLE.values(), ids=UNREADABLE)
def test_text_that_compose_cannot_read_is_refused_by_its_line(text: str, line: int, message: str) -> None:
    for doing in (lambda: read_as_compose(text, ".env"), lambda: with_values(text, VALUES, ".env")):
        with pytest.raises(EnvironmentFailed, match=rf"^\.env line {line} {message}"):
            doing()


READABLE = {
    "": {},
    "A=1\nB = 2 # two\n#C=3\nexport D=4": {"A": "1", "B": "2", "D": "4"},
    "A: x\nB='it is' \nC=\"two\nlines\"\n": {"A": "x", "B": "it is", "C": "two\nlines"},
    "A\nB=a#b\nC=\n": {"B": "a#b", "C": ""},
    "A='x' B=2\r\nC-1.x=3\n": {"A": "x", "B": "2", "C-1.x": "3"},
    "é=ü\n\n \t\nA='b\\'c'\n": {"é": "ü", "A": "b\\'c"},
}


@pytest.mark.parametrize(("text", "values"), READABLE.items(), ids=ascii)
def test_text_is_read_as_compose_reads_it(text: str, values: dict[str, str]) -> None:
    assert read_as_compose(text, ".env") == values


def test_name_alone_at_the_end_is_refused_where_it_stays_there() -> None:
    text = f"MODEL_NAME=wine\nMODEL_VERSION={PIN}\nMODEL_RECORD={RECORD}\nB"
    with pytest.raises(EnvironmentFailed, match=r"\.env line 4 is none that compose can read"):
        with_values(text, VALUES, ".env")


def test_value_that_compose_would_read_otherwise_is_refused() -> None:
    text = f'A-B: "x\nMODEL_VERSION=6\nMODEL_NAME=wine\nMODEL_RECORD={RECORD}\n"\n'
    with pytest.raises(EnvironmentFailed, match=r"^\.env: compose would read MODEL_NAME as None; set it on one line"):
        with_values(text, VALUES, ".env")


@pytest.mark.docker
@pytest.mark.parametrize("text", [*READABLE, *(text for text, _, _ in UNREADABLE.values())], ids=ascii)
def test_compose_agrees(tmp_path: Path, text: str) -> None:
    """With compose itself, which needs no engine to read a file; a lone CR it reads as part of a value."""
    (tmp_path / "docker-compose.yml").write_text('services: {a: {image: x, environment: {LAST: "${LAST:-}"}}}')
    (tmp_path / "x.env").write_bytes(f"{text}\nLAST=1\n".encode())
    command = ["docker", "compose", "--env-file", "x.env", "config", "--format", "json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    read_by_compose = done.returncode == 0 and '"LAST": "1"' in done.stdout
    try:
        read_here = "LAST" in read_as_compose(f"{text}\nLAST=1\n", ".env")
    except EnvironmentFailed:
        read_here = False
    assert read_by_compose or not read_here, done.stderr
