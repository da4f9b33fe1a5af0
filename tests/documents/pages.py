"""The command blocks of README and docs, and who can run them.

A comment before a block says what it needs; a block without one is run with nothing but Python and uv:
`<!-- docker -->`, `<!-- account -->` of AWS or another service, `<!-- elsewhere: … -->` where it is run in another way.
"""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

LINKED = re.findall(r"\]\((docs/\w+\.md|infra/README\.md)\)", Path(ROOT, "README.md").read_text())
PAGES = ("README.md", *dict.fromkeys(LINKED))  # in the order in which README names them
BLOCK = re.compile(r"^(?:<!-- (\w+)(?:: [^\n]*)? -->\n)?```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NEEDS = ("docker", "account", "elsewhere")
PINNED = re.compile(r"\b([a-z][a-z0-9-]*):([0-9]+)@sha256:…")
BY_HAND = re.compile(r"\bMODEL_NAME=(\S+) MODEL_VERSION=([0-9]+)@sha256:…")
PRINTED = re.compile(r"\b([a-z][a-z0-9-]*):([0-9]+)@(sha256:[0-9a-f]{64})")


@dataclass(frozen=True)
class Block:
    """A block of commands, as it stands in a page."""

    page: str
    line: int
    needs: str | None
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def statements(self) -> Iterator[str]:
        """The commands, one by one, each as many lines as it takes to be whole."""
        lines = ""
        for line in self.text.splitlines(keepends=True):
            lines += line
            if lines.strip() and is_bash(lines):
                yield lines
                lines = ""
        assert not lines.strip(), f"{self}: {lines} is no whole command"

    def filled(self, statement: str, printed: str) -> str:
        """A command with the digests in the place of `sha256:…`, each as it was printed for its version."""
        digests = {(match[1], match[2]): match[3] for match in PRINTED.finditer(printed)}
        text = PINNED.sub(lambda match: f"{match[1]}:{match[2]}@{self._digest(digests, match)}", statement)
        return BY_HAND.sub(
            lambda match: f"MODEL_NAME={match[1]} MODEL_VERSION={match[2]}@{self._digest(digests, match)}", text
        )

    def _digest(self, digests: dict[tuple[str, str], str], match: re.Match[str]) -> str:
        assert (match[1], match[2]) in digests, f"{self}: no digest of {match[1]}:{match[2]} was printed before"
        return digests[match[1], match[2]]


def is_bash(text: str) -> bool:
    """Whether that is whole for bash; a line that goes on is not."""
    if text.endswith("\\\n"):
        return False
    ran = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True)
    return ran.returncode == 0 and not ran.stderr  # of an open here-document it only warns


def blocks(page: str) -> list[Block]:
    """All command blocks of a page, in their order."""
    text = Path(ROOT, page).read_text()
    return [Block(page, text.count("\n", 0, match.start(2)), match[1], match[2]) for match in BLOCK.finditer(text)]
