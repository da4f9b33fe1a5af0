"""The start of the model process, before it has a second thread: `python -m brinery.loading.confined`."""

import os
from pathlib import Path

from brinery.loading.confinement import confine
from brinery.loading.isolation import end_with_parent, limit_this_process


def give_up(folder: Path, parent: int | None = None) -> None:
    """Give up, for good, what a model's code may not have.

    Args:
        folder: its own, which it works in.
        parent: the id of the process that started it, which may have ended before this was called.
    """
    end_with_parent(parent)
    limit_this_process()
    os.chdir(folder)
    confine(folder)


if __name__ == "__main__":
    give_up(Path.cwd())

    from brinery.loading.servable import answer, import_ahead

    answer(import_ahead())
