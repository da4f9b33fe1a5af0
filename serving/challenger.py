"""The challenger: a second version of the model, which answers beside the first one, the champion, or a share of
requests in its place. Whatever becomes of it, the champion answers.
"""

import logging
import random
import threading
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any

import numpy as np

from brinery.errors import BrineryError, ModelInvalid
from brinery.loading.model import Prediction, VerifiedModel
from brinery.rows.feature import read_alike
from serving.answer import Watching
from serving.counts import LEAST_ROWS, Counts
from serving.loader import Loader, load_version
from serving.settings import Settings

KIND = "challenger"  # of a line of the log that an alarm counts
Content = bytes | dict[str, Any]
Ask = Callable[[VerifiedModel, Watching], tuple[int, Content]]

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
        if not barred and self._takes(key, beside.challenger):
            try:
                status, content = ask(beside.challenger, beside.own)
                if status == 200:
                    return beside.own, status, content
            except Exception as exc:
                beside.failed(exc)
            counts.not_compared(refused=1)
        return counts, *ask(champion, counts)

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
            self._beside = _Beside(champion, model, counts, Counts(model, self._service))
            return self._beside

    def _takes(self, key: str | None, model: VerifiedModel) -> bool:
        """The same for the same key, in every process, and at a larger share for all that it took at a smaller one."""
        if key is None:
            return random.random() < self.share  # noqa: S311 (no secret)
        drawn = sha256(f"{model.reference}\0{key}".encode()).digest()[:8]
        return int.from_bytes(drawn) < self.share * 2**64


class _Beside(Watching):
    """Has the challenger answer what the champion answered, and counts how the two compare.

    Rows are held until there are as many as are told of: many are answered at once in little more time than one.
    """

    def __init__(self, champion: VerifiedModel, challenger: VerifiedModel, counts: Counts, own: Counts) -> None:
        self.challenger, self.own = challenger, own
        self._champion, self._counts = champion, counts
        self._alike = read_alike(champion.manifest.features, challenger.manifest.features)
        self._lock = threading.Lock()
        self._held: list[tuple[Prediction, Any]] = []
        self._rows = 0
        self._told = False

    def answered(self, prediction: Prediction, data: Any) -> None:
        self._counts.answered(prediction, data)
        with self._lock:
            self._held.append((prediction, data))
            self._rows += len(prediction.rows)
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
            log.error("the challenger fails to answer: %s", type(exc).__name__, exc_info=exc, extra={"kind": KIND})

    def _take(self) -> list[tuple[Prediction, Any]]:
        held, self._held, self._rows = self._held, [], 0
        return held

    def _compare(self, held: Sequence[tuple[Prediction, Any]]) -> None:
        rows = sum(len(prediction.rows) for prediction, _ in held)
        if not rows:
            return
        try:
            found = self._found(held)
            answered = np.ones(rows, dtype=bool)
            answered[list(found.refused)] = False
            ours = self._champion.task.joined([prediction.answers for prediction, _ in held])
            self._counts.compared(ours[answered], found.answers, len(found.refused))
        except Exception as exc:
            self.failed(exc)
            self._counts.not_compared(failed=rows)

    def _found(self, held: Sequence[tuple[Prediction, Any]]) -> Prediction:
        """The challenger's answers to the rows that the champion answered; those that it refuses by their place."""
        if self._alike:
            return self.challenger.answer_parsed(np.concatenate([prediction.rows for prediction, _ in held]))
        rows: list[Any] = []
        for prediction, data in held:
            given = [data] if prediction.single else data
            rows += [row for place, row in enumerate(given) if place not in prediction.refused]
        return self.challenger.answer(rows, len(rows), partial=True)


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
