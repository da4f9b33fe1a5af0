"""Places: where the site goes, a folder or a part of a bucket; each file appears there whole, in place of the last."""

import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import obstore

from brinery.errors import ObjectMissing, SettingInvalid, StoreError
from brinery.versions.catalog import AT_ONCE, each
from brinery.versions.profiles import open_registry
from brinery.versions.store import BUCKET, Store, errors_of

FRESH = "_fresh-"  # what is not whole yet
TYPES = {"html": "text/html; charset=utf-8", "json": "application/json"}


class Place(Protocol):
    """Where the site goes; names of files have slashes."""

    url: str

    def some(self) -> list[str]:
        """The first names of what is there, whosever it is."""
        ...

    def tidy(self) -> None:
        """Take away what a process left half-written that was killed."""
        ...

    def names(self) -> set[str]:
        """The names of all files."""
        ...

    def read(self, name: str, limit: int) -> bytes | None:
        """A file's bytes, at most so many, or None where there is none."""
        ...

    def write(self, files: Mapping[str, bytes]) -> None:
        """Put files there, each in place of the one that there may be; StoreError where that fails."""
        ...

    def remove(self, names: Collection[str]) -> None:
        """Take files away, where they are there."""
        ...


class Folder:
    """A folder of this machine. What a killed process left half-written is taken away by the next."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = str(path)
        self._made: set[Path] = set()

    def some(self) -> list[str]:
        try:
            return [name for name in sorted(os.listdir(self.path))[:1000] if not name.startswith(FRESH)]
        except FileNotFoundError:
            return []
        except OSError as exc:
            raise SettingInvalid(f"{self.url} cannot be looked into: {exc.strerror}") from exc

    def tidy(self) -> None:
        for path in self.path.rglob(f"{FRESH}*"):
            with suppress(PermissionError, ValueError):  # it is somebody else's process, or none of our files
                try:
                    os.kill(int(path.name.removeprefix(FRESH)), 0)  # only asks whether it lives
                except ProcessLookupError:
                    path.unlink(missing_ok=True)

    def names(self) -> set[str]:
        found = set()
        for folder, _, names in os.walk(self.path):
            below = os.path.relpath(folder, self.path)
            found |= {name if below == "." else f"{below}/{name}" for name in names}
        return found

    def read(self, name: str, limit: int) -> bytes | None:
        try:
            with open(self.path / name, "rb") as file:
                return file.read(limit)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as exc:
            raise StoreError(f"{self.path / name} cannot be read: {exc.strerror}") from exc

    def write(self, files: Mapping[str, bytes]) -> None:
        for name, data in files.items():
            path = self.path / name
            self._make(path.parent)
            fresh = path.with_name(f"{FRESH}{os.getpid()}")  # (in one folder, processes would wait for each other)
            try:
                fresh.unlink(missing_ok=True)  # (it could be a link)
                fresh.write_bytes(data)
                fresh.replace(path)
            except OSError as exc:
                with suppress(OSError):
                    fresh.unlink()
                raise StoreError(f"{path} cannot be written: {exc.strerror}") from exc

    def _make(self, folder: Path) -> None:
        """Make a folder; of those below the place each must be one, since a link could lead into the registry."""
        if folder in self._made:
            return
        if folder != self.path:
            self._make(folder.parent)
            if folder.is_symlink():
                raise SettingInvalid(f"{folder} is a link; the site is never written through one")
        try:
            folder.mkdir(parents=folder == self.path, exist_ok=True)
        except OSError as exc:
            raise StoreError(f"{folder} cannot be made: {exc.strerror}") from exc
        self._made.add(folder)

    def remove(self, names: Collection[str]) -> None:
        for name in names:
            with suppress(OSError):
                (self.path / name).unlink()
        for folder in sorted({(self.path / name).parent for name in names if "/" in name}, reverse=True):
            with suppress(OSError):  # others have something there
                folder.rmdir()


class Bucket:
    """A part of a bucket, whose objects are whole at once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.url = store.url

    def some(self) -> list[str]:
        return self._store.some("", 1)

    def tidy(self) -> None:
        """Nothing: objects are whole at once."""

    def names(self) -> set[str]:
        return set(self._store.files(""))

    def read(self, name: str, limit: int) -> bytes | None:
        try:
            return bytes(self._store.read(name, limit))
        except ObjectMissing:
            return None

    def write(self, files: Mapping[str, bytes]) -> None:
        each(lambda name: self._put(name, files[name]), list(files), AT_ONCE)

    def _put(self, name: str, data: bytes) -> None:
        kind = TYPES.get(name.rpartition(".")[2], "application/octet-stream")
        attributes = {"Content-Type": kind, "Cache-Control": "no-cache"}
        with errors_of(self.url, name):
            self._store.request(
                "put", name, lambda: obstore.put(self._store.backend, name, data, attributes=attributes)
            )

    def remove(self, names: Collection[str]) -> None:
        def gone(name: str) -> None:
            with suppress(ObjectMissing), errors_of(self.url, name):
                obstore.delete(self._store.backend, name)

        each(gone, list(names), AT_ONCE)


def open_place(out: str, registry: str) -> Place:
    """Where the site is to go, as the option says it: a folder, or s3://BUCKET/PREFIX.

    Raises:
        SettingInvalid: it is none, or is the registry's own.
    """
    theirs, own = urlsplit(registry), urlsplit(out)
    rule = f"--out is {ascii(out)}; it must be a folder or s3://BUCKET[/PREFIX]"
    if own.scheme == "s3":
        if theirs.scheme == "s3" and theirs.netloc == own.netloc:
            raise SettingInvalid(f"the site cannot go to {ascii(out)}, into the bucket of the registry {registry}")
        if not BUCKET.fullmatch(own.netloc):
            raise SettingInvalid(rule)
        return Bucket(open_registry(out, Path.cwd()))
    if "://" in out:
        raise SettingInvalid(rule)
    path = Path(out).resolve()
    if theirs.scheme == "file":
        root = Path(unquote(theirs.path)).resolve()
        if path == root or root in path.parents or path in root.parents:
            raise SettingInvalid(f"the site cannot go to {path}, which is in or around the registry {registry}")
    if path.exists() and not path.is_dir():
        raise SettingInvalid(f"the site cannot go to {path}, which is no folder")
    return Folder(path)
