"""Publishing: claim a number, write the files, check them as serving will, write the manifest last."""

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from brinery.errors import ManifestInvalid, ObjectExists, StoreError
from brinery.versions.manifest import MAX_BYTES, SCHEMA_VERSION, File, Manifest, ManifestContent, digest_of, utc_text
from brinery.versions.read import Published
from brinery.versions.reference import Reference, check_name, is_number
from brinery.versions.store import Store

MAX_VERSION = 999_999
MOST_MISSING = 10_000  # numbers below the last version that have no folder
MOST_ASKED = 20

Check = Callable[[Store, Published], None]


def publish(
    store: Store,
    content: ManifestContent,
    files: Mapping[str, bytes],
    check: Check,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    nonce: Callable[[], str] = lambda: secrets.token_hex(16),
    numbered: Callable[[Reference], Mapping[str, bytes]] = lambda reference: {},
) -> Published:
    """Make a new version of `content.name` from `files`, and return it with its pinned reference.

    The version does not exist before the last write, and a crash at any point leaves at most an
    unused number. Before that write, `check` reads the stored files back and raises where they cannot be served.

    Args:
        nonce: makes a text that no other publisher has, for the claim of a number.
        numbered: makes the files that name their version, from its reference, which has no digest yet. The number is
            claimed by then, so that it should be quick.

    Raises:
        BrineryError: nothing was published; the message says why.
    """
    version = _claim(store, check_name(content.name), clock(), nonce())
    files = {**files, **numbered(Reference(content.name, version))}
    manifest = Manifest(
        **dict(content),
        schema_version=SCHEMA_VERSION,
        version=version,
        files={name: File.of(data) for name, data in files.items()},
    )
    stored = manifest.model_dump_json(indent=2).encode() + b"\n"
    if len(stored) > MAX_BYTES:
        stored = _short(manifest)
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


def _short(manifest: Manifest) -> bytes:
    """A manifest of thousands of features: without blanks, and of them without what is as by default."""
    features = [feature.model_dump(mode="json", exclude_defaults=True) for feature in manifest.features]
    whole = {**manifest.model_dump(mode="json"), "features": features}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def next_number(taken: Sequence[int], is_published: Callable[[int], bool]) -> int:
    """The number after the last version, and after the claims directly above it.

    A gap is passed where the number beyond it is published, as after versions that were deleted; a claim beyond one is
    a stray, and so is all that is too far away: it takes no number but its own.

    Args:
        taken: the numbers that have a folder, ascending.
        is_published: whether a number has a manifest; asked of at most `MOST_ASKED` numbers.
    """
    last, missing, asked = 0, 0, 0
    for number in taken:
        gap = number - last - 1
        if gap and (missing + gap > MOST_MISSING or asked == MOST_ASKED):
            break
        if gap:
            asked += 1
            if not is_published(number):
                continue
        last, missing = number, missing + gap
    return last + 1


def _claim(store: Store, name: str, now: datetime, nonce: str) -> int:
    """Take the next free number: the claim's contents are unique, so that two publishers never share one."""
    claim = json.dumps({"claimed_at": utc_text(now), "by": nonce}).encode()
    taken = [int(folder) for folder in store.folders(f"{name}/versions") if is_number(folder)]
    first = next_number(taken, lambda number: store.holds(f"{Reference(name, number).folder}/manifest.json"))
    others = set(taken)
    for version in range(first, MAX_VERSION + 1):
        if version in others:
            continue
        with suppress(ObjectExists):
            store.create(f"{Reference(name, version).folder}/claim.json", claim)
            return version
    raise StoreError(f"{name} has used up its version numbers, 1 to {MAX_VERSION}")
