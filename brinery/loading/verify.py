"""Verification of a whole version: every file hashed again, the golden rows replayed in every format."""

from dataclasses import dataclass

from brinery.errors import FormatMissing, LibraryMismatch, PinRequired
from brinery.formats.choice import FORMATS
from brinery.loading.model_process import ModelProcess
from brinery.output.progress import progress
from brinery.versions.read import Published, read_file
from brinery.versions.store import Store

UNVOUCHED = (
    "no digest from outside vouches for it, and loading it runs what it holds; give the version with its digest, or "
    "--trust-bucket"
)


@dataclass(frozen=True)
class Verified:
    """The formats whose golden rows were reproduced, and those that this environment cannot run, with why."""

    replayed: list[str]
    not_run: dict[str, str]


def verify(store: Store, published: Published, unvouched: bool = False) -> Verified:
    """Hash all files and replay the golden rows in every format that this environment can run.

    Args:
        unvouched: no digest from outside vouches for the version, so that its pickle is not loaded.

    Raises:
        IntegrityError, StoreError: a file is not what was published, or cannot be read.
        LibraryMismatch, FormatMissing: no format can be run here.
    """
    for name in progress(published.manifest.files, "hashing"):
        read_file(store, published, name)
    replayed, not_run = [], {}
    formats = [name for name in FORMATS if name in published.manifest.artifacts]
    with ModelProcess() as process:
        for name in progress(formats, "replaying golden rows"):
            try:
                if unvouched and FORMATS[name].runs_code:
                    raise PinRequired(f"{published.reference.name}:{published.reference.version}: {UNVOUCHED}")
                process.replay(store, published, name)
                replayed.append(name)
            except (LibraryMismatch, FormatMissing, PinRequired) as exc:
                not_run[name] = exc
    if not replayed:
        raise next(iter(not_run.values()))
    return Verified(replayed, {name: str(exc) for name, exc in not_run.items()})
