"""What makes a cold start quick: work that imports would do and no answer needs is left undone."""

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from serving.later import import_stats_later

BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS")  # OpenBLAS asks them in this order
_one_thread = False


def begin() -> None:
    """Call before anything is imported: no collector, no search of all packages for pydantic's plugins, no
    `scipy.stats` before it is used, and no threads of numpy's OpenBLAS, which would begin to spin on all cores, unless
    the environment says how many."""
    global _one_thread
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    _one_thread = not any(name in os.environ for name in BLAS_THREADS)
    if _one_thread:
        os.environ[BLAS_THREADS[0]] = "1"
    import_stats_later()
    gc.disable()


def use_all_cores() -> None:
    """Call before many rows are answered: OpenBLAS may have its threads now, where scikit-learn is what answers."""
    if _one_thread and "threadpoolctl" in sys.modules:
        from threadpoolctl import threadpool_limits

        threadpool_limits(os.process_cpu_count(), user_api="blas")


@contextmanager
def deferred_models() -> Iterator[None]:
    """Build pydantic models that are imported meanwhile when they are first used: FastAPI's of OpenAPI never are."""
    from pydantic import BaseModel

    BaseModel.model_config["defer_build"] = True
    try:
        yield
    finally:
        del BaseModel.model_config["defer_build"]


def finish() -> None:
    """Call once everything is loaded, which the collector then need not look at again."""
    gc.freeze()
    gc.enable()
