"""A command that has a model process load stored versions: `python -m tests.brinery.loading.asking WAY URL VERSION …`.

With `ahead` as WAY it starts again, as `brinery.loading.forked` says, and the process is forked; else it is `alone`.
"""

import sys

from brinery.loading import forked
from brinery.loading.model_process import ModelProcess
from brinery.versions.catalog import find_version
from brinery.versions.reference import Reference
from brinery.versions.store import open_store


def main() -> int:
    """Say of each version what keeps it from being served."""
    way, url, *numbers = sys.argv[1:]
    if way == "ahead":
        forked.start_again("tests.brinery.loading.asking:main", ["sklearn.pipeline"])
    store = open_store(url)
    with ModelProcess() as process:
        print("forked" if isinstance(process._process, forked.Forked) else "spawned")
        for number in numbers:
            print(process(store, find_version(store, Reference("tiny", int(number)))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
