"""What makes a cold start quick: work that imports would do and no answer needs is left undone."""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager


def begin() -> None:
    """Call before anything is imported: no collector, and no search of all packages for pydantic's plugins."""
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    gc.disable()


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
