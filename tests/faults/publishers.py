"""Publishers in processes of their own, some of which are killed on the way."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.context import ForkServerContext
from typing import Any

from brinery.versions.store import Store, open_store
from tests.examples import publish_files, tiny

CALLS = ("folders", "create", "fetch")


def processes() -> ForkServerContext:
    """Processes that start with the imports done, and with nothing else of their parent's."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


class DyingStore(Store):
    """A store whose process is killed just before or just after its n-th call."""

    def __init__(self, store: Store, number: int, when: str) -> None:
        super().__init__(store.backend, store.url)
        self._left = number
        self._when = when

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        return self._dying(found) if name in CALLS else found

    def _dying(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **named: Any) -> Any:
            self._left -= 1
            if self._left == 0 and self._when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            result = call(*arguments, **named)
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return counted


def publish_and_die(url: str, environment: dict[str, str], number: int, when: str) -> None:
    os.environ.update(environment)
    publish_files(DyingStore(open_store(url), number, when), *tiny())


def publish_many(url: str, environment: dict[str, str], rounds: int, start: Any, results: Any) -> None:
    """Publish `rounds` times, all publishers beginning each round together; report the references or the error."""
    os.environ.update(environment)
    store, model = open_store(url), tiny()
    try:
        for _ in range(rounds):
            start.wait(timeout=120)
            results.put(str(publish_files(store, *model)))
    except Exception as exc:
        start.abort()
        results.put(f"error: {type(exc).__name__}: {exc}")
