"""The start of the model process, before it has a second thread: `python -m brinery.loading.confined`."""

from pathlib import Path

from brinery.loading.confinement import confine
from brinery.loading.isolation import end_with_parent, limit_this_process

if __name__ == "__main__":
    end_with_parent()
    limit_this_process()
    confine(Path.cwd())

    from brinery.loading.servable import answer, import_ahead

    answer(import_ahead())
