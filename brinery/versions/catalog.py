"""The catalog: which models and versions a registry holds; where one is missing, the message lists what is there.

However much there is, few requests are made: a model's numbers come from a listing of its folders, and only the newest
are looked into.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import batched

from brinery.errors import BrineryError, PinRequired, VersionMissing
from brinery.versions.publish import next_number
from brinery.versions.read import Published, read_manifest
from brinery.versions.reference import Reference, check_name, is_name, is_number
from brinery.versions.store import Store

AT_ONCE = 32
LISTED = 20  # versions and models that a message names
UNPUBLISHED = 100  # numbers that were claimed and never published, beyond which no older version is looked for

Read = tuple[Reference, Published | BrineryError]


def numbers(store: Store, name: str) -> list[int]:
    """The numbers of `name` that were claimed, the newest first, and behind them strays that no publisher claims.

    Some may never have been published.
    """
    taken = sorted(map(int, filter(is_number, store.folders(f"{check_name(name)}/versions"))))
    beyond = next_number(taken, lambda number: store.holds(f"{Reference(name, number).folder}/manifest.json"))
    return sorted(taken, key=lambda number: (number < beyond, number), reverse=True)


def newest(store: Store, name: str, most: int | None, at_once: int = 1) -> list[Read]:
    """At most so many of the newest versions of `name`, or all, the newest first, each read, or why it cannot be."""
    claimed = numbers(store, name)
    most = len(claimed) if most is None else most
    found: list[Read] = []
    for some in batched(claimed[: most + UNPUBLISHED], max(most, 1), strict=False):
        read = each(lambda number: version_of(store, name, number), some, at_once)
        found += [one for one in read if one is not None]
        if len(found) >= most:
            break
    return found[:most]


def version_of(store: Store, name: str, number: int) -> Read | None:
    """A version, or why it cannot be read; None where there is none."""
    reference = Reference(name, number)
    try:
        return reference, read_manifest(store, reference)
    except VersionMissing:
        return None
    except BrineryError as exc:
        return reference, exc


def each[A, B](ask: Callable[[A], B], of: Sequence[A], at_once: int) -> list[B]:
    """What is answered, in order, so many questions at a time."""
    if min(at_once, len(of)) <= 1:
        return [ask(one) for one in of]
    with ThreadPoolExecutor(min(at_once, len(of))) as pool:
        return list(pool.map(ask, of))


def versions(store: Store, name: str, most: int = LISTED) -> list[int]:
    """Numbers of at most so many of the newest versions of `name`, ascending."""
    return sorted(reference.version for reference, _ in newest(store, name, most))


def models(store: Store) -> list[str]:
    """The models that have a version, sorted; other folders and claimed numbers alone make none."""
    names = list(filter(is_name, store.folders()))
    there = each(lambda name: versions(store, name, 1), names, AT_ONCE)
    return [name for name, found in zip(names, there, strict=True) if found]


def find_version(store: Store, reference: Reference) -> Published:
    """The version of a reference, pinned to the digest that it has; errors as of `read_manifest`."""
    try:
        return read_manifest(store, reference)
    except VersionMissing as exc:
        there = versions(store, reference.name)
        if not there:
            raise VersionMissing(f"there is no model {reference.name} in {store.url}{those_there(store)}") from exc
        shown = ", ".join(map(str, there))
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
    """The models that there are, for the end of a message."""
    found = models(store)
    more = f" and {len(found) - LISTED} more" if len(found) > LISTED else ""
    return f"; it has {', '.join(found[:LISTED])}{more}" if found else "; it has none yet"
