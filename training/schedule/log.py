"""What the schedule says: JSON lines of what happened on stdout, sentences of what goes wrong on stderr.

Where nobody takes what is said, or the disk of a log is full, models are trained all the same.
"""

import json
import sys
from contextlib import suppress
from datetime import datetime
from typing import Any, TextIO

from brinery.versions.manifest import utc_text


def say(sentence: str) -> None:
    _print(f"train: {sentence}", sys.stderr)


def tell(event: str, at: datetime, **fields: Any) -> None:
    """Print what happened, as one JSON object; moments as UTC."""
    texts = {name: utc_text(each) if isinstance(each, datetime) else each for name, each in fields.items()}
    _print(json.dumps({"time": utc_text(at), "event": event, **texts}), sys.stdout)


def one_line(exc: Exception) -> str:
    """What an error says, on one line; its kind where it says nothing."""
    return " ".join(str(exc).split()) or type(exc).__name__


def _print(line: str, file: TextIO) -> None:
    with suppress(OSError, ValueError):
        print(f"{line}\n", end="", file=file, flush=True)
