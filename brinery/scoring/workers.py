"""Workers: who works on the pieces of a run; here threads of this process, see also `cluster`."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from brinery.scoring.place import Place
from brinery.scoring.scorer import Scorer
from brinery.scoring.work import Done, Piece, Where, work

type Data = pa.Table | bytes | None


class Workers(Protocol):
    """Who works on pieces, so many `at_once`; `reads` says that they read them by themselves."""

    @property
    def at_once(self) -> int: ...

    @property
    def reads(self) -> bool: ...

    def submit(self, piece: Piece, data: Data) -> "Future[Done]": ...


MakeWorkers = Callable[[Scorer, Place, Where, int], AbstractContextManager[Workers]]


@contextmanager
def threads(scorer: Scorer, place: Place, where: Where, most_refused: int) -> Iterator[Workers]:
    """Threads of this process, one more than it has processors, since writing waits."""
    with ThreadPoolExecutor((os.process_cpu_count() or 1) + 1) as pool:
        try:
            yield _Threads(pool, scorer, place, most_refused)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


@dataclass(frozen=True)
class _Threads:
    pool: ThreadPoolExecutor
    scorer: Scorer
    place: Place
    most_refused: int
    reads: bool = False

    @property
    def at_once(self) -> int:
        return (os.process_cpu_count() or 1) + 1

    def submit(self, piece: Piece, data: Data) -> "Future[Done]":
        return self.pool.submit(work, self.scorer, self.place, piece, data, self.most_refused)
