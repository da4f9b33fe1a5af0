"""A verified model: what it is, and its answers."""

import warnings
from collections.abc import Buffer, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from brinery.errors import FormatMissing, RowInvalid
from brinery.formats.predictor import Predictor
from brinery.loading.given import rows_of
from brinery.rows.parser import MAX_ERRORS, Batch, Errors, RowParser, Warned
from brinery.tasks.task import AnyAnswers, AnyTask
from brinery.versions.manifest import CARD, Manifest
from brinery.versions.read import Published, read_file
from brinery.versions.reference import Reference
from brinery.versions.store import Store

MAX_UNANSWERED = 100  # rows without an answer that are looked for one by one
TOO_FAR = "is too far from the training range for the model to answer"
NO_ANSWER = "is a row that the model has no answer for"


class Prediction(NamedTuple):
    """Answers in row order, and the rows that they are of; `single` says that one row by itself was asked for.

    `refused` are errors by row, of rows that have no answer, where that was asked for: `answers` are of the others.
    """

    answers: AnyAnswers
    warnings: list[Warned]
    single: bool
    refused: Mapping[int, Errors]
    rows: np.ndarray


@dataclass(frozen=True, repr=False)
class VerifiedModel:
    """A version that has passed every check.

    `timings` are seconds of fetch, verify, load and self-test; `profile` is what its `profile.json` holds, where that
    was asked for.
    """

    published: Published
    pinned: bool
    format: str
    timings: dict[str, float]
    parser: RowParser
    predictor: Predictor
    store: Store
    profile: Buffer | None = None

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

    def predict(self, data: Any) -> Any:
        """Answer a frame, an array or rows as serving would: a list of answers, or one for one row by itself.

        An answer is an object such as `{"prediction": 0, "probabilities": {"0": 0.98, …}}`. A value that the model was
        not fitted on the like of is told by a UserWarning.

        Args:
            data: see `brinery.loading.given.rows_of`.

        Raises:
            RowInvalid: the input does not fit the features, or the model has no answer for it.
        """
        rows = rows_of(data)
        found = self.answer(rows, max(1, len(rows) if isinstance(rows, list) else 1))
        if found.warnings:
            told = "; ".join(f"{path} {message}" for path, message in found.warnings)
            warnings.warn(f"{self.reference.name}: {told}", stacklevel=2)
        written = self.task.written(found.answers)
        return written[0] if found.single else written

    def answer(self, data: Any, max_rows: int, partial: bool = False) -> Prediction:
        """Answer decoded JSON: a row, or a list of rows.

        Args:
            partial: rows of a list that do not fit, or that the model has no answer for, are told in `refused`.

        Raises:
            RowInvalid: the input does not fit the features, or the model has no answer for it.
            TooManyRows: more rows than `max_rows`.
        """
        batch = self.parser.parse(data, max_rows, partial)
        if partial and not batch.single:
            return self._answer_most(batch)
        answers, unanswered = self._predict(batch, MAX_ERRORS)
        if unanswered:
            raise RowInvalid([("/data" if batch.single else f"/data/{row}", why) for row, why in unanswered.items()])
        return Prediction(answers, batch.warnings, batch.single, {}, batch.array)

    def answer_array(self, array: np.ndarray) -> tuple[AnyAnswers, dict[int, str]]:
        """Answer checked rows, shape (rows, features), as the parser makes them.

        Returns:
            The answers to all rows but those that the model has none for, and why it has none, by row.
        """
        if not len(array):
            return self.task.joined([]), {}
        answers, rows = self._most(array, len(array))
        if not rows:
            return answers, {}
        why = {row: TOO_FAR if self.parser.unfitted(array[[row]]) else NO_ANSWER for row in rows}
        rest = np.delete(np.arange(len(array)), rows)
        answers, more = self.answer_array(array[rest])
        return answers, why | {int(rest[row]): reason for row, reason in more.items()}

    def _answer_most(self, batch: Batch) -> Prediction:
        places, refused = batch.places or range(len(batch.array)), dict(batch.refused)
        if not places:
            return Prediction(self.task.joined([]), [], False, refused, batch.array)
        answers, unanswered = self._predict(batch, MAX_UNANSWERED + 1)
        if len(unanswered) > MAX_UNANSWERED:
            raise RowInvalid([("/data", f"holds more than {MAX_UNANSWERED} rows that the model has no answer for")])
        rest = batch.array
        if unanswered:
            refused |= {places[row]: [(f"/data/{places[row]}", why)] for row, why in unanswered.items()}
            rest = np.delete(batch.array, list(unanswered), axis=0)
            answers = self._answers(rest) if len(rest) else self.task.joined([])
        return Prediction(answers, batch.warnings, False, refused, rest)

    def _predict(self, batch: Batch, most: int) -> tuple[AnyAnswers, dict[int, str]]:
        """Predict values that are finite, but may overflow inside the model (1e308 does), or that it has no answer for.

        Returns:
            The answers, and why rows have none, by row, for at most so many of them.
        """
        answers, rows = self._most(batch.array, most)
        return answers, dict.fromkeys(rows, TOO_FAR if batch.warnings else NO_ANSWER)

    def _most(self, array: np.ndarray, most: int) -> tuple[AnyAnswers, list[int]]:
        """The answers, and rows without one, at most so many."""
        try:
            answers = self._answers(array)
            return answers, list(islice(self.task.unanswered(answers), most))
        except Exception:
            rows = list(islice(self._failing(array), most))
            if not rows:
                raise
            return self.task.joined([]), rows

    @np.errstate(all="ignore")
    def _answers(self, array: np.ndarray) -> AnyAnswers:
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
