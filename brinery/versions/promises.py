"""What a registry relies on, tried on the real store: creates that overwrite nothing, reads and lists after them, time.

One object is written, below `_doctor/`, and deleted where that is allowed.
"""

import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import obstore

from brinery.errors import AccessDenied, ObjectExists, StoreError
from brinery.versions.finding import Finding
from brinery.versions.store import Store, errors_of

FOLDER = "_doctor"
MOST_SECONDS_APART = 60
FIRST, SECOND = b"first", b"second"


def try_promises(store: Store, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Iterator[Finding]:
    """Each promise with how it was kept; what the caller may not do is no fault of the store."""
    now = clock()
    path = f"{FOLDER}/{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(8)}"
    try:
        store.create(path, FIRST)
    except AccessDenied:
        yield Finding("create", "unknown", "this caller may create nothing here, so that nothing else was tried")
        return
    except StoreError as exc:
        yield Finding("create", "bad", str(exc))
        return
    yield Finding("create", "ok", "an object was created")
    for check, tried in (
        ("create twice", _create_twice),
        ("read after write", _read),
        ("list after write", _list),
        ("clock", lambda store, path: _clock(store, path, now)),
        ("overwrite", _overwrite),
        ("delete", _delete),
    ):
        try:
            yield tried(store, path)
        except AccessDenied:
            yield Finding(check, "unknown", "this caller may not")
        except StoreError as exc:
            yield Finding(check, "bad", str(exc))


def _create_twice(store: Store, path: str) -> Finding:
    try:
        store.create(path, SECOND)
    except ObjectExists:
        return Finding("create twice", "ok", "the second of two creates is refused")
    return Finding("create twice", "bad", "the second of two creates won: published versions could be replaced")


def _read(store: Store, path: str) -> Finding:
    if bytes(store.read(path, 100)) == FIRST:
        return Finding("read after write", "ok", "what was created is read")
    return Finding("read after write", "bad", "something else is read than was created first")


def _list(store: Store, path: str) -> Finding:
    if path in store.files(FOLDER):
        return Finding("list after write", "ok", "what was created is listed")
    return Finding("list after write", "bad", "what was created is not listed: new versions would not be seen")


def _clock(store: Store, path: str, now: datetime) -> Finding:
    with errors_of(store.url, path):
        apart = (obstore.head(store.backend, path)["last_modified"] - now).total_seconds()
    if abs(apart) <= MOST_SECONDS_APART:
        return Finding("clock", "ok", "this machine's clock is the store's to within a minute")
    return Finding(
        "clock", "bad", f"this machine's clock is {apart:+.0f} s from the store's: times of records are wrong"
    )


def _overwrite(store: Store, path: str) -> Finding:
    try:
        with errors_of(store.url, path):
            obstore.put(store.backend, path, FIRST, mode="overwrite")
    except AccessDenied:
        return Finding("overwrite", "ok", "the store refuses this caller to overwrite")
    return Finding(
        "overwrite", "note", "this caller could overwrite: no pin is served with other bytes, but versions can be lost"
    )


def _delete(store: Store, path: str) -> Finding:
    try:
        with errors_of(store.url, path):
            obstore.delete(store.backend, path)
    except AccessDenied:
        return Finding("delete", "ok", f"the store refuses this caller to delete, so that {path} is left behind")
    return Finding("delete", "note", "this caller may delete, and what was written here is gone again")
