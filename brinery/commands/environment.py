"""Which environment a command is about: the environment file or the stack that its options name."""

import os
import socket
from argparse import Namespace
from collections.abc import Callable

from brinery.commands.checkout import serve_line
from brinery.promotion.env_file import EnvFile
from brinery.promotion.environment import Environment
from brinery.promotion.stack import Stack
from brinery.versions.store import Store

Connect = Callable[[Store, Namespace], Environment]


def registry_of_stack(arguments: Namespace) -> str | None:
    """The URL of the registry that the stack reads, where the command names a stack and that tells."""
    named: str | list[str] | None = getattr(arguments, "stack", None) or getattr(arguments, "stacks", None) or None
    first = named[0] if isinstance(named, list) else named
    return Stack.connect(first, os.environ).registry if first else None


def environment_of(store: Store, arguments: Namespace) -> Environment:
    """The one that the arguments name; in a registry that machines share, a file is told apart by its machine."""
    if arguments.stack:
        return Stack.connect(arguments.stack, os.environ)
    shared = store.url.startswith("s3:")
    path = arguments.env_file
    return EnvFile(path, socket.gethostname() if shared else "", serve_line(path, docker=shared))
