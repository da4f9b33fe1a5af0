"""Lineage: the commit, the libraries and the memory that a model was made with."""

import contextlib
import os
import subprocess
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from pathlib import Path
from shutil import which

from brinery.versions.manifest import Git


def libraries(modules: Iterable[str]) -> dict[str, str]:
    """Versions of everything that takes part, as installed here, in a model that refers to some top-level modules."""
    from brinery.formats.pickle import libraries as pickle_libraries  # which imports scikit-learn

    others = ("scipy", "pandas", "pyarrow", "skl2onnx", "onnxruntime")
    return {**pickle_libraries(modules), **{name: _version(name) for name in others}}


@cache
def _version(name: str) -> str:
    return metadata.version(name)


def git_state(folder: Path, commit: str | None) -> Git:
    """The commit that `folder` is at and whether files differ from it; else `commit`, as the image was built from."""
    try:
        found = _by_git(folder) if which("git") else _by_dulwich(folder)
    except (OSError, subprocess.SubprocessError):
        found = None
    return found or Git(commit=commit or None, dirty=None)


def reset_peak_memory() -> None:
    """Begin a new measurement, where the system can (Linux): one process may train several models.

    Called first before the process is closed to others, which closes this file to itself.
    """
    with contextlib.suppress(OSError):
        os.write(_peaks(), b"5")


@cache
def _peaks() -> int:
    return os.open("/proc/self/clear_refs", os.O_WRONLY)


def peak_memory() -> int | None:
    """The most memory that this process held since then, in bytes; other processes of a search not counted."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024
    return None


def _by_git(folder: Path) -> Git:
    def git(*arguments: str) -> str:
        command = ["git", "-C", str(folder), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()

    return Git(commit=git("rev-parse", "HEAD"), dirty=bool(git("status", "--porcelain")))


def _by_dulwich(folder: Path) -> Git | None:
    """The same where git is not installed, as in the training image, which has a checkout mounted."""
    from dulwich.errors import NotGitRepository
    from dulwich.porcelain import status
    from dulwich.repo import Repo

    try:
        with Repo.discover(str(folder)) as repository:
            found = status(repository, untracked_files="normal")
            return Git(
                commit=repository.head().decode(),
                dirty=any(found.staged.values()) or bool(found.unstaged or found.untracked),
            )
    except (NotGitRepository, KeyError, ValueError):  # none, one without a commit, or of another format
        return None
