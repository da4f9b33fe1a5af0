"""Where the many fits of a search or of cross-validation run: processes of this machine, or a Dask cluster."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import joblib
import sklearn

from brinery.loading.isolation import end_with_parent
from training.errors import ClusterUnusable

CONNECT_SECONDS = 10


def many_processes() -> Any:
    """A context in which joblib's fits run in processes of this machine, none of which outlives this one."""
    return joblib.parallel_config(backend="loky", initializer=end_with_parent)


@contextmanager
def connect(address: str, seconds: float = CONNECT_SECONDS) -> Iterator[Callable[[], Any]]:
    """Connect to a scheduler, such as `tcp://host:8786`; gives a context in which joblib's fits run there.

    A worker that dies gives its fits to the others.

    Args:
        seconds: how long a scheduler and its workers are waited for.

    Raises:
        ClusterUnusable: there is no scheduler, no worker, or one with another scikit-learn.
    """
    from distributed import Client  # half a second, needed only here

    class Keeping(Client):  # type: ignore[misc]
        """Holds rows as a task that gives them: scattered ones are lost with their worker, a task is run again."""

        def scatter(self, data: Any, *_: Any, **__: Any) -> Any:
            async def hold() -> Any:
                return self.submit(lambda: data, pure=False)

            return hold()

        def start(self, **kwargs: Any) -> None:
            try:
                super().start(**kwargs)
            except BaseException:
                self.close()  # the garbage collector would, in any thread, and hang
                raise

    try:
        client = Keeping(address, timeout=seconds, set_as_default=False)
    except (OSError, ValueError, TypeError) as exc:
        raise ClusterUnusable(f"--dask is {address!r}, and no scheduler answers there: {exc}") from exc
    with client:
        _check_workers(address, client)
        yield lambda: joblib.parallel_config(backend=_backend(client, seconds))


def _backend(client: Any, seconds: float) -> Any:
    """joblib's, but for one thing: what a fit itself runs in parallel stays on its worker."""
    from joblib._dask import DaskDistributedBackend

    def fit_each(tasks: Any) -> list[Any]:  # within a function, so that workers need not have this project
        with joblib.parallel_config(backend="sequential"):
            return [function(*arguments, **options) for function, arguments, options in tasks]

    class Backend(DaskDistributedBackend):  # type: ignore[misc]
        async def _to_func_args(self, func: Any) -> tuple[Any, Any]:
            _, tasks = await super()._to_func_args(func)
            return fit_each, tasks

    return Backend(client=client, wait_for_workers_timeout=seconds)


def _check_workers(address: str, client: Any) -> None:
    versions = client.run(_scikit_learn)
    if not versions:
        raise ClusterUnusable(f"--dask is {address!r}, whose scheduler has no worker yet; start one")
    for worker, version in versions.items():
        if version != sklearn.__version__:
            raise ClusterUnusable(
                f"--dask is {address!r}, whose worker {worker} has scikit-learn {version or 'not installed'}; "
                f"{sklearn.__version__} is needed"
            )


def _scikit_learn() -> str:
    try:
        import sklearn
    except ImportError:
        return ""
    return str(sklearn.__version__)
