"""Verification of a whole version: every file hashed again, the golden rows replayed in every format."""

import argparse
from dataclasses import dataclass
from typing import Any

from brinery.errors import FormatMissing, LibraryMismatch
from brinery.loading.load import ARTIFACTS, load_files
from brinery.output.progress import progress
from brinery.output.table import size_text
from brinery.versions.catalog import find_manifest
from brinery.versions.manifest import Manifest
from brinery.versions.read import read_file
from brinery.versions.reference import Reference
from brinery.versions.store import Store


@dataclass(frozen=True)
class Verified:
    """The formats whose golden rows were reproduced, and those that this environment cannot run, with why."""

    replayed: list[str]
    not_run: dict[str, str]


def verify(store: Store, manifest: Manifest, reference: Reference) -> Verified:
    """Hash all files and replay the golden rows in every format that this environment can run.

    Raises:
        IntegrityError, StoreError: a file is not what was published, or cannot be read.
        LibraryMismatch, FormatMissing: no format can be run here.
    """
    for name in progress(manifest.files, "hashing"):
        read_file(store, manifest, name)
    replayed, not_run = [], {}
    for fmt in progress([fmt for fmt, file in ARTIFACTS.items() if file in manifest.files], "replaying golden rows"):
        try:
            load_files(store, manifest, reference, format=fmt)  # type: ignore[arg-type]
            replayed.append(fmt)
        except (LibraryMismatch, FormatMissing) as exc:
            not_run[fmt] = exc
    if not replayed:
        raise next(iter(not_run.values()))
    return Verified(replayed, {fmt: str(exc) for fmt, exc in not_run.items()})


def verify_command(store: Store, arguments: argparse.Namespace) -> tuple[Any, str]:
    """`registry verify REF`."""
    asked = Reference.parse(arguments.reference)
    manifest, digest = find_manifest(store, asked)
    reference = Reference(manifest.name, manifest.version, digest)
    found = verify(store, manifest, reference)
    result = {
        "reference": str(reference),
        "pinned": asked.pinned,
        "files": {name: file.model_dump() for name, file in manifest.files.items()},
        "golden_rows_replayed": found.replayed,
        "not_run": found.not_run,
    }
    lines = [
        f"{reference} is what was published"
        if asked.pinned
        else f"{reference} is whole (no digest was given to hold it to)"
    ]
    lines += [f"  {name}: {size_text(file.size)}, sha256 as in the manifest" for name, file in manifest.files.items()]
    lines += [f"  golden rows reproduced by {fmt}" for fmt in found.replayed]
    lines += [f"  {fmt} not run: {why}" for fmt, why in found.not_run.items()]
    return result, "\n".join(lines)
