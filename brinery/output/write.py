"""What commands say: on standard output, whose reader may go away before the end, and on standard error.

What comes from a registry or from data may hold any character; none of them reaches a terminal as an order to it.
"""

import os
import sys


def write(command: str, text: str) -> int:
    """Write to standard output all that is to be written there; the exit code."""
    try:
        sys.stdout.write(visible_lines(text))
        sys.stdout.flush()
    except OSError as exc:
        sys.stdout = open(os.devnull, "w")  # (Python would try again at its end)
        if isinstance(exc, BrokenPipeError):  # whoever read it has seen enough
            return 0
        print(f"{command}: the result cannot be written: {exc.strerror}", file=sys.stderr)
        return 1
    return 0


def say(text: str) -> None:
    """Write a line or several to standard error."""
    print(visible_lines(text), file=sys.stderr, flush=True)


def visible(text: str) -> str:
    """A text whose characters can all be seen: control characters and those that turn the direction are spelled out."""
    return text if text.isprintable() else "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def visible_lines(text: str) -> str:
    """Lines, each of them visible."""
    return "\n".join(map(visible, text.split("\n")))
