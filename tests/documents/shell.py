"""A shell that blocks are pasted into, one after the other."""

import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

SERVED = "localhost:8080"
DONE, FAILED = "--- the command has ended ---", "--- the shell has ended ---"


class Shell:
    """Bash in a folder; the first command that fails ends it, and fails the test with all that was printed."""

    def __init__(self, folder: Path, environment: Mapping[str, str], instead: Mapping[str, str]) -> None:
        """`instead` are texts to use in the place of those that the pages have: addresses, names of images."""
        self.printed = ""
        self._pasted, self._instead = folder / ".pasted.sh", instead
        self._bash = subprocess.Popen(
            ["bash", "-e", "-o", "pipefail"],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._say(f"trap 'echo {FAILED}' EXIT\n")

    def paste(self, text: str, named: str) -> None:
        """Run commands to their end."""
        for written, used in self._instead.items():
            text = text.replace(written, used)
        self._pasted.write_text(text)
        self._say(f". {self._pasted} </dev/null\nrm {self._pasted}\necho '{DONE}'\n")
        assert self._bash.stdout is not None
        for line in self._bash.stdout:  # which a server in the background may hold open beyond the shell's end
            if line.endswith(f"{DONE}\n"):
                return
            if line.endswith(f"{FAILED}\n"):
                break
            self.printed += line
        raise AssertionError(f"{named} failed:\n{text}\nAll that was printed:\n{self.printed[-6000:]}")

    def close(self) -> None:
        """End it with all that it has started."""
        os.killpg(self._bash.pid, signal.SIGKILL)
        self._bash.communicate()

    def _say(self, text: str) -> None:
        assert self._bash.stdin is not None
        self._bash.stdin.write(text)
        self._bash.stdin.flush()
