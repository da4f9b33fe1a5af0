"""Verification of a whole version: every file hashed again, the golden rows replayed in every format."""

from dataclasses import dataclass

from brinery.errors import FormatMissing, LibraryMismatch
from brinery.formats.choice import FORMATS
from brinery.loading.load import load_files
from brinery.output.progress import progress
from brinery.versions.read import Published, read_file
from brinery.versions.store import Store


@dataclass(frozen=True)
class Verified:
    """The formats whose golden rows were reproduced, and those that this environment cannot run, with why."""

    replayed: list[str]
    not_run: dict[str, str]


def verify(store: Store, published: Published) -> Verified:
    """Hash all files and replay the golden rows in every format that this environment can run.

    Raises:
        IntegrityError, StoreError: a file is not what was published, or cannot be read.
        LibraryMismatch, FormatMissing: no format can be run here.
    """
    for name in progress(published.manifest.files, "hashing"):
        read_file(store, published, name)
    replayed, not_run = [], {}
    for name in progress([name for name in FORMATS if name in published.manifest.artifacts], "replaying golden rows"):
        try:
            load_files(store, published, format=name)
            replayed.append(name)
        except (LibraryMismatch, FormatMissing) as exc:
            not_run[name] = exc
    if not replayed:
        raise next(iter(not_run.values()))
    return Verified(replayed, {name: str(exc) for name, exc in not_run.items()})
