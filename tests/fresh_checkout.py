"""A checkout of what is here, as somebody has it who has just cloned it."""

import shutil
import subprocess
from pathlib import Path

from tests.conftest import ROOT

GIT = ("git", "-c", "user.name=ann", "-c", "user.email=ann@example.org", "-C")


def fresh_checkout(folder: Path) -> str:
    """Fill a folder with the files of this checkout, changed ones as they are, as a repository; its commit."""
    folder.chmod(0o755)  # (pytest's folders are its user's alone, and containers run as another)
    listed = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)

    def git(*arguments: str) -> str:
        return subprocess.run([*GIT, str(folder), *arguments], capture_output=True, text=True, check=True).stdout

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "all of it")
    return git("rev-parse", "HEAD").strip()
