"""The place of a run: what lies where its parts go, each written once and none ever written over.

_run.json             what the run is; written first, so that no other run begins there
part-000007.parquet   a piece's answers
refused-000007.jsonl  the rows of the piece that have none, where there are such
_pieces/000007.json   written after both: the piece is done
_manifest.json        written last: the run is done
"""

import hashlib
import json
import re
from collections.abc import Buffer, Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import batched
from typing import Any

import pyarrow as pa

from brinery.errors import ObjectExists, RunConflict, StoreError
from brinery.scoring.counts import Counts
from brinery.scoring.outputs import Output
from brinery.tasks.task import AnyTask
from brinery.versions.store import Store

RUN, MANIFEST, PIECES = "_run.json", "_manifest.json", "_pieces"
MAX_JSON = 1024 * 1024 * 1024
AT_ONCE = 32
OURS = re.compile(rf"(part|refused)-[0-9]{{6,}}\.\w+|{MANIFEST}")
OF_PIECES = {"source", "begin", "end", "rows", "part", "refused", "counts"}
OF_A_PIECE = re.compile(rf"{PIECES}/([0-9]{{6,}})\.json")


@dataclass(frozen=True)
class Stored:
    """A file of a run."""

    file: str
    rows: int
    size: int
    sha256: str

    @property
    def told(self) -> dict[str, Any]:
        return {"file": self.file, "rows": self.rows, "size": self.size, "sha256": self.sha256}


class Place:
    """Where one run lies."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def names(self) -> set[str]:
        """All that lies there now. (S3 tells that an object is missing only to those that may list all of a bucket.)"""
        return set(self.store.files(""))

    def read(self, name: str) -> dict[str, Any]:
        """One of the run's documents.

        Raises:
            RunConflict: what lies there is none.
        """
        try:
            found = json.loads(bytes(self.store.read(name, MAX_JSON)))
        except ValueError as exc:
            raise RunConflict(f"{self.store.url}/{name} is no document of a run: {exc}") from exc
        if not isinstance(found, dict):
            raise RunConflict(f"{self.store.url}/{name} is no document of a run")
        return found

    def begin(self, document: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
        """Write what the run is, or take what another process wrote just before.

        Args:
            names: what lay there, without a document of a run.

        Raises:
            RunConflict: parts or documents that are of no run were among it.
        """
        strays = [name for name in names if any(each.fullmatch(name) for each in (OURS, OF_A_PIECE))]
        if strays:
            raise RunConflict(f"{self.store.url} holds {min(strays)} and no {RUN}; choose an empty place")
        return self.write(RUN, document)

    def write(self, name: str, document: Mapping[str, Any]) -> dict[str, Any]:
        """Write a document, or take the one that another process wrote before."""
        try:
            self.store.create(name, encoded(document))
        except ObjectExists:
            return self.read(name)
        return dict(document)

    def pieces(self, names: Collection[str], counts: Counts) -> dict[int, dict[str, Any]]:
        """The pieces that are done, by their numbers, of all that lies there.

        Args:
            counts: theirs are added to it, and kept nowhere else.
        """
        numbers = sorted(int(found[1]) for name in names if (found := OF_A_PIECE.fullmatch(name)))
        pieces = {}
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for some in batched(numbers, 4 * AT_ONCE, strict=False):
                for number, piece in zip(some, pool.map(lambda each: self.read(piece_file(each)), some), strict=True):
                    if not OF_PIECES <= piece.keys():
                        raise RunConflict(f"{self.store.url}/{piece_file(number)} is no document of a run")
                    counts.add(piece.pop("counts"))
                    pieces[number] = piece
        return pieces

    def put(self, name: str, rows: int, data: Buffer, agrees: Callable[[Buffer], bool]) -> Stored:
        """Write a file, or take the one that is there where it says the same.

        Args:
            agrees: tells whether other bytes do.

        Raises:
            RunConflict: it says something else.
        """
        try:
            self.store.create(name, data)
        except ObjectExists:
            size = self.store.files("").get(name, memoryview(data).nbytes)
            stored, digest = self.store.fetch(name, size)
            if not agrees(stored):
                raise RunConflict(
                    f"{self.store.url}/{name} holds other answers than those found here, by more than two processors "
                    "may differ; the run cannot be gone on with"
                ) from None
            return Stored(name, rows, size, digest)
        return Stored(name, rows, memoryview(data).nbytes, hashlib.sha256(data).hexdigest())

    def check(self, stored: Sequence[Mapping[str, Any]]) -> None:
        """Look whether files are there in the size that they were written in.

        Raises:
            RunConflict: one is not.
        """
        there = self.store.files("")
        for each in stored:
            if there.get(each["file"]) != each["size"]:
                raise RunConflict(
                    f"{self.store.url}/{each['file']} is not as it was written: it has {there.get(each['file'], 'no')} "
                    f"bytes, and {each['size']} were written; choose another place"
                )


def piece_file(number: int) -> str:
    return f"{PIECES}/{number:06d}.json"


def part_file(number: int, output: Output) -> str:
    return f"part-{number:06d}.{output.format}"


def refused_file(number: int) -> str:
    return f"refused-{number:06d}.jsonl"


def encoded(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=1, allow_nan=False) + "\n").encode()


def same_answers(task: AnyTask, output: Output, ours: pa.Table) -> Callable[[Buffer], bool]:
    """Whether a stored part says the same as these rows: what it keeps is equal, and answers are within tolerance."""

    def agrees(data: Buffer) -> bool:
        try:
            theirs, written = output.decoded(data), output.decoded(output.encoded(ours))
            if len(theirs) != len(ours) or output.kept_bytes(theirs) != output.kept_bytes(written):
                return False
            if not len(ours):
                return True
            found = output.answers(task, theirs), output.answers(task, ours)
        except (ValueError, KeyError, OverflowError, pa.ArrowException, StoreError):
            return False
        return task.difference(*found).alike

    return agrees
