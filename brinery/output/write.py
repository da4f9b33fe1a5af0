"""Standard output, for commands whose reader may go away before the end."""

import os
import sys


def write(command: str, text: str) -> int:
    """Write to standard output all that is to be written there; the exit code."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as exc:
        sys.stdout = open(os.devnull, "w")  # (Python would try again at its end)
        if isinstance(exc, BrokenPipeError):  # whoever read it has seen enough
            return 0
        print(f"{command}: the result cannot be written: {exc.strerror}", file=sys.stderr)
        return 1
    return 0
