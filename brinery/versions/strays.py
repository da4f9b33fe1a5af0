"""What a registry holds besides versions: objects of no version, numbers that were claimed, versions not to be read."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from brinery.errors import BrineryError, StoreError
from brinery.output.progress import progress
from brinery.versions.finding import Finding
from brinery.versions.read import read_manifest
from brinery.versions.reference import Reference, is_name, is_number
from brinery.versions.store import Store

MOST_SHOWN = 5
AT_ONCE = 8


def find_strays(store: Store) -> Iterator[Finding]:
    """For each model: its versions, those that cannot be read, strange objects, and numbers that no version has."""
    for name in filter(is_name, store.folders()):
        try:
            yield from _of_model(store, name)
        except StoreError as exc:
            yield Finding(f"{name}: versions", "bad", str(exc))
    others = [name for name in store.folders() if not is_name(name) and not name.startswith("_")]
    if others:
        yield Finding("folders", "note", f"no model can be named {shown(others)}")


def shown(names: list[str]) -> str:
    """The first few, safe for a terminal, and how many there are."""
    first = ", ".join(ascii(name)[1:-1] for name in names[:MOST_SHOWN])
    return first + (f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else "")


def _of_model(store: Store, name: str) -> Iterator[Finding]:
    paths = [path.removeprefix(f"{name}/") for path in store.files(name)]
    parts = [path.split("/") for path in paths]
    in_versions = [part for part in parts if len(part) == 3 and part[0] == "versions" and is_number(part[1])]
    published = sorted({int(number) for _, number, file in in_versions if file == "manifest.json"})
    with ThreadPoolExecutor(AT_ONCE) as pool:
        reading = [pool.submit(_files, store, name, number) for number in published]
        files = {n: read.result() for n, read in zip(published, progress(reading, f"reading {name}"), strict=True)}
    unread = [error for error in files.values() if isinstance(error, str)]
    if unread:
        yield Finding(f"{name}: versions", "bad", f"{len(unread)} cannot be read: {unread[0]}")
    elif published:
        yield Finding(f"{name}: versions", "ok", f"{len(published)}, of which each manifest can be read")
    strange = [path for path, part in zip(paths, parts, strict=True) if not _is_of_version(part, files)]
    if strange:
        yield Finding(f"{name}: strangers", "note", f"objects that are of no version: {shown(strange)}")
    claimed = {int(number) for _, number, _ in in_versions}
    if claimed - set(published):
        left = [str(number) for number in sorted(claimed - set(published))]
        yield Finding(f"{name}: numbers", "note", f"claimed and not published: {shown(left)}")


def _files(store: Store, name: str, number: int) -> set[str] | str:
    """The files of a version, or why its manifest cannot be read."""
    try:
        return {*read_manifest(store, Reference(name, number)).manifest.files, "claim.json", "manifest.json"}
    except BrineryError as exc:
        return str(exc)


def _is_of_version(part: list[str], files: dict[int, set[str] | str]) -> bool:
    """Whether a path is a version's file; of what was never published, or cannot be read, any file may be."""
    if len(part) != 3 or part[0] != "versions" or not is_number(part[1]):
        return False
    known = files.get(int(part[1]))
    return not isinstance(known, set) or part[2] in known
