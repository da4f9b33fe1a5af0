"""Runs: the pieces of a plan, each done once, in their order, however often the run is begun."""

import json
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from brinery.errors import DataInvalid, RunConflict
from brinery.output.write import visible
from brinery.scoring.counts import Counts
from brinery.scoring.place import Place, Stored, piece_file, refused_file
from brinery.scoring.plan import Plan
from brinery.scoring.reading.source import Source, Span
from brinery.scoring.work import Done, Piece
from brinery.scoring.workers import Data, Workers

TOLD_ERRORS = 3


class Stopped(Exception):
    """A run that was asked to end, with `parts` of it done."""

    def __init__(self, parts: int) -> None:
        self.parts = parts
        super().__init__(f"{parts} parts are done")


class Run:
    """A run under way."""

    def __init__(
        self,
        plan: Plan,
        columns: Sequence[str],
        place: Place,
        names: Collection[str],
        most_refused: int,
        told: Callable[[int, float], None],
    ) -> None:
        """Read what was done before.

        Args:
            columns: those that are read of sources.
            names: all that lies in the place.
            told: is told of the rows that are done, and of their share of all.
        """
        self.plan, self.columns, self.place = plan, columns, place
        self.most_refused, self.told = most_refused, told
        self.counts = Counts()
        self._before = place.pieces(names, self.counts)
        self._refused = sum(_refused_of(piece) for piece in self._before.values())
        self._first: Counter[str] = Counter()  # rows of each source that came before
        self._rows, self._read = 0, 0.0
        self._size = sum(source.input.file.size for source in plan.sources)

    def complete(self, workers: Workers, stopped: Callable[[], bool]) -> list[dict[str, Any]]:
        """Have all pieces done that are not yet, and give what is written of each, in their order.

        Raises:
            Stopped: it was asked to end; the pieces that were under way are done.
            DataInvalid: the input cannot be read, has changed, or has too many rows that do not fit.
            RunConflict: a part is there that says something else.
        """
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
        if self._refused > self.most_refused:
            raise DataInvalid(
                f"{self._refused} rows were refused before, and --max-refused is {self.most_refused}; "
                "nothing was committed"
            )
        if len(self._before) > sum(number < len(pieces) for number in self._before):
            raise RunConflict(f"{self.place.store.url}/{piece_file(max(self._before))} is of no piece of the run")
        return pieces

    def _pieces(self, reads: bool) -> Iterator[tuple[Piece, Data]]:
        """The pieces in order, each with its rows where it is new, and workers do not read by themselves."""
        number = before = 0
        for source in self.plan.sources:
            begin = number

            def wanted(place: int, begin: int = begin) -> bool:
                return not reads and begin + place not in self._before

            for span, data in source.pieces(self.columns, self.plan.sizes, wanted):
                self._read = before + _share_within(source, span) * source.input.file.size
                yield Piece(number, source, span), data
                number += 1
            before += source.input.file.size

    def _settled(self, piece: Piece, future: "Future[Done] | None") -> dict[str, Any]:
        """What is written of a piece once its part is there."""
        if future is None:
            written = self._before[piece.number]
            _check(written, piece, self.place)
        else:
            written = self._finished(piece, future.result())
        self._first[piece.source.name] += written["rows"]
        self._rows += written["rows"]
        self.told(self._rows, self._read / max(self._size, 1))
        return written

    def _finished(self, piece: Piece, done: Done) -> dict[str, Any]:
        self._refused += len(done.refused)
        if done.part is None or self._refused > self.most_refused:
            raise DataInvalid(self._refusal(piece, done))
        refused = self._write_refused(piece, done)
        written = self.place.write(
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
        self.counts.add(written.pop("counts"))
        return written

    def _write_refused(self, piece: Piece, done: Done) -> Stored | None:
        if not done.refused:
            return None
        first = self._first[piece.source.name] + 1
        lines = [
            {"source": piece.source.name, "row": first + place, "errors": errors}
            for place, errors in sorted(done.refused.items())
        ]
        data = "".join(f"{json.dumps(line)}\n" for line in lines).encode()
        return self.place.put(refused_file(piece.number), len(lines), data, lambda stored: False)

    def _refusal(self, piece: Piece, done: Done) -> str:
        place, errors = min(done.refused.items())
        row = self._first[piece.source.name] + 1 + place
        more = (
            f" (and {self._refused - 1} more so far; --max-refused is {self.most_refused})" if self._refused > 1 else ""
        )
        told = visible("; ".join(errors[:TOLD_ERRORS]))
        return f"{piece.source.name}: row {row} is none that the version answers: {told}{more}; nothing was committed"


def _share_within(source: Source, span: Span) -> float:
    """How much of a file was read up to the end of a piece; of a packed one that is not known before its end."""
    whole = source.input.file.size if source.rows is None else source.rows
    return 0.0 if source.packing else min(1.0, span.end / max(whole, 1))


def _refused_of(piece: Mapping[str, Any]) -> int:
    return int(piece["refused"]["rows"]) if piece.get("refused") else 0


def _check(written: Mapping[str, Any], piece: Piece, place: Place) -> None:
    if (written.get("source"), written.get("begin"), written.get("end")) != (
        piece.source.name,
        piece.span.begin,
        piece.span.end,
    ):
        raise RunConflict(f"{place.store.url}/{piece_file(piece.number)} is of another piece; choose another place")
