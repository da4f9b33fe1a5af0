"""Plans: what a run of scoring is, which its digest tells, so that one place holds one run."""

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import pyarrow as pa

from brinery.errors import DataInvalid, RunConflict
from brinery.loading.golden import read_golden
from brinery.loading.model import VerifiedModel
from brinery.scoring.outputs import Format, Output
from brinery.scoring.reading.files import LocalFile, S3File, errors_of_reading
from brinery.scoring.reading.inputs import Input
from brinery.scoring.reading.source import Sizes, Source, find_source
from brinery.tables.table import listed
from brinery.versions.manifest import GOLDEN
from brinery.versions.read import read_file

SCHEMA_VERSION = 1  # of what lies beside the parts, and of how rows become bytes
CELLS = 2**18  # that are answered at once
BATCHES = 8  # of a piece
MOST_ROWS, LEAST_ROWS = 2**14, 2**6  # of a batch
PIECE_BYTES = 8 * 1024 * 1024  # of a piece of a text, and half as many as a piece of Parquet takes at most
AT_ONCE = 16  # files whose heads are read at once


@dataclass(frozen=True)
class Plan:
    """One run: a version in one of its formats, the sources in their order, and what parts hold."""

    reference: str
    engine: str
    sources: Sequence[Source]
    digests: Sequence[Mapping[str, str]]
    keep: tuple[str, ...]
    output: Output
    batch: int

    @property
    def sizes(self) -> Sizes:
        return Sizes(self.batch * BATCHES, PIECE_BYTES)

    @property
    def files(self) -> list[dict[str, Any]]:
        """The sources by name, size in bytes, and sha256 or ETag."""
        found = zip(self.sources, self.digests, strict=True)
        return [{"name": each.name, "size": each.input.file.size, **digest} for each, digest in found]

    @cached_property
    def identity(self) -> dict[str, Any]:
        """All that decides a run's parts."""
        return {
            "schema_version": SCHEMA_VERSION,
            "reference": self.reference,
            "engine": self.engine,
            "sources": self.files,
            "keep": list(self.keep),
            "columns": self.output.columns,
            "format": self.output.format,
            "batch_rows": self.batch,
            "piece": {"rows": self.sizes.rows, "bytes": self.sizes.bytes},
        }

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(json.dumps(self.identity, sort_keys=True).encode()).hexdigest()


def batch_rows(features: int) -> int:
    """How many rows are answered at once: a power of two, fewer where rows are wide."""
    rows = max(LEAST_ROWS, min(MOST_ROWS, CELLS // features))
    return 1 << (rows.bit_length() - 1)


def read_sources(inputs: Sequence[Input], columns: Sequence[str]) -> tuple[list[Source], list[Mapping[str, str]]]:
    """The heads of all files, and what tells their contents: the sha256 of each on a disk, and each object's ETag.

    Args:
        columns: those that each must have.

    Raises:
        DataInvalid: one cannot be read, or lacks a column.
    """
    with ThreadPoolExecutor(min(AT_ONCE, len(inputs))) as pool:
        digests = pool.map(_digest, inputs)
        sources = list(pool.map(find_source, inputs))
        for source in sources:
            _check_columns(source, columns)
        return sources, list(digests)


def make_output(model: VerifiedModel, sources: Sequence[Source], keep: Sequence[str], format: Format) -> Output:
    """What parts hold; errors as of `Output.of`."""
    manifest = model.manifest
    golden = read_golden(read_file(model.store, model.published, GOLDEN), manifest)
    kept = {name: _kept_type(sources[0], name) for name in keep}
    return Output.of(manifest.task, manifest.task.read(golden["answers"]), kept, format)


def refuse_other(stored: Mapping[str, Any], plan: Plan, where: str) -> None:
    """Say how the run that a place holds differs from another one.

    Raises:
        RunConflict: it does.
    """
    for key, ours in plan.identity.items():
        theirs = stored.get(key)
        if theirs != ours:
            raise RunConflict(
                f"{where} holds another run: {_difference(key, theirs, ours)}; choose another place, or give what it "
                "was begun with"
            )


def _difference(key: str, theirs: Any, ours: Any) -> str:
    if key != "sources":
        return f"its {key} is {_short(theirs)}, and here it is {_short(ours)}"
    there, here = ({each["name"]: each for each in files} for files in (theirs or [], ours))
    for name in sorted({*there, *here}):
        if name not in here:
            return f"its input has {name}, which is not there now"
        if name not in there:
            return f"its input has no {name}"
        if there[name] != here[name]:
            return f"{name} has changed since it was begun"
    return "its input has another order"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 200 else f"{text[:200]}…"


def _digest(input: Input) -> Mapping[str, str]:
    file = input.file
    if isinstance(file, S3File):
        return {"etag": file.tag}
    assert isinstance(file, LocalFile)  # noqa: S101  (there is no third kind)
    with file.open() as stream, errors_of_reading(input.name):
        found = hashlib.file_digest(cast(io.BufferedReader, stream), "sha256").hexdigest()
    file.check()
    return {"sha256": found}


def _check_columns(source: Source, columns: Sequence[str]) -> None:
    if source.kind == "jsonl":
        return
    missing = [name for name in columns if name not in source.names]
    if missing:
        raise DataInvalid(f"{source.name} lacks {listed(missing)}; it has {listed(source.names)}")


def _kept_type(source: Source, name: str) -> pa.DataType:
    """Texts as they are written, and values of Parquet by their types."""
    if source.kind != "parquet":
        return pa.string()
    kind = source.types[source.names.index(name)]
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.string() if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) else kind
