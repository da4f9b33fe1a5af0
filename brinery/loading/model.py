"""A verified model: what it is, and its answers."""

from collections.abc import Buffer, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from brinery.errors import FormatMissing, RowInvalid
from brinery.formats.predictor import Predictor
from brinery.rows.parser import MAX_ERRORS, Batch, RowParser, Warned
from brinery.tasks.task import AnyAnswers, AnyTask
from brinery.versions.manifest import CARD, Manifest
from brinery.versions.read import Published, read_file
from brinery.versions.reference import Reference
from brinery.versions.store import Store

TOO_FAR = "is too far from the training range for the model to answer"
NO_ANSWER = "is a row that the model has no answer for"


class Prediction(NamedTuple):
    """Answers in row order; `single` says that one row by itself was asked for."""

    answers: AnyAnswers
    warnings: list[Warned]
    single: bool


@dataclass(frozen=True, repr=False)
class VerifiedModel:
    """A version that has passed every check; `timings` are seconds of fetch, verify, load and self-test."""

    published: Published
    pinned: bool
    format: str
    timings: dict[str, float]
    parser: RowParser
    predictor: Predictor
    store: Store

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.reference} from its {self.format}>"

    @property
    def reference(self) -> Reference:
        return self.published.reference

    @property
    def manifest(self) -> Manifest:
        return self.published.manifest

    @property
    def task(self) -> AnyTask:
        return self.published.manifest.task

    def card(self) -> Buffer:
        """The model card's page, fetched and verified.

        Raises:
            FormatMissing: the version has no card.
            IntegrityError, StoreError: it is not what was published, or cannot be read.
        """
        if CARD not in self.manifest.files:
            raise FormatMissing(f"{self.manifest.name}:{self.manifest.version} has no model card")
        return read_file(self.store, self.published, CARD)

    def answer(self, data: Any, max_rows: int) -> Prediction:
        """Answer decoded JSON: a row, or a list of rows.

        Raises:
            RowInvalid: the input does not fit the features, or the model has no answer for it.
            TooManyRows: more rows than `max_rows`.
        """
        batch = self.parser.parse(data, max_rows)
        return Prediction(self._predict(batch), batch.warnings, batch.single)

    def _predict(self, batch: Batch) -> AnyAnswers:
        """Predict values that are finite, but may overflow inside the model (1e308 does), or that it has no answer for.

        Raises:
            RowInvalid: such rows, at most 10.
        """
        try:
            answers = self._answers(batch.array)
            rows = list(islice(self.task.unanswered(answers), MAX_ERRORS))
        except Exception:
            rows = list(islice(self._failing(batch.array), MAX_ERRORS))
            if not rows:
                raise
        if rows:
            reason = TOO_FAR if batch.warnings else NO_ANSWER
            raise RowInvalid([("/data" if batch.single else f"/data/{row}", reason) for row in rows])
        return answers

    def _answers(self, array: np.ndarray) -> AnyAnswers:
        with np.errstate(all="ignore"):
            return self.predictor.predict(array)

    def _failing(self, array: np.ndarray) -> Iterator[int]:
        """The rows that fail by themselves, in order, found by halving."""
        pending = [(0, len(array))]
        while pending:
            start, stop = pending.pop()
            try:
                self._answers(array[start:stop])
            except Exception:
                if stop - start == 1:
                    yield start
                else:
                    middle = (start + stop) // 2
                    pending += [(middle, stop), (start, middle)]
