"""Publishing: claim a number, write the files, check them as serving will, write the manifest last."""

import json
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from brinery.errors import ManifestInvalid, ObjectExists, StoreError
from brinery.loading.load import ARTIFACTS, load_files
from brinery.versions.manifest import MAX_BYTES, File, FileName, Manifest, ManifestContent, digest_of, utc_text
from brinery.versions.reference import Reference, check_name, is_name
from brinery.versions.store import Store

MAX_VERSION = 999_999


Check = Callable[[Store, Manifest, Reference], None]


def load_every_format(store: Store, manifest: Manifest, reference: Reference) -> None:
    """Load the stored files in every format that the version has, here."""
    for fmt, name in ARTIFACTS.items():
        if name in manifest.files:
            load_files(store, manifest, reference, format=fmt)  # type: ignore[arg-type]


def publish(
    store: Store, content: ManifestContent, files: Mapping[FileName, bytes], check: Check = load_every_format
) -> Reference:
    """Make a new version of `content.name` from `files`, and return its pinned reference.

    The version does not exist before the last write, and a crash at any point leaves at most an
    unused number. Before that write, `check` reads the stored files back and raises where they cannot be served.

    Raises:
        RegistryError: nothing was published; the message says why.
    """
    version = _claim(store, check_name(content.name))
    manifest = Manifest(**dict(content), version=version, files={name: File.of(data) for name, data in files.items()})
    data = manifest.to_bytes()
    if len(data) > MAX_BYTES:
        raise ManifestInvalid(
            f"the manifest of {content.name} would have {len(data)} bytes; at most {MAX_BYTES} are allowed: "
            "it holds the features with their categories"
        )
    reference = Reference(content.name, version, digest_of(data))
    for name, contents in files.items():
        store.create(f"{reference.folder}/{name}", contents)
    check(store, manifest, reference)
    store.create(f"{reference.folder}/manifest.json", data)
    return reference


def versions(store: Store, name: str) -> list[int]:
    """Numbers of the versions of `name` that exist, ascending."""
    found = (path.split("/") for path in store.files(f"{check_name(name)}/versions"))
    return sorted(int(parts[-2]) for parts in found if parts[-1] == "manifest.json" and _is_number(parts[-2]))


def models(store: Store) -> list[str]:
    """Names of the models in the registry, sorted; other folders and claimed numbers alone make no model."""
    return [name for name in store.folders() if is_name(name) and versions(store, name)]


def _claim(store: Store, name: str) -> int:
    """Take the next free number: the claim's contents are unique, so that two publishers never share one."""
    claim = json.dumps({"claimed_at": utc_text(datetime.now(UTC)), "by": secrets.token_hex(16)}).encode()
    taken = [int(folder) for folder in store.folders(f"{name}/versions") if _is_number(folder)]
    version = max(taken, default=0) + 1
    while version <= MAX_VERSION:
        try:
            store.create(f"{name}/versions/{version:06d}/claim.json", claim)
        except ObjectExists:
            version += 1
        else:
            return version
    raise StoreError(f"{name} has used up its version numbers, 1 to {MAX_VERSION}")


def _is_number(folder: str) -> bool:
    return len(folder) == 6 and folder.isascii() and folder.isdigit()
