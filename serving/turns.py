"""Turns: large requests are answered one after the other in a thread, so that small ones need not wait for them."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from brinery.loading.model import VerifiedModel
from serving.problem import too_many
from serving.startup import use_all_cores

SMALL = 4 * 1024  # bytes of a body that are answered at once
VALUE = 32  # … or, for each feature, of its name and so many more: one row is small, however wide it is
WAITING = 32  # large requests at once, the one that has its turn among them


class Turns:
    """One thread that large requests share, begun with the first of them."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "large", use_all_cores)
        self._waiting = 0

    async def take[T](self, work: Callable[[], T]) -> T:
        """What the work returns, once its turn has come.

        Raises:
            Problem: 503, too many wait already.
        """
        if self._waiting >= WAITING:
            raise too_many()
        self._waiting += 1
        try:
            context = copy_context()  # so that what it logs and traces belongs to the request
            return await asyncio.get_running_loop().run_in_executor(self._thread, context.run, work)
        finally:
            self._waiting -= 1


def is_large(size: int, model: VerifiedModel) -> bool:
    """Whether a body of so many bytes takes long enough to answer to be given a turn."""
    return size > SMALL and size > sum(len(name) + VALUE for name in model.parser.names)
