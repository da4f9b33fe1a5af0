"""The commit of a checkout is told alike with git and, as in the training image, without it."""

import subprocess
from pathlib import Path

import pytest

from brinery.assessment import lineage
from brinery.versions.manifest import Git


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=ann", "-c", "user.email=ann@example.org", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    (folder / "models").mkdir(parents=True)
    (folder / "models" / "models.json").write_text("{}")
    (folder / ".gitignore").write_text(".registry\n.env\n")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    return folder


def states(folder: Path, monkeypatch: pytest.MonkeyPatch, commit: str | None = None) -> list[Git]:
    """With git, and where it is not on the path."""
    found = [lineage.git_state(folder, commit)]
    with monkeypatch.context() as context:
        context.setenv("PATH", "")
        found.append(lineage.git_state(folder, commit))
    return found


def ignored(folder: Path) -> None:
    (folder / ".env").write_text("MODEL_VERSION=1")


def changed(folder: Path) -> None:
    (folder / "models" / "models.json").write_text("[]")


def untracked(folder: Path) -> None:
    (folder / "mine.csv").write_text("1")


def staged(folder: Path) -> None:
    changed(folder)
    git(folder, "add", ".")


def removed(folder: Path) -> None:
    (folder / "models" / "models.json").unlink()


@pytest.mark.parametrize(
    ("change", "dirty"), [(ignored, False), (changed, True), (untracked, True), (staged, True), (removed, True)]
)
def test_checkout_is_dirty_where_a_file_differs_from_its_commit(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, change: object, dirty: bool
) -> None:
    assert callable(change)
    change(checkout)
    expected = Git(commit=git(checkout, "rev-parse", "HEAD"), dirty=dirty)
    assert states(checkout, monkeypatch) == [expected, expected]


def test_commit_is_found_below_the_checkout_and_in_a_worktree(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(checkout, "worktree", "add", "-q", "../other")
    expected = Git(commit=git(checkout, "rev-parse", "HEAD"), dirty=False)
    (checkout / "models" / "empty").mkdir()
    for folder in (checkout / "models" / "empty", checkout.parent / "other"):
        assert states(folder, monkeypatch) == [expected, expected]


def test_no_checkout_and_one_without_a_commit_have_that_of_the_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "none").mkdir()
    (tmp_path / "empty").mkdir()
    git(tmp_path / "empty", "init", "-q")
    for folder in (tmp_path / "none", tmp_path / "empty"):
        assert states(folder, monkeypatch, "abc") == [Git(commit="abc", dirty=None)] * 2
