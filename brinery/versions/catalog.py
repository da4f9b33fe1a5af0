"""The catalog: which models and versions a registry holds; where one is missing, the message lists what is there."""

from brinery.errors import PinRequired, VersionMissing
from brinery.versions.read import Published, read_manifest
from brinery.versions.reference import Reference, check_name, is_name, is_number
from brinery.versions.store import Store


def versions(store: Store, name: str) -> list[int]:
    """Numbers of the versions of `name` that exist, ascending."""
    found = (path.split("/") for path in store.files(f"{check_name(name)}/versions"))
    return sorted(int(parts[-2]) for parts in found if parts[-1] == "manifest.json" and is_number(parts[-2]))


def contents(store: Store) -> dict[str, list[int]]:
    """The versions of each model, sorted by name; other folders and claimed numbers alone make no model."""
    found = {name: versions(store, name) for name in store.folders() if is_name(name)}
    return {name: there for name, there in found.items() if there}


def find_version(store: Store, reference: Reference) -> Published:
    """The version of a reference, pinned to the digest that it has; errors as of `read_manifest`."""
    try:
        return read_manifest(store, reference)
    except VersionMissing as exc:
        there = versions(store, reference.name)
        if not there:
            raise VersionMissing(f"there is no model {reference.name} in {store.url}{those_there(store)}") from exc
        shown = ", ".join(map(str, there[-20:]))
        raise VersionMissing(
            f"{reference.name} has no version {reference.version} in {store.url}; it has {shown}"
        ) from exc


def vouched_version(store: Store, reference: Reference, *, trust_bucket: bool = False) -> Published:
    """The version of a reference that has its digest, which then comes from outside the bucket.

    Args:
        trust_bucket: take the digest that the bucket offers where the reference has none.

    Raises:
        PinRequired: the reference has no digest; the message tells what the bucket offers. Others as of `find_version`.
    """
    published = find_version(store, reference)
    if reference.pinned or trust_bucket:
        return published
    raise PinRequired(
        f"{reference} has no digest, and nothing outside the bucket vouches for what it offers, {published.reference}; "
        "give that if it is what was printed when it was published, or --trust-bucket (trust_bucket=True in Python)"
    )


def those_there(store: Store) -> str:
    found = contents(store)
    return f"; it has {', '.join(found)}" if found else "; it has none yet"
