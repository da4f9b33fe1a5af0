"""The `train` command in this process, and its check before publishing."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from brinery.loading.model_process import ModelProcess
from tests.models_file import write
from training.__main__ import main

Train = Callable[..., tuple[int, str, str]]


@pytest.fixture
def serving_check() -> Iterator[ModelProcess]:
    with ModelProcess() as check:
        yield check


@pytest.fixture
def train(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Train:
    """What trains the models of an object: its exit code, and what it wrote to stdout and to stderr."""

    def run(models: Any, *arguments: str) -> tuple[int, str, str]:
        code = main(["--models", str(write(tmp_path, models)), *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run
