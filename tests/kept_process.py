"""A process for models' code that is used again by what would start one and stop it, as a start takes seconds."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from brinery.loading.model_process import ModelProcess

_start, _stop = ModelProcess.__init__, ModelProcess.__exit__


@contextmanager
def kept() -> Iterator[None]:
    """What is started meanwhile takes over what ended well before it, and leaves it to the next."""
    waiting: list[ModelProcess] = []

    def start(self: ModelProcess, *args: Any, **options: Any) -> None:
        while waiting and not (args or options):
            last = waiting.pop()
            if last._process.poll() is None:
                self.__dict__.update(last.__dict__)
                return
            _stop(last)
        _start(self, *args, **options)

    def stop(self: ModelProcess, kind: type[BaseException] | None, *exc: object) -> None:
        if waiting or (kind is not None and not issubclass(kind, Exception)):
            _stop(self)
        else:
            waiting.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ModelProcess, "__init__", start)
        patch.setattr(ModelProcess, "__exit__", stop)
        yield
    for last in waiting:
        _stop(last)


def started_anew(patch: pytest.MonkeyPatch) -> None:
    """Each has one of its own again, for tests of the process itself."""
    patch.setattr(ModelProcess, "__init__", _start)
    patch.setattr(ModelProcess, "__exit__", _stop)
