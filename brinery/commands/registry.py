"""The `registry` command. Nothing that takes long to import is imported before the arguments are read."""

import io
import json
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from brinery.errors import BrineryError, PinRequired
from brinery.output.write import say, write

if TYPE_CHECKING:
    from argparse import Namespace

    from brinery.versions.store import Store


def main(argv: Sequence[str] | None = None, **collaborators: Any) -> int:
    """Run one subcommand, and return the exit code.

    Args:
        collaborators: given to the subcommand's `run`, in place of what it makes by itself.

    Raises:
        SystemExit: help was asked for, with code 0, or the arguments are wrong, with code 2.
    """
    try:
        return _run(argv, collaborators)
    except KeyboardInterrupt:
        print("registry: interrupted; `registry log` tells what was recorded before", file=sys.stderr)
        return 1


def _run(argv: Sequence[str] | None, collaborators: dict[str, Any]) -> int:
    # Whatever is imported from here on, a Ctrl-C meanwhile is `main`'s.
    from brinery.commands.parser import make_parser

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # where the terminal's encoding lacks a character
    try:
        arguments = make_parser().parse_args(argv)
    except SystemExit as exc:
        raise SystemExit(write("registry", "") or exc.code) from None
    try:
        store = _open(arguments)
        command = import_module(f"brinery.commands.{arguments.command}")
        result, text = command.run(store, arguments, **collaborators)
    except BrineryError as exc:
        say(f"registry: {exc}")
        return 2 if isinstance(exc, PinRequired) else 1
    code = write("registry", f"{json.dumps(result, indent=2) if arguments.json else text}\n")
    return code or (command.exit_code(result) if hasattr(command, "exit_code") else 0)


def _open(arguments: "Namespace") -> "Store":
    from pathlib import Path

    from brinery.commands.environment import registry_of_stack
    from brinery.versions.profiles import open_registry

    configured = arguments.registry or os.environ.get("MODEL_REGISTRY") or registry_of_stack(arguments)
    return open_registry(configured, Path.cwd(), create=arguments.command == "publish")


if __name__ == "__main__":
    sys.exit(main())
