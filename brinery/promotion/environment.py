"""Which environment a command is about: an environment file, or a stack."""

import argparse
import os
import socket
from pathlib import Path

from brinery.promotion.env_file import EnvFile
from brinery.promotion.stack import Stack
from brinery.versions.store import Store


def add_environment(command: argparse.ArgumentParser, *, required: bool, help: str = "") -> None:
    """Add the options that name one."""
    where = command.add_mutually_exclusive_group(required=required)
    where.add_argument(
        "--env-file", type=_path, metavar="FILE", help=f"{help}the file that compose reads, such as .env"
    )
    where.add_argument("--stack", type=_given, metavar="NAME", help=f"{help}a stack made of infra/template.yaml")


def registry_of_stack(arguments: argparse.Namespace) -> str | None:
    """The URL of the registry that the stack reads, where the command names a stack and that tells."""
    stack: str | None = getattr(arguments, "stack", None)
    return Stack(stack, os.environ).registry if stack else None


def environment_of(store: Store, arguments: argparse.Namespace) -> EnvFile | Stack:
    """The one that the arguments name; in a registry that machines share, a file is told apart by its machine."""
    if arguments.stack:
        return Stack(arguments.stack, os.environ)
    return EnvFile(arguments.env_file, socket.gethostname() if store.url.startswith("s3:") else "")


def _given(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("it is empty")
    return text


def _path(text: str) -> Path:
    return Path(_given(text))
