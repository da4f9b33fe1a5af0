"""Reading what was published: every byte is checked against the pin or the manifest before it is handed on."""

import json
from collections.abc import Buffer, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

from pydantic import ValidationError

from brinery.errors import (
    ArtifactDigest,
    ArtifactMissing,
    ArtifactSize,
    DigestMismatch,
    IdentityMismatch,
    ManifestInvalid,
    ObjectMissing,
    SchemaUnknown,
    VersionMissing,
)
from brinery.versions.manifest import MAX_BYTES, SCHEMA_VERSION, Manifest
from brinery.versions.reference import Reference
from brinery.versions.store import Store


@dataclass(frozen=True)
class Published:
    """A version that was read or is about to be published: `reference` has the digest of the `stored` bytes."""

    reference: Reference
    manifest: Manifest
    stored: bytes


def read_manifest(store: Store, reference: Reference) -> Published:
    """The manifest of `reference`, checked as far as it can be by itself, with the bytes and the digest it has.

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
    stored = bytes(data)
    return Published(Reference(reference.name, reference.version, digest), parse_manifest(stored, reference), stored)


def parse_manifest(data: bytes, reference: Reference) -> Manifest:
    """Read the bytes of `reference`'s manifest, in the contract's order.

    Raises:
        ManifestInvalid: not JSON, or not a manifest.
        IdentityMismatch: it names another model or version.
        SchemaUnknown: its format is newer than this code.
    """
    try:
        raw = json.loads(data)
    except (ValueError, RecursionError) as exc:
        raise ManifestInvalid(f"the manifest of {reference} is not JSON") from exc
    if not isinstance(raw, dict):
        raise ManifestInvalid(f"the manifest of {reference} is not a JSON object")
    if (raw.get("name"), raw.get("version")) != (reference.name, reference.version):
        found = ascii(f"{raw.get('name')}:{raw.get('version')}"[:120])
        raise IdentityMismatch(f"the manifest stored for {reference.name}:{reference.version} is that of {found}")
    schema = raw.get("schema_version")
    if type(schema) is not int or schema < 1:
        raise ManifestInvalid(
            f"the manifest of {reference} has schema_version {ascii(schema)[:40]}; it must be a whole number from 1"
        )
    if schema > SCHEMA_VERSION:
        raise SchemaUnknown(
            f"{reference} was published by a newer Brinery: its manifest has schema_version {schema}, and this code "
            f"knows those up to {SCHEMA_VERSION}; use an image as new as what published it"
        )
    try:
        if schema != 1:
            return Manifest.model_validate_json(data, strict=True)
        from brinery.versions import schema_1  # of old versions, and slow to import

        return schema_1.read_as_2(data)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the manifest"
        raise ManifestInvalid(f"the manifest of {reference} is not valid: {where}: {first['msg']}") from exc


def read_file(store: Store, published: Published, name: str, timings: dict[str, float] | None = None) -> Buffer:
    """The bytes of one of a version's files, verified against the manifest.

    Raises:
        ArtifactMissing, ArtifactSize, ArtifactDigest: it is not what was published.
        StoreError: the store refused or could not be reached.
    """
    reference = published.reference
    of = f"{name} of {reference.name}:{reference.version}"
    declared = published.manifest.files[name]
    timings = {} if timings is None else timings
    with timed(timings, "fetch"):
        try:
            data, sha256 = store.fetch(f"{reference.folder}/{name}", declared.size)
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
