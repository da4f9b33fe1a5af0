"""The start of a command that shares its imports with its model process: `python -m brinery.loading.ahead`.

See `brinery.loading.forked`, which starts it so.
"""

import os
import shutil
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name


def main(kept: int, folder: Path, modules: str, command: str) -> int:
    """Import, fork, take back what the command knew, and run it.

    Args:
        kept: a descriptor of what it knew, which nobody has read.
        folder: of the model process.
        modules: to import, separated by commas.
        command: `module:function`.

    Returns:
        The command's exit code.
    """
    parent = os.getpid()
    try:
        from brinery.loading import forked
        from brinery.loading.confined import give_up
        from brinery.loading.servable import TOOLS, answer, import_ahead

        only = import_ahead(TOOLS)
        for module in modules.split(","):
            import_module(module)

        def run() -> None:
            give_up(folder, parent)
            only.forget()
            answer(only)

        forked.fork(run, folder)
        sys.meta_path.remove(only)
        forked.take_back(kept)
        return int(resolve_name(command)())
    except KeyboardInterrupt:
        print(f"{command.partition(':')[2]}: interrupted", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4]))
