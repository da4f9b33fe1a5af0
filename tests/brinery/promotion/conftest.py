"""The `registry` command, with one process that checks versions for all tests."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import pytest

from brinery.commands.registry import main
from brinery.loading.model_process import ModelProcess

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="session")
def serving_check() -> Iterator[ModelProcess]:
    with ModelProcess() as check:
        yield check


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], serving_check: ModelProcess) -> Run:
    """Runs a command with its arguments and collaborators: its exit code, what it prints, and its errors."""

    def run(*arguments: str, **collaborators: Any) -> tuple[int, str, str]:
        if arguments[0] in ("promote", "rollback"):
            collaborators = {"open_check": lambda: nullcontext(serving_check), **collaborators}
        try:
            code = main(arguments, **collaborators)
        except SystemExit as exc:
            code = int(str(exc.code))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run
