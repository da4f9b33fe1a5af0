"""Scoring: a run from its inputs to its manifest, which is completed however often it is begun."""

import os
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from brinery.errors import DataInvalid, RunConflict, SettingInvalid
from brinery.formats.choice import FORMATS
from brinery.loading.load import load_files
from brinery.loading.model import VerifiedModel
from brinery.output.write import visible
from brinery.scoring.engine import Engine, choose_engine
from brinery.scoring.inputs import Input, find_inputs
from brinery.scoring.manifest import make_manifest
from brinery.scoring.outputs import Format
from brinery.scoring.place import MANIFEST, RUN, Place, Stored, encoded, piece_file, refused_file
from brinery.scoring.plan import Plan, batch_rows, make_output, read_sources, refuse_other
from brinery.scoring.scorer import Scorer
from brinery.scoring.work import Done, Piece, Where, work
from brinery.tables.https import shown
from brinery.versions.catalog import vouched_version
from brinery.versions.manifest import PROFILE
from brinery.versions.read import Published, read_file
from brinery.versions.reference import Reference
from brinery.versions.store import Store

TOLD_ERRORS = 3
type Data = pa.Table | bytes | None


@dataclass(frozen=True)
class Wanted:
    """What is asked for: where rows are and where answers go, and the options of the command."""

    given: str
    keep: Sequence[str] = ()
    format: Format = "parquet"
    trust_bucket: bool = False
    most_refused: int = 0


@dataclass(frozen=True)
class Result:
    """A run that is done: its manifest, and whether it was done `before`."""

    manifest: Mapping[str, Any]
    before: bool


class Stopped(Exception):
    """A run that was asked to end, with `parts` of it done."""

    def __init__(self, parts: int) -> None:
        self.parts = parts
        super().__init__(f"{parts} parts are done")


class Workers(Protocol):
    """Who works on pieces, so many `at_once`; `reads` says that they read them by themselves."""

    @property
    def at_once(self) -> int: ...

    @property
    def reads(self) -> bool: ...

    def submit(self, piece: Piece, data: Data) -> "Future[Done]": ...


MakeWorkers = Callable[[Scorer, Place, Where, int], AbstractContextManager[Workers]]


@contextmanager
def threads(scorer: Scorer, place: Place, where: Where, most_refused: int) -> Iterator[Workers]:
    """Threads of this process, one more than it has processors, since writing waits."""
    with ThreadPoolExecutor((os.process_cpu_count() or 1) + 1) as pool:
        try:
            yield _Threads(pool, scorer, place, most_refused)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


@dataclass(frozen=True)
class _Threads:
    pool: ThreadPoolExecutor
    scorer: Scorer
    place: Place
    most_refused: int
    reads: bool = False

    @property
    def at_once(self) -> int:
        return (os.process_cpu_count() or 1) + 1

    def submit(self, piece: Piece, data: Data) -> "Future[Done]":
        return self.pool.submit(work, self.scorer, self.place, piece, data, self.most_refused)


def score(
    registry: Store,
    reference: Reference,
    wanted: Wanted,
    out: Store,
    folder: Path,
    make_workers: MakeWorkers = threads,
    stopped: Callable[[], bool] = lambda: False,
    told: Callable[[int, float], None] = lambda rows, share: None,
) -> Result:
    """Complete a run.

    Args:
        reference: with its digest, unless the bucket is trusted.
        out: where it lies.
        folder: what relative paths are below.
        stopped: whether to end after the pieces that are under way.
        told: is told of the rows that are done, and of their share of all.

    Raises:
        PinRequired: the reference has no digest.
        RunConflict: another run lies there, or its parts are not what they were.
        DataInvalid: the input cannot be read, has changed, or has more rows that do not fit than may be refused.
        Stopped: it was asked to end.
        BrineryError: whatever else stops loading or storing.
    """
    published = vouched_version(registry, reference, trust_bucket=wanted.trust_bucket)
    place = Place(out)
    names = place.names()
    begun = place.read(RUN) if RUN in names else None
    engine = _engine(published, begun)
    with ThreadPoolExecutor(1) as pool:  # what is imported and loaded meanwhile takes as long
        columns = list(dict.fromkeys([*(feature.name for feature in published.manifest.features), *wanted.keep]))
        reading = pool.submit(lambda: read_sources(_inputs(wanted, folder, out), columns))
        model = _loaded(registry, published, engine.format, reference.pinned)
        sources, digests = reading.result()
    output = make_output(model, sources, wanted.keep, wanted.format)
    batch = batch_rows(len(published.manifest.features))
    plan = Plan(str(published.reference), engine.format, sources, digests, tuple(wanted.keep), output, batch)
    if begun is None:
        now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        begun = place.begin(
            {"run": plan.digest, **plan.identity, "input": shown(wanted.given), "started_at": now}, names
        )
    if begun.get("run") != plan.digest:
        refuse_other(begun, plan, out.url)
        raise RunConflict(f"{out.url}/{RUN} is no document of a run; choose another place")
    if MANIFEST in names:
        return Result(place.read(MANIFEST), before=True)
    scorer = Scorer(model, output, batch, tuple(wanted.keep))
    where = Where(registry.url, str(published.reference), engine.format, output, batch, tuple(wanted.keep), out.url)
    run = _Run(plan, scorer, place, wanted.most_refused, told)
    with make_workers(scorer, place, where, wanted.most_refused) as workers:
        pieces = run.complete(workers, stopped, place.pieces(names))
    manifest = make_manifest(plan, begun, model, engine, pieces)
    return Result(_committed(place, plan, manifest), before=False)


def _inputs(wanted: Wanted, folder: Path, out: Store) -> list[Input]:
    inputs = find_inputs(wanted.given, folder)
    base = wanted.given if "://" in wanted.given else (folder / wanted.given).resolve().as_uri()
    base = base.rstrip("/")
    if out.url == base or out.url.startswith(f"{base}/"):
        raise SettingInvalid(f"OUT lies in IN, {shown(wanted.given)}, and would be read as rows; choose another place")
    return inputs


def _engine(published: Published, begun: Mapping[str, Any] | None) -> Engine:
    """That of the run, where it was begun before: its parts are all of one engine."""
    if begun is not None and begun.get("engine") in FORMATS and begun.get("reference") == str(published.reference):
        chosen = choose_engine(published.manifest)
        return chosen if chosen.format == begun["engine"] else Engine(begun["engine"], "the run was begun with it")
    return choose_engine(published.manifest)


def _loaded(registry: Store, published: Published, format: str, pinned: bool) -> VerifiedModel:
    model = load_files(registry, published, pinned, format)
    if published.manifest.profile is None:
        return model
    return replace(model, profile=read_file(registry, published, PROFILE))


def _committed(place: Place, plan: Plan, manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    place.check([*manifest["parts"], *manifest["refused"]["files"]])
    for source in plan.sources:
        source.input.file.check()
    stored = place.write(MANIFEST, manifest)
    if stored.get("run") != plan.digest or stored.get("parts") != manifest["parts"]:
        raise RunConflict(f"{place.store.url}/{MANIFEST} is of another run; choose another place")
    return stored


@dataclass
class _Run:
    """A run under way."""

    plan: Plan
    scorer: Scorer
    place: Place
    most_refused: int
    told: Callable[[int, float], None]

    def complete(
        self, workers: Workers, stopped: Callable[[], bool], before: Mapping[int, dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Have all pieces done that were not `before`, and give what is written of each, in their order."""
        self._before = before
        self._refused = sum(_refused_of(piece) for piece in self._before.values())
        self._first: Counter[str] = Counter()  # rows of each source that came before
        self._rows, self._share = 0, 0.0
        pieces: list[dict[str, Any]] = []
        waiting: deque[tuple[Piece, Future[Done] | None]] = deque()
        for piece, data in self._pieces(reads=workers.reads):
            new = piece.number not in self._before
            waiting.append((piece, workers.submit(piece, data) if new else None))
            del data
            while waiting and (waiting[0][1] is None or len(waiting) >= workers.at_once):
                pieces.append(self._settled(*waiting.popleft()))
            if stopped():
                for each in waiting:
                    pieces.append(self._settled(*each))
                raise Stopped(len(pieces))
        pieces += [self._settled(*each) for each in waiting]
        if not self._rows:
            raise DataInvalid("the input has no row")
        return pieces

    def _pieces(self, reads: bool) -> Iterator[tuple[Piece, Data]]:
        """The pieces in order, each with its rows where it is new, and workers do not read by themselves."""
        number = 0
        for source in self.plan.sources:
            begin = number

            def wanted(place: int, begin: int = begin) -> bool:
                return not reads and begin + place not in self._before

            for span, data in source.pieces(self.scorer.columns, self.plan.sizes, wanted):
                yield Piece(number, source, span), data
                number += 1

    def _settled(self, piece: Piece, future: "Future[Done] | None") -> dict[str, Any]:
        """What is written of a piece once its part is there."""
        if future is None:
            written = self._before[piece.number]
            _check(written, piece, self.place)
        else:
            written = self._finished(piece, future.result())
        self._first[piece.source.name] += written["rows"]
        self._rows += written["rows"]
        self.told(self._rows, self._share_of(piece))
        return written

    def _finished(self, piece: Piece, done: Done) -> dict[str, Any]:
        self._refused += len(done.refused)
        if done.part is None or self._refused > self.most_refused:
            raise DataInvalid(self._refusal(piece, done))
        refused = self._write_refused(piece, done)
        return self.place.write(
            piece_file(piece.number),
            {
                "source": piece.source.name,
                "begin": piece.span.begin,
                "end": piece.span.end,
                "rows": done.rows,
                "part": done.part.told,
                "refused": None if refused is None else refused.told,
                "counts": done.counts,
            },
        )

    def _write_refused(self, piece: Piece, done: Done) -> Stored | None:
        if not done.refused:
            return None
        first = self._first[piece.source.name] + 1
        lines = [
            {"source": piece.source.name, "row": first + place, "errors": errors}
            for place, errors in sorted(done.refused.items())
        ]
        data = b"".join(encoded_line(line) for line in lines)
        return self.place.put(refused_file(piece.number), len(lines), data, lambda stored: False)

    def _refusal(self, piece: Piece, done: Done) -> str:
        place, errors = min(done.refused.items())
        row = self._first[piece.source.name] + 1 + place
        more = (
            f" (and {self._refused - 1} more so far; --max-refused is {self.most_refused})" if self._refused > 1 else ""
        )
        told = visible("; ".join(errors[:TOLD_ERRORS]))
        return f"{piece.source.name}: row {row} is none that the version answers: {told}{more}; nothing was committed"

    def _share_of(self, piece: Piece) -> float:
        """How much of all bytes was read up to the end of a piece; of a packed file that is not known within it."""
        files = [source.input.file.size for source in self.plan.sources]
        place = self.plan.sources.index(piece.source)
        whole = piece.source.rows if piece.source.rows is not None else files[place]
        within = 0.0 if piece.source.packing else min(1.0, piece.span.end / max(whole, 1))
        self._share = max(self._share, (sum(files[:place]) + within * files[place]) / max(sum(files), 1))
        return self._share


def encoded_line(document: Mapping[str, Any]) -> bytes:
    return encoded(document).replace(b"\n ", b" ").replace(b"\n}", b"}")


def _refused_of(piece: Mapping[str, Any]) -> int:
    return int(piece["refused"]["rows"]) if piece.get("refused") else 0


def _check(written: Mapping[str, Any], piece: Piece, place: Place) -> None:
    if (written.get("source"), written.get("begin"), written.get("end")) != (
        piece.source.name,
        piece.span.begin,
        piece.span.end,
    ):
        raise RunConflict(f"{place.store.url}/{piece_file(piece.number)} is of another piece; choose another place")
