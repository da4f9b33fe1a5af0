"""A folder registry: what lies there besides files holds nobody up, and no odd name stops a listing."""

import os
import re
from collections.abc import Buffer, Iterator
from heapq import nsmallest
from pathlib import Path
from typing import TYPE_CHECKING

from brinery.errors import StoreError
from brinery.versions.store import Store, errors_of

if TYPE_CHECKING:
    from obstore.store import LocalStore

NAME = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]+")  # neither control characters nor bytes that are no text
BEING_WRITTEN = re.compile(r".*#\d+")  # what the library renames once it is whole


class FolderStore(Store):
    """Lists regular files by names that objects can have; links to folders are not followed."""

    def __init__(self, backend: "LocalStore", url: str) -> None:
        super().__init__(backend, url)
        self._root = Path(backend.prefix or "/")

    def fetch(self, path: str, limit: int) -> tuple[Buffer, str]:
        with errors_of(self.url, path):
            is_no_file = self._is_no_file(path)
        if is_no_file:
            raise StoreError(f"{self.url}/{path} is no file, and is not read")
        return super().fetch(path, limit)

    def holds(self, path: str) -> bool:
        with errors_of(self.url, path):
            return not self._is_no_file(path) and super().holds(path)

    def _is_no_file(self, path: str) -> bool:
        """A pipe would wait for its writer for ever, and a device may never end."""
        found = self._root / path
        return found.exists() and not found.is_file()

    def folders(self, prefix: str = "") -> list[str]:
        with errors_of(self.url, prefix):
            return self.request("list", prefix, lambda: sorted(self._folders(prefix)))

    def files(self, prefix: str) -> dict[str, int]:
        with errors_of(self.url, prefix):
            return self.request("list", prefix, lambda: dict(self._files(prefix)))

    def some(self, prefix: str, most: int, after: str | None = None) -> list[str]:
        def first() -> list[str]:
            return nsmallest(most, (path for path, _ in self._files(prefix) if after is None or path > after))

        with errors_of(self.url, prefix):
            return self.request("list", prefix, first)

    def _folders(self, prefix: str) -> Iterator[str]:
        try:
            with os.scandir(self._root / prefix) as entries:
                yield from (each.name for each in entries if each.is_dir(follow_symlinks=False) and _is_name(each.name))
        except (FileNotFoundError, NotADirectoryError):
            return

    def _files(self, prefix: str) -> Iterator[tuple[str, int]]:
        for folder, below, names in os.walk(self._root / prefix, onerror=_raise):
            below[:] = filter(_is_name, below)
            for name in filter(_is_name, names):
                path = Path(folder, name)
                if path.is_file():
                    yield path.relative_to(self._root).as_posix(), path.stat().st_size


def _raise(error: OSError) -> None:
    """A folder that may not be entered is not one that is empty."""
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error


def _is_name(name: str) -> bool:
    return NAME.fullmatch(name) is not None and not BEING_WRITTEN.fullmatch(name)
