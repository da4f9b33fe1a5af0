"""The text of an environment file: what it pins, how it is set anew, and whether compose can read it.

Readers of such files differ. A line that sets one of the variables is changed only where all take it for the same.
"""

import io
import re
from collections.abc import Mapping

from brinery.errors import EnvironmentFailed

NAMES = ("MODEL_NAME", "MODEL_VERSION", "MODEL_RECORD", "CHALLENGER_VERSION", "CHALLENGER_SHARE")
_NAMES = "|".join(NAMES)
# What every reader takes for NAME=VALUE of one of these, and for the same value …
CLEAR = re.compile(
    rf"""(?P<before>\s*(?:export[ \t]+)?(?P<name>{_NAMES})[ \t]*=[ \t]*)
    (?:"(?:\\.|[^"\\\r\n])*"|'[^'\r\n]*'|(?:[^\s#'"][^\r\n#'"]*?)?)
    (?P<after>[ \t]*(?:[ \t]\#[^\r\n]*)?\r?\n?)""",
    re.VERBOSE,
)
# … and what means to set one of them, in whatever way.
MEANT = re.compile(rf"\s*(?:export[ \t]+)?(?:{_NAMES})[ \t]*[=:]")
# Compose reads `NAME: VALUE` too, and its quoted values may have many lines; the parser knows `=` alone.
COLON = re.compile(r"^([ \t]*(?:export[ \t]+)?[\w.]+[ \t]*):", re.MULTILINE)
# A part of the file's text; where it sets one of them, how it is written and to what value.
Piece = tuple[str, re.Match[str] | None, str]

# As compose reads a file: blanks and comments, a variable's name up to what ends it, and a value.
SKIPPED = re.compile(r"(?:[\s\x85\xa0]+|#[^\n]*)*")
VARIABLE = re.compile(r"(?:export\s+)?([^=:\n]*)([=:\n]|\Z)")
VARIABLE_NAME = re.compile(r"[\w.\-]+")
VALUE = re.compile(r"""[^\S\n]*(?:"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|(?!["'])([^\n]*))""", re.DOTALL)


def values_of(text: str, file: object) -> dict[str, str]:
    """What the text sets of the variables; the last line that sets one counts.

    Args:
        file: how errors name it.

    Raises:
        EnvironmentFailed: a line means to set one of them, and it is not clear to what.
    """
    return {clear["name"]: value for _, clear, value in _pieces(text, file) if clear}


def with_values(text: str, values: Mapping[str, str], file: object) -> str:
    """The text with each set on the lines that set it, as readers differ, or on a new one; all else stays.

    What is to be empty gets no new line.

    Raises:
        EnvironmentFailed: as of `values_of`, or compose could not read the file, or would read something else.
    """
    missing, made = [name for name in NAMES if values[name]], ""
    for piece, clear, value in _pieces(text, file):
        missing = [name for name in missing if not clear or name != clear["name"]]
        changes = clear and value != values[clear["name"]]
        made += f"{clear['before']}{values[clear['name']]}{clear['after']}" if clear and changes else piece
    end = "\r\n" if re.match(r"[^\n]*\r\n", made) else "\n"
    for name in missing:
        made += ("" if not made or made.endswith("\n") else end) + f"{name}={values[name]}{end}"
    read = read_as_compose(made, file)
    for name in NAMES:
        if read.get(name, "") != values[name]:
            raise EnvironmentFailed(f"{file}: compose would read {name} as {ascii(read.get(name))}; set it on one line")
    return made


def read_as_compose(text: str, file: object) -> dict[str, str]:
    """The variables as compose reads them, without what `$` and backslashes stand for.

    Raises:
        EnvironmentFailed: compose cannot read it, or reads it otherwise than it looks.
    """

    def refused(position: int, reason: str) -> EnvironmentFailed:
        return EnvironmentFailed(f"{file} line {text.count(chr(10), 0, position) + 1} {reason}")

    text = text.replace("\r\n", "\n")
    if odd := re.search("[\r\0]", text):
        raise refused(odd.start(), "has a carriage return or a null that ends no line; compose cannot read it")
    values: dict[str, str] = {}
    position = 0
    while True:
        position = _after(SKIPPED, text, position)
        if position == len(text):
            return values
        variable = VARIABLE.match(text, position)
        name = variable[1].strip() if variable else ""
        if variable is None or not VARIABLE_NAME.fullmatch(name) or not variable[2]:
            raise refused(position, "is none that compose can read; it must be NAME=VALUE")
        position = variable.end()
        if variable[2] == "\n":  # a name alone: the shell's value
            continue
        value = VALUE.match(text, position)
        if value is None:
            raise refused(position, "begins a quoted value that does not end; compose cannot read it")
        unquoted = value[3]
        values[name] = unquoted.partition(" #")[0].rstrip() if unquoted is not None else value[1] or value[2] or ""
        position = value.end()


def _after(pattern: re.Pattern[str], text: str, position: int) -> int:
    found = pattern.match(text, position)
    return found.end() if found else position


def _pieces(text: str, file: object) -> list[Piece]:
    """The text in pieces: what is inside a quoted value of many lines sets nothing."""
    try:
        from dotenv.parser import parse_stream
    except ImportError as exc:
        message = "python-dotenv, which reads environment files, is not installed here; install brinery[publish]"
        raise EnvironmentFailed(message) from exc
    pieces: list[Piece] = []
    start = 0
    for binding in parse_stream(io.StringIO(COLON.sub(r"\1=", text))):
        piece = text[start : start + len(binding.original.string)]
        start += len(piece)
        clear, value = CLEAR.fullmatch(piece), binding.value
        meant = MEANT.match(piece) or (binding.key in NAMES and value is not None)
        if meant and (clear is None or value is None):
            number = text.count("\n", 0, start - len(piece.lstrip())) + 1
            raise EnvironmentFailed(f"{file} line {number} is {ascii(piece.strip()[:80])}; it must be NAME=VALUE")
        pieces.append((piece, clear, value or ""))
    return pieces
