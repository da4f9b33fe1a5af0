"""Clusters: the pieces of a run as tasks of Dask, whose workers load and verify the version by themselves."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, cast
from uuid import uuid4

from brinery.errors import BrineryError, SettingInvalid, words_of
from brinery.scoring.place import Place
from brinery.scoring.scorer import Scorer
from brinery.scoring.work import Done, Piece, Where, work_alone

CONNECT_SECONDS = 30


def cluster(
    address: str, seconds: float = CONNECT_SECONDS
) -> Callable[[Scorer, Place, Where, int], AbstractContextManager["DaskWorkers"]]:
    """The workers of a scheduler, such as `tcp://host:8786`; one that dies gives its pieces to the others.

    Args:
        seconds: how long a scheduler is waited for, and for how long the first worker.
    """

    @contextmanager
    def workers(scorer: Scorer, place: Place, where: Where, most_refused: int) -> Iterator[DaskWorkers]:
        with _client(address, seconds) as client:
            yield DaskWorkers(client, address, where, most_refused)

    return workers


@dataclass(frozen=True)
class DaskWorkers:
    """See `Workers`; an error of the cluster itself is told as one of the library."""

    client: Any
    address: str
    where: Where
    most_refused: int
    reads: bool = True

    @property
    def at_once(self) -> int:
        """Two for each thread that the cluster has now, so that none waits for the next."""
        return max(2, 2 * sum(map(int, self.client.nthreads().values())))

    def submit(self, piece: Piece, data: object) -> "Future[Done]":
        key = f"score-{uuid4().hex}-{piece.number:06d}"
        task = self.client.submit(work_alone, self.where, piece, self.most_refused, pure=False, key=key)
        return cast("Future[Done]", _Task(task, f"the cluster at {self.address} cannot score piece {piece.number}"))


@dataclass(frozen=True)
class _Task:
    task: Any
    failed: str

    def result(self) -> Done:
        try:
            return cast(Done, self.task.result())
        except BrineryError:
            raise
        except Exception as exc:  # of whatever kind a worker, its death or the connection gives
            raise SettingInvalid(f"{self.failed}: {type(exc).__name__}: {words_of(exc)}") from exc


@contextmanager
def _client(address: str, seconds: float) -> Iterator[Any]:
    try:
        from distributed import Client  # half a second, needed only here
    except ImportError as exc:
        raise SettingInvalid("distributed is not installed here; --dask needs it: brinery[dask]") from exc
    try:
        client = Client(address, timeout=seconds, set_as_default=False)
    except (OSError, ValueError, TypeError) as exc:
        raise SettingInvalid(f"--dask is {address!r}, and no scheduler answers there: {exc}") from exc
    with client:
        try:
            client.wait_for_workers(1, timeout=seconds)
        except TimeoutError as exc:
            raise SettingInvalid(f"--dask is {address!r}, whose scheduler has no worker; start one") from exc
        yield client
