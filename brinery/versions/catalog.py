"""Versions by reference; where there is none, the message lists what is there."""

from brinery.errors import VersionMissing
from brinery.versions.manifest import Manifest
from brinery.versions.publish import models, versions
from brinery.versions.read import read_manifest
from brinery.versions.reference import Reference
from brinery.versions.store import Store


def find_manifest(store: Store, reference: Reference) -> tuple[Manifest, str]:
    """The manifest of a reference; where there is none, the message lists what is there."""
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


def those_there(store: Store) -> str:
    found = models(store)
    return f"; it has {', '.join(found)}" if found else "; it has none yet"
