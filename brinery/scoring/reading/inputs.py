"""Inputs: the files that are to be scored, in their order, as a path, a folder, a prefix or a pattern names them."""

import glob
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from brinery.errors import DataInvalid, ObjectMissing, SettingInvalid, StoreError
from brinery.scoring.reading.files import InputFile, LocalFile, S3File, open_bucket
from brinery.tables.https import shown
from brinery.tables.partitions import partitions_of
from brinery.tables.sources import SCHEME, refuse_logged_table
from brinery.tables.table import listed
from brinery.versions.store import BUCKET, Store

RULE = "IN is a path, a folder or a pattern such as rows/*.parquet, or one of s3://"
ENDINGS = re.compile(r"\.(parquet|csv|tsv|txt|jsonl|ndjson|json)(\.(gz|bz2|xz|zst|zip))?$", re.IGNORECASE)


@dataclass(frozen=True)
class Input:
    """One file; `name` is its path below what was given, and `constants` the columns that its folders name."""

    name: str
    file: InputFile
    constants: Mapping[str, str | None] = field(default_factory=dict)


def find_inputs(given: str, folder: Path) -> list[Input]:
    """The files of an input, by their names; a relative path is one below `folder`.

    Of a folder or a prefix they are those that end as data do; what begins with _ or . is none.

    Raises:
        DataInvalid: there is none, or it cannot be read.
    """
    scheme = SCHEME.match(given)
    if scheme is None:
        found = _local(given, folder)
    elif scheme[1] == "s3":
        found = _s3(given)
    else:
        raise DataInvalid(f"{shown(given)} is not read over {scheme[1]}; {RULE}")
    constants = partitions_of(shown(given), list(found))
    return [Input(name, found[name], constants[name]) for name in sorted(found)]


def _local(given: str, folder: Path) -> dict[str, InputFile]:
    path = folder / given
    try:
        if path.is_dir():
            below = {each.relative_to(path).as_posix(): each for each in path.rglob("*") if each.is_file()}
            found = {name: below[name] for name in _data(given, below, whole=True)}
        elif path.is_file():
            found = {path.name: path}
        elif glob.has_magic(given):
            matched = glob.glob(given, root_dir=folder, recursive=True)
            below = {each: folder / each for each in matched if (folder / each).is_file()}
            found = {name: below[name] for name in _data(given, below, whole=False, fixed=_fixed_parts(given))}
        else:
            named = ascii(given) if not given.isprintable() else given
            raise DataInvalid(f"there is no {named} in {folder.resolve()}; {RULE}")
        return {name: LocalFile.find(name, each) for name, each in found.items()}
    except OSError as exc:
        raise DataInvalid(f"{given} cannot be read: {exc.strerror}") from exc


def _s3(url: str) -> dict[str, InputFile]:
    named = shown(url)
    bucket, _, key = url.removeprefix("s3://").partition("/")
    if named != url or not BUCKET.fullmatch(bucket):
        raise DataInvalid(f"{named} is no place on S3; it must be s3://BUCKET/KEY, with no query")
    with _errors_of_store(named):
        store = open_bucket(bucket)
        if glob.has_magic(key):
            matches = re.compile(glob.translate(key, recursive=True, seps="/")).match
            fixed = key[: re.search(r"[*?[]", key).start()]  # type: ignore[union-attr]
            there = store.tagged(fixed.rpartition("/")[0])
            if key in there:
                return {PurePosixPath(key).name: _tagged(PurePosixPath(key).name, bucket, key, *there[key])}
            kept = _data(named, [path for path in there if matches(path)], whole=False, fixed=_fixed_parts(key))
            return {path: _tagged(path, bucket, path, *there[path]) for path in kept}
        prefix = key.rstrip("/")
        below = {path.removeprefix(prefix).lstrip("/"): (path, *tag) for path, tag in store.tagged(prefix).items()}
        if not below:  # (who may list a prefix alone is not told that an object is missing)
            name = PurePosixPath(key).name
            return {name: _tagged(name, bucket, key, *_object(store, named, key))}
        return {name: _tagged(name, bucket, *below[name]) for name in _data(named, below, whole=True)}


def _object(store: Store, named: str, key: str) -> tuple[int, str | None]:
    try:
        if key and not key.endswith("/"):
            return store.tag(key)
    except ObjectMissing:
        pass
    raise DataInvalid(f"{named}: there is no such object, and none below it")


def _tagged(name: str, bucket: str, key: str, size: int, tag: str | None) -> S3File:
    if tag is None:
        raise DataInvalid(f"s3://{bucket}/{key} has no ETag, by which a change would be noticed")
    return S3File(name, bucket, key, size, tag)


@contextmanager
def _errors_of_store(where: str) -> Iterator[None]:
    try:
        yield
    except (StoreError, SettingInvalid) as exc:
        raise DataInvalid(f"{where} cannot be read: {exc}") from exc


def _fixed_parts(pattern: str) -> int:
    """How many folders a pattern names before those that it matches."""
    parts = PurePosixPath(pattern).parts
    return next(place for place, part in enumerate(parts) if glob.has_magic(part))


def _data(where: str, names: Mapping[str, object] | Sequence[str], *, whole: bool, fixed: int = 0) -> list[str]:
    """Those that are data: of a `whole` folder by their ends, and of a pattern all that matched.

    Args:
        fixed: how many folders were named and not found, whatever these begin with.
    """
    refuse_logged_table(where, list(names))
    kept = [
        name
        for name in sorted(names)
        if not any(part.startswith(("_", ".")) for part in PurePosixPath(name).parts[fixed:] if part not in ("..", "."))
        and (not whole or ENDINGS.search(name))
    ]
    if not kept:
        what = "no file that ends in .parquet, .csv or .jsonl" if whole else "no match"
        raise DataInvalid(f"{where} holds {what}; it holds {listed(sorted(names)) or 'nothing'}")
    return kept
