"""Publishing: claim a number, write the files, check them as serving will, write the manifest last."""

import json
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from brinery.errors import ManifestInvalid, ObjectExists, StoreError
from brinery.versions.manifest import MAX_BYTES, SCHEMA_VERSION, File, Manifest, ManifestContent, digest_of, utc_text
from brinery.versions.read import Published
from brinery.versions.reference import Reference, check_name, is_number
from brinery.versions.store import Store

MAX_VERSION = 999_999

Check = Callable[[Store, Published], None]


def publish(store: Store, content: ManifestContent, files: Mapping[str, bytes], check: Check) -> Published:
    """Make a new version of `content.name` from `files`, and return it with its pinned reference.

    The version does not exist before the last write, and a crash at any point leaves at most an
    unused number. Before that write, `check` reads the stored files back and raises where they cannot be served.

    Raises:
        BrineryError: nothing was published; the message says why.
    """
    version = _claim(store, check_name(content.name))
    manifest = Manifest(
        **dict(content),
        schema_version=SCHEMA_VERSION,
        version=version,
        files={name: File.of(data) for name, data in files.items()},
    )
    stored = manifest.model_dump_json(indent=2).encode() + b"\n"
    if len(stored) > MAX_BYTES:
        raise ManifestInvalid(
            f"the manifest of {content.name} would have {len(stored)} bytes; at most {MAX_BYTES} are allowed: "
            "it holds the features with their categories"
        )
    published = Published(Reference(content.name, version, digest_of(stored)), manifest, stored)
    for name, contents in files.items():
        store.create(f"{published.reference.folder}/{name}", contents)
    check(store, published)
    store.create(f"{published.reference.folder}/manifest.json", stored)
    return published


def _claim(store: Store, name: str) -> int:
    """Take the next free number: the claim's contents are unique, so that two publishers never share one."""
    claim = json.dumps({"claimed_at": utc_text(datetime.now(UTC)), "by": secrets.token_hex(16)}).encode()
    taken = [int(folder) for folder in store.folders(f"{name}/versions") if is_number(folder)]
    version = max(taken, default=0) + 1
    while version <= MAX_VERSION:
        try:
            store.create(f"{name}/versions/{version:06d}/claim.json", claim)
        except ObjectExists:
            version += 1
        else:
            return version
    raise StoreError(f"{name} has used up its version numbers, 1 to {MAX_VERSION}")
