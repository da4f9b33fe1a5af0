"""Reading what was published: every byte is checked against the pin or the manifest before it is handed on."""

from collections.abc import Buffer, Iterator
from contextlib import contextmanager
from time import perf_counter

from brinery.errors import (
    ArtifactDigest,
    ArtifactMissing,
    ArtifactSize,
    DigestMismatch,
    ObjectMissing,
    VersionMissing,
)
from brinery.versions.manifest import MAX_BYTES, FileName, Manifest, parse_manifest
from brinery.versions.reference import Reference
from brinery.versions.store import Store


def read_manifest(store: Store, reference: Reference) -> tuple[Manifest, str]:
    """The manifest of `reference` and its digest, checked as far as it can be by itself.

    Raises:
        VersionMissing: there is no such version.
        DigestMismatch, IdentityMismatch, SchemaUnknown, ManifestInvalid: see `brinery.errors`.
        StoreError: the store refused or could not be reached.
    """
    try:
        data, digest = store.fetch(f"{reference.folder}/manifest.json", MAX_BYTES)
    except ObjectMissing as exc:
        raise VersionMissing(f"{reference.name}:{reference.version} is not in the registry: {exc}") from exc
    if reference.pinned and digest != reference.digest:
        raise DigestMismatch(
            f"the manifest stored for {reference} has digest sha256:{digest}: it is not the pinned one"
        )
    return parse_manifest(bytes(data), reference), digest


def read_file(store: Store, manifest: Manifest, name: FileName, timings: dict[str, float] | None = None) -> Buffer:
    """The bytes of one of a version's files, verified against the manifest.

    Raises:
        ArtifactMissing, ArtifactSize, ArtifactDigest: it is not what was published.
        StoreError: the store refused or could not be reached.
    """
    of = f"{name} of {manifest.name}:{manifest.version}"
    declared = manifest.files[name]
    timings = {} if timings is None else timings
    with timed(timings, "fetch"):
        try:
            path = f"{Reference(manifest.name, manifest.version).folder}/{name}"
            data, sha256 = store.fetch(path, declared.size)
        except ObjectMissing as exc:
            raise ArtifactMissing(f"{of} is missing: {exc}") from exc
    with timed(timings, "verify"):
        size = memoryview(data).nbytes
        if size != declared.size:
            raise ArtifactSize(f"{of} has {size} bytes; the manifest says {declared.size}")
        if sha256 != declared.sha256:
            raise ArtifactDigest(f"{of} does not have the sha256 that the manifest gives: its contents were changed")
    return data


@contextmanager
def timed(timings: dict[str, float], step: str) -> Iterator[None]:
    """Add the seconds that the block takes to those of the step."""
    started = perf_counter()
    yield
    timings[step] = timings.get(step, 0.0) + perf_counter() - started
