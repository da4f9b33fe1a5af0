"""The challenger: a second version of the model, which answers beside the first one, the champion, or a share of
requests in its place. Whatever becomes of it, the champion answers.
"""

import logging
import random
import threading
from collections.abc import Callable, Collection, Sequence
from hashlib import sha256
from typing import Any

import numpy as np

from brinery.errors import BrineryError, ModelInvalid, RowInvalid, words_of
from brinery.loading.model import Prediction, VerifiedModel
from brinery.rows.feature import read_alike
from brinery.tasks.task import AnyAnswers
from serving.answer import Watching
from serving.counts import LEAST_ROWS, Counts
from serving.loader import Loader, load_version
from serving.settings import Settings

KIND = "challenger"  # of a line of the log that an alarm counts
Content = bytes | dict[str, Any]
Ask = Callable[[VerifiedModel, Watching], tuple[int, Content]]
_Held = tuple[AnyAnswers, Any]  # the champion's answers, and the rows that they are of, parsed where both read alike

log = logging.getLogger("brinery.serving")


class Challenger:
    """A version that is loaded and verified as the champion is, after it, and left out where that fails."""

    def __init__(self, load: Callable[[], VerifiedModel], share: float, service: str | None = None) -> None:
        """`share` of the requests are answered by it; where that is 0, it answers beside the champion, unseen.

        Args:
            service: what the metrics of its counts are of.
        """
        self.share = share
        self._service = service
        self._loader = Loader(load, says="challenged by", failed=_left_out)
        self._lock = threading.Lock()
        self._beside: _Beside | None = None
        self._unfit = False  # to challenge this champion

    def start(self) -> None:
        """Begin to load it in the background."""
        self._loader.start()

    def wait(self, seconds: float) -> None:
        """Wait at most so long for the load under way."""
        self._loader.wait(seconds)

    @property
    def model(self) -> VerifiedModel | None:
        """The version, where it is loaded and is no other kind of model than the champion."""
        return None if self._unfit else self._loader.model

    def answer(
        self, champion: VerifiedModel, counts: Counts, ask: Ask, key: str | None, barred: bool
    ) -> tuple[Counts, int, Content]:
        """Ask one of the two, or both; the counts of the one that answered, the status, and the answer.

        Args:
            key: what requests that belong together have in common; None where the caller names nothing.
            barred: the champion is to answer.
        """
        beside = self._ready(champion, counts)
        if beside is None:
            return counts, *ask(champion, counts)
        if self.share == 0:
            return counts, *ask(champion, beside)
        refused = False
        if not barred and self._takes(key, beside.challenger):
            try:
                status, content = ask(beside.challenger, _InPlace(champion, beside.own))
                if status == 200:
                    return beside.own, status, content
                refused = True
            except _RefusesAlone:
                refused = True
            except Exception as exc:
                beside.failed(exc)
                counts.not_compared(failed=1)
        status, content = ask(champion, counts)
        if refused and status == 200:
            counts.not_compared(refused=1)
        return counts, status, content

    def end(self) -> None:
        """Answer what waits to be compared, and print the counts of what was answered in the champion's place."""
        if self._beside is not None:
            self._beside.end()

    def _ready(self, champion: VerifiedModel, counts: Counts) -> "_Beside | None":
        if self._beside is not None or self._unfit:
            return self._beside
        self._loader.start()  # again, after a fault that passes
        model = self._loader.model
        with self._lock:
            if model is None or self._beside is not None or self._unfit:
                return self._beside
            ours, theirs = champion.task.kind, model.task.kind
            if ours != theirs:
                self._unfit = True
                _left_out(ModelInvalid(f"{model.reference} is a {theirs}, and {champion.reference} a {ours}"))
                return None
            counts.compare_with(model, self.share)
            own = Counts(model, self._service)
            own.in_place_of(champion, self.share)
            self._beside = _Beside(champion, model, counts, own)
            return self._beside

    def _takes(self, key: str | None, model: VerifiedModel) -> bool:
        """The same for the same key, in every process, and at a larger share for all that it took at a smaller one."""
        if key is None:
            return random.random() < self.share  # noqa: S311 (no secret)
        drawn = sha256(f"{model.reference}\0{key}".encode()).digest()[:8]
        return int.from_bytes(drawn) < self.share * 2**64


class _RefusesAlone(Exception):
    """The challenger has no answer to a row of a partial request to which the champion has one."""


class _InPlace(Watching):
    """Counts what the challenger answers in the champion's place, and what it refuses not, as the champion is asked."""

    def __init__(self, champion: VerifiedModel, own: Counts) -> None:
        self._champion, self._own = champion, own

    def answered(self, prediction: Prediction, data: Any) -> None:
        if prediction.refused and self._answers_one([data[place] for place in prediction.refused]):
            raise _RefusesAlone
        self._own.answered(prediction, data)

    def refused(self, errors: Any) -> None:
        pass

    def _answers_one(self, rows: list[Any]) -> bool:
        try:
            return len(self._champion.answer(rows, len(rows), partial=True).rows) > 0
        except RowInvalid:
            return False


class _Beside(Watching):
    """Has the challenger answer what the champion answered, and counts how the two compare.

    Rows are held until there are as many as are told of: many are answered at once in little more time than one.
    """

    def __init__(self, champion: VerifiedModel, challenger: VerifiedModel, counts: Counts, own: Counts) -> None:
        self.challenger, self.own = challenger, own
        self._champion, self._counts = champion, counts
        self._alike = read_alike(champion.manifest.features, challenger.manifest.features)
        self._lock = threading.Lock()
        self._held: list[_Held] = []
        self._rows = 0
        self._told = False

    def answered(self, prediction: Prediction, data: Any) -> None:
        self._counts.answered(prediction, data)
        if not len(prediction.rows):
            return
        rows = prediction.rows if self._alike else _answered_rows(prediction, data)
        with self._lock:
            self._held.append((prediction.answers, rows))
            self._rows += len(rows)
            if self._rows < LEAST_ROWS:
                return
            held = self._take()
        self._compare(held)

    def refused(self, errors: Any) -> None:
        self._counts.refused(errors)

    def end(self) -> None:
        """Answer what is held, and print its own counts."""
        with self._lock:
            held = self._take()
        self._compare(held)
        self.own.end()

    def failed(self, exc: Exception) -> None:
        """Say so once: what fails at one row may fail at all of them."""
        if not self._told:
            self._told = True
            said = f"the challenger fails to answer: {type(exc).__name__}: {words_of(exc)}"
            log.error("%s", said, exc_info=exc, extra={"kind": KIND})

    def _take(self) -> list[_Held]:
        held, self._held, self._rows = self._held, [], 0
        return held

    def _compare(self, held: Sequence[_Held]) -> None:
        rows = sum(len(each) for _, each in held)
        if not rows:
            return
        try:
            theirs, refused = self._found([each for _, each in held], rows)
            if len(refused) == rows:
                self.failed(ModelInvalid(f"none of {rows} rows in succession that the champion answered has an answer"))
            answered = np.ones(rows, dtype=bool)
            answered[list(refused)] = False
            ours = self._champion.task.joined([answers for answers, _ in held])
            self._counts.compared(ours[answered], theirs, len(refused))
        except Exception as exc:
            self.failed(exc)
            self._counts.not_compared(failed=rows)

    def _found(self, parts: Sequence[Any], rows: int) -> tuple[AnyAnswers, Collection[int]]:
        """The challenger's answers to the rows that the champion answered, and the places of those that it refuses."""
        if self._alike:
            return self.challenger.answer_array(np.concatenate(parts))
        found = self.challenger.answer([row for part in parts for row in part], rows, partial=True)
        return found.answers, found.refused


def _answered_rows(prediction: Prediction, data: Any) -> list[Any]:
    given = [data] if prediction.single else data
    return [row for place, row in enumerate(given) if place not in prediction.refused]


def open_challenger(settings: Settings) -> Challenger | None:
    """The challenger that the environment names, not yet loaded; None where it names none."""
    version = settings.challenger_version
    if version is None:
        return None
    return Challenger(lambda: load_version(settings, version), settings.challenger_share, settings.service)


def _left_out(error: Exception) -> None:
    expected = isinstance(error, BrineryError)
    said = f"the challenger is left out: {type(error).__name__}: {error}"
    log.error("%s", said, exc_info=None if expected else error, extra={"kind": KIND})
