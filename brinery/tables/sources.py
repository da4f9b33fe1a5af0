"""Sources: where data lie, as local files, on S3 or behind https."""

import hashlib
import os
import re
import sys
from collections.abc import Buffer, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

from brinery.errors import ArtifactSize, DataInvalid, SettingInvalid, StoreError
from brinery.tables.https import download, shown, without_secrets
from brinery.tables.table import listed
from brinery.versions.profiles import profile_credentials
from brinery.versions.store import BUCKET, Store, open_store

Load = Callable[[], tuple[Buffer, str]]
SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
RULE = "data is sklearn:NAME, a path, or an s3:// or https:// URL"


@dataclass(frozen=True)
class Source:
    """One file, or a folder's Parquet files.

    `shown` is its name without secrets. A function gives the bytes of a file and their sha256: `file` where there is
    one, else `files` by path relative to the folder, sorted.
    """

    shown: str
    file: Load | None = None
    files: Mapping[str, Load] = field(default_factory=dict)


def find_source(data: str, folder: Path) -> Source:
    """The source of that name; a relative path is one below `folder`.

    Raises:
        DataInvalid: there is nothing, or nothing that can be read.
    """
    scheme = SCHEME.match(data)
    if scheme is None:
        return _local(data, folder)
    if scheme[1] == "s3":
        return _s3(data)
    try:
        bare = without_secrets(data)
    except ValueError:
        raise DataInvalid(f"data is no URL that can be read; {RULE}") from None
    if scheme[1].lower() != "https":
        raise DataInvalid(f"{bare} is not read over {scheme[1]}; {RULE}")
    return Source(bare, partial(download, bare, data))


def _local(data: str, folder: Path) -> Source:
    path = folder / data
    try:
        if path.is_dir():
            entries = {found.relative_to(path).as_posix(): found for found in path.rglob("*") if found.is_file()}
            kept = _parquet_files(data, entries)
            return Source(data, files={name: partial(_read_local, data, entries[name]) for name in kept})
        if not path.exists():
            named = shown(data)
            raise DataInvalid(
                f"there is no {named if named.isprintable() else ascii(named)} in {folder.resolve()}; {RULE}"
            )
        if not path.is_file():
            raise DataInvalid(f"{data} is neither a file nor a folder; {RULE}")
    except OSError as exc:
        raise DataInvalid(f"{data} cannot be read: {exc.strerror}") from exc
    return Source(data, partial(_read_local, data, path))


def _read_local(where: str, path: Path) -> tuple[Buffer, str]:
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise DataInvalid(f"{where} cannot be read: {exc.strerror}") from exc
    return data, hashlib.sha256(data).hexdigest()


def _s3(url: str) -> Source:
    """The object of that key, or the Parquet files below it."""
    named = shown(url)
    bucket, _, key = url.removeprefix("s3://").partition("/")
    if named != url and BUCKET.fullmatch(bucket):
        raise DataInvalid(f"{named} is signed, and s3:// takes no query; it must be s3://BUCKET/KEY")
    if not BUCKET.fullmatch(bucket):
        raise DataInvalid(f"{named} names no bucket; it must be s3://BUCKET/KEY")
    with _errors_of_store(named):
        store = open_store(f"s3://{bucket}", credentials=profile_credentials(os.environ))
        if key and not key.endswith("/"):
            if store.holds(key):
                return Source(named, partial(_read_s3, named, store, key))
        prefix = key.rstrip("/")
        found = {path.removeprefix(prefix).lstrip("/"): path for path in store.files(prefix)}
        if not found:
            raise DataInvalid(f"{named}: there is no such object, and none below it")
        kept = _parquet_files(named, found)
    return Source(named, files={name: partial(_read_s3, named, store, found[name]) for name in kept})


def _read_s3(where: str, store: Store, path: str) -> tuple[Buffer, str]:
    with _errors_of_store(where):
        return store.fetch(path, sys.maxsize)


@contextmanager
def _errors_of_store(where: str) -> Iterator[None]:
    try:
        yield
    except (StoreError, SettingInvalid, ArtifactSize) as exc:
        raise DataInvalid(f"{where} cannot be read: {exc}") from exc


def _parquet_files(where: str, names: Collection[str]) -> list[str]:
    """The names that end in .parquet, sorted; what begins with _ or . is not data, as elsewhere."""
    refuse_logged_table(where, names)
    kept = []
    for name in sorted(names):
        *folders, file = PurePosixPath(name).parts
        if any(part.startswith(("_", ".")) for part in (*folders, file)) or not file.endswith(".parquet"):
            continue
        kept.append(name)
    if not kept:
        raise DataInvalid(f"{where} holds no file that ends in .parquet; it holds {listed(sorted(names)) or 'nothing'}")
    return kept


def refuse_logged_table(where: str, names: Collection[str]) -> None:
    """A table whose log says which of its files count: others were replaced or removed."""
    for name in names:
        *folders, file = PurePosixPath(name).parts
        for kind, found in (
            ("Delta", "_delta_log" in folders),
            ("Iceberg", "metadata" in folders and file.endswith(".metadata.json")),
            ("Hudi", ".hoodie" in folders),
        ):
            if found:
                raise DataInvalid(
                    f"{where} is a table of {kind}, as {name} tells, of which only some files count, and is not read; "
                    "write its present rows into a Parquet file or a folder of them"
                )
