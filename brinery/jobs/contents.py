"""Inputs and answers of jobs: within the item up to a size, and beyond it create-only in the work bucket."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from brinery.errors import ArtifactDigest
from brinery.versions.store import Store

INLINE_BYTES = 200_000  # of the 400 kB of an item
FOLDERS = {"input": "inputs", "result": "results"}


@dataclass(frozen=True)
class Contents:
    """Bytes by their sha256, held here or stored in the work bucket under a name that has the sha256 in it."""

    sha256: str
    size: int
    held: bytes | None = None
    path: str | None = None

    @classmethod
    def of(cls, data: bytes) -> Self:
        return cls(hashlib.sha256(data).hexdigest(), len(data), held=data)

    def stored(self, kind: str, id: str, work: Store) -> "Contents":
        """The same, where it is too large for an item in the work bucket.

        Raises:
            StoreError: the bucket refused or could not be reached.
        """
        if self.held is None or self.size <= INLINE_BYTES:
            return self
        path = f"{FOLDERS[kind]}/{id}-{self.sha256}"
        work.create(path, self.held)
        return Contents(self.sha256, self.size, path=path)

    def read(self, work: Store) -> bytes:
        """The bytes, as they were.

        Raises:
            ArtifactDigest: they are others.
            StoreError: the work bucket refused or could not be reached.
        """
        data = bytes(work.read(str(self.path), self.size)) if self.held is None else self.held
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise ArtifactDigest(f"what is stored as {self.path or 'part of the item'} is not what was put there")
        return data

    def to_item(self, kind: str) -> dict[str, Any]:
        """Its attributes in an item."""
        where = {kind: {"B": self.held}} if self.held is not None else {f"{kind}_path": {"S": self.path}}
        return {f"{kind}_sha256": {"S": self.sha256}, f"{kind}_size": {"N": str(self.size)}, **where}

    @classmethod
    def from_item(cls, kind: str, item: Mapping[str, Any]) -> Self:
        """Raises: KeyError, ValueError: there are none."""
        sha256, size = item[f"{kind}_sha256"]["S"], int(item[f"{kind}_size"]["N"])
        if kind in item:
            return cls(sha256, size, held=bytes(item[kind]["B"]))
        return cls(sha256, size, path=item[f"{kind}_path"]["S"])
