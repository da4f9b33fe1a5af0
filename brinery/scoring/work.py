"""Work: one piece of a run, from its rows to its part; in this process, or in a worker of a cluster."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any

import pyarrow as pa

from brinery.errors import LibraryMismatch
from brinery.loading.load import load
from brinery.loading.model import VerifiedModel
from brinery.scoring.manifest import libraries_of
from brinery.scoring.outputs import Output
from brinery.scoring.place import Place, Stored, part_file, same_answers
from brinery.scoring.reading.columns import Refused
from brinery.scoring.reading.source import Source, Span
from brinery.scoring.scorer import Scorer
from brinery.versions.profiles import profile_credentials
from brinery.versions.reference import Reference
from brinery.versions.store import Store, open_store

_LOADING = Lock()


@dataclass(frozen=True)
class Piece:
    """A piece of a run, by its number in it."""

    number: int
    source: Source
    span: Span


@dataclass(frozen=True)
class Done:
    """What became of a piece: how many rows it had, which of them were refused, its part, and counts by the profile.

    `part` is None where more rows were refused than may be.
    """

    rows: int
    refused: Refused
    part: Stored | None
    counts: Mapping[str, Any] | None


def work(scorer: Scorer, place: Place, piece: Piece, data: pa.Table | bytes, most_refused: int) -> Done:
    """Score a piece and write its part, unless more of its rows are refused than may be.

    Raises:
        DataInvalid, RunConflict, StoreError: it cannot be read, another part is there, or none can be written.
    """
    scored = scorer.score(piece.source, data, most_refused)
    if len(scored.refused) > most_refused:
        return Done(scored.rows, scored.refused, None, None)
    output, table = scorer.output, scored.table
    agrees = same_answers(scorer.model.task, output, table)
    part = place.put(part_file(piece.number, output), len(table), output.encoded(table), agrees)
    return Done(scored.rows, scored.refused, part, scored.counts)


@dataclass(frozen=True)
class Where:
    """All that another process needs to work on a run: where its version is, which it loads and verifies by itself.

    `libraries` are those that a run is made with, by version.
    """

    libraries: Mapping[str, str]
    registry: str
    reference: str
    engine: str
    output: Output
    batch: int
    keep: tuple[str, ...]
    place: str


def work_alone(where: Where, piece: Piece, most_refused: int) -> Done:
    """`work` in another process, which reads the piece by itself."""
    with _LOADING:  # a worker's threads share one model
        model = _model(where.registry, where.reference, where.engine)
    if (here := libraries_of(model)) != where.libraries:
        theirs = ", ".join(
            f"{name} {version}" for name, version in here.items() if where.libraries.get(name) != version
        )
        raise LibraryMismatch(f"a worker of the cluster has {theirs}, and the run is made with other versions")
    scorer = Scorer(model, where.output, where.batch, where.keep)
    data = piece.source.piece(piece.span, scorer.columns)
    return work(scorer, Place(_open(where.place)), piece, data, most_refused)


@lru_cache(maxsize=2)
def _model(registry: str, reference: str, engine: str) -> VerifiedModel:
    return load(_open(registry), Reference.parse(reference), format=engine, profile=True)


def _open(url: str) -> Store:
    return open_store(url, credentials=profile_credentials(os.environ))
