"""Snapshots: under SnapStart, Lambda keeps the process as its init leaves it, and answers with copies of it later."""

from collections.abc import Mapping

from brinery.errors import BrineryError
from brinery.versions.store import open_store
from serving.loader import Loader

SNAPSHOT_SECONDS = 120.0  # of SnapStart's 130


class NotKept(Exception):
    """There is no verified model, so that no snapshot may be taken, and the version of the function must fail."""


def is_taken(environ: Mapping[str, str]) -> bool:
    """Whether what this process is after its init will be kept."""
    return environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start"


def prepare(loader: Loader, registry: str, seconds: float) -> None:
    """Leave nothing in the process that is wrong in a copy of it, which may be made hours later and a thousand times.

    Args:
        registry: its URL.
        seconds: for how long a load that fails is tried again.

    Raises:
        NotKept: there is no model; the text is ASCII and says why.
    """
    try:
        loader.require(seconds)
    except BrineryError as exc:
        reason = str(exc).replace("…", "...").encode("ascii", "backslashreplace").decode()
        raise NotKept(f"no snapshot is taken without a verified model: {type(exc).__name__}: {reason}") from exc
    loader.reopen(open_store(registry))  # which has no connections and no credentials before it is used

    import random

    from snapshot_restore_py import register_after_restore  # of Lambda's runtime client

    register_after_restore(random.seed)  # else all copies would draw the same
