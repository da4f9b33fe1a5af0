"""Lineage: the commit and the libraries that a model was made with."""

import subprocess
from importlib.metadata import version
from pathlib import Path

from registry import Git
from registry.pickle_format import libraries as pickle_libraries


def libraries() -> dict[str, str]:
    """Versions of everything that takes part, as installed here."""
    others = ("scipy", "pandas", "skl2onnx", "onnxruntime")
    return {**pickle_libraries(), **{name: version(name) for name in others}}


def git_state(folder: Path, commit: str | None) -> Git:
    """The commit that `folder` is at and whether files differ from it; else `commit`, as the image was built from."""
    try:
        head = _git(folder, "rev-parse", "HEAD")
        return Git(commit=head, dirty=bool(_git(folder, "status", "--porcelain")))
    except (OSError, subprocess.SubprocessError):
        return Git(commit=commit or None, dirty=None)


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True, timeout=10
    ).stdout.strip()
