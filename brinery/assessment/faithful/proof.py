"""The proof that a converted model answers as the fitted one does, on rows that look for differences."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import itemgetter
from typing import Any

import numpy as np

from brinery.assessment.assessor import Assessor
from brinery.assessment.faithful.probes import Probe
from brinery.assessment.faithful.ties import why_open
from brinery.errors import words_of
from brinery.formats.predictor import Predictor
from brinery.tasks.difference import Difference
from brinery.tasks.task import AnyAnswers, AnyTask

LEAST = 0.1  # of the rows, on which the model must be decided for there to be a proof
LEAST_ROWS = 10_000  # on which it must be, where there are as many different ones
RARE = 0.05  # of the rows that were not made up for it, that may tie for those to be left out that were
SELDOM, SELDOM_OF_A_KIND = 0.01, 0.05  # of the rows, that may get another answer where the fitted model itself ties
DRAWS = 8  # of further rows, until there are enough
MAX_QUESTIONS = 1_000  # to find the rows of a kind that have no answer
CHUNK = 1_000  # rows that a converted model is asked at once: it writes out what the fitted one has sparse


@dataclass(frozen=True)
class Expected:
    """A probe with the fitted model's own answers.

    `tied` and `open` are rows, shape (rows,), on which it ties with itself: in the label, and in all of the answer;
    `excused` are those of the open ones that may be answered either way, and `because` says what makes rows open.
    `refused` are rows of that kind to which it has none, shape (rows, features), and `why` what it raised.
    """

    probe: Probe
    answers: AnyAnswers
    tied: np.ndarray
    open: np.ndarray
    excused: np.ndarray
    because: str
    refused: np.ndarray
    why: str


@dataclass(frozen=True)
class Proof:
    """What was tried: rows by kind, the largest difference of a number, rows that tie, and the first fault, if any.

    `otherwise` are those of the rows that tie that were seen to get another answer; `agreement` are the task's words
    for what holds within that difference.
    """

    rows: dict[str, int]
    largest: float | None
    ties: int
    agreement: str = ""
    fault: str = ""
    otherwise: int = 0

    @property
    def text(self) -> str:
        """What was tried, for people."""
        if self.fault:
            return self.fault
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in self.rows.items())
        within = "the same answers" if self.largest is None else f"{self.agreement} {self.largest:.1g}"
        ties = (
            f"; {self.ties:,} rows on which the model ties with itself may be answered either way" if self.ties else ""
        )
        some = f", and {self.otherwise:,} of them were answered otherwise" if self.otherwise else ""
        return f"{within}, on {kinds}{ties}{some}"


def expect(
    assessor: Assessor, fitted: Any, probes: Sequence[Probe], more: Callable[[int], Probe] | None = None
) -> list[Expected]:
    """The fitted model's answers to the probes, asked once for all conversions.

    Rows on which it ties with itself are excused where they were made up for that, and where other rows seldom tie.

    Args:
        more: draws so many further rows, or those that are left, where the probes leave too few to prove anything by.
    """
    found = [each for probe in probes for each in _expected(assessor, fitted, probe)]
    natural = [each for each in found if not each.probe.between]
    rare = sum(int(each.open.sum()) for each in natural) <= RARE * sum(len(each.open) for each in natural)
    found = [replace(each, excused=each.open & (each.probe.between and rare)) for each in found]
    for _ in range(DRAWS if more else 0):
        missing = LEAST_ROWS - sum(int((~each.excused).sum()) for each in found)
        probe = more(missing) if more and missing > 0 else None
        if probe is None or not len(probe.rows):
            break
        found += _expected(assessor, fitted, probe)
    return found


def _expected(assessor: Assessor, fitted: Any, probe: Probe) -> Iterator[Expected]:
    """What is expected of a probe's rows, none of which is excused; nothing where no row has an answer."""
    with np.errstate(all="ignore"):  # a row far off may overflow within the model
        ask = partial(assessor.answers, fitted)
        answered, refused, why = np.arange(len(probe.rows)), np.zeros(0, dtype=np.intp), ""
        try:
            answers = ask(probe.rows)
        except Exception:  # a model raises whatever it likes
            answered, refused, why = _sorted_out(ask, probe.rows)
            answers = ask(probe.rows[answered]) if len(answered) else None
        if answers is not None:
            rows = probe.rows[answered]
            tied, open_rows = assessor.ties(fitted, rows, answers)
            of_them = replace(probe, rows=rows)
            excused, because = np.zeros(len(rows), dtype=bool), why_open(fitted)
            yield Expected(of_them, answers, tied, open_rows, excused, because, probe.rows[refused], why)


def _sorted_out(ask: Callable[[np.ndarray], Any], rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, str]:
    """Positions of rows that have an answer, and of those that have none, and what was raised of the first of these;
    where there are many of both, of some.
    """
    answered: list[np.ndarray] = []
    refused: list[np.ndarray] = []
    why = ""
    parts = [np.arange(len(rows))]
    for _ in range(MAX_QUESTIONS):
        if not parts:
            break
        part = parts.pop()
        try:
            ask(rows[part])
            answered.append(part)
        except Exception as exc:  # a model raises whatever it likes
            if len(part) == 1:
                refused.append(part)
                why = why or words_of(exc, 200)
            else:
                parts += np.array_split(part, min(len(part), 8))
    nothing = [np.zeros(0, dtype=np.intp)]
    return np.sort(np.concatenate(nothing + answered)), np.sort(np.concatenate(nothing + refused)), why


def in_chunks(task: AnyTask, model: Predictor, rows: np.ndarray) -> AnyAnswers:
    """A converted model's answers to rows, shape (rows, features), asked a few at a time."""
    return task.joined([model.predict(rows[start : start + CHUNK]) for start in range(0, len(rows), CHUNK)])


def prove(task: AnyTask, model: Predictor, expected: Sequence[Expected]) -> Proof:
    """Ask a converted model all that the fitted one was asked, up to the first kind of rows with another answer.

    Rows that are open, as where neighbours are equally far and scikit-learn takes those that its search comes to first,
    may have another one where such rows are `SELDOM`.
    """
    rows: dict[str, int] = {}
    largest: float | None = None
    ties = otherwise = 0
    unlike: list[tuple[float, Expected]] = []
    for each in expected:
        fixed = np.flatnonzero(~each.excused)
        ties += int((each.tied | each.excused).sum())
        rows[each.probe.kind] = rows.get(each.probe.kind, 0) + len(fixed)
        fault = _fault_of_refused(task, model, each)
        if fault:
            return Proof(rows, largest, ties, fault=fault)
        others = 0
        for start in range(0, len(fixed), CHUNK):
            picked = fixed[start : start + CHUNK]
            found = model.predict(each.probe.rows[picked])
            difference = task.difference(found, each.answers[picked], tied=each.tied[picked])
            if not difference.alike:
                others += difference.differing
                closed = ~each.open[picked]
                picked = picked[closed]
                difference = task.difference(found[closed], each.answers[picked], tied=each.tied[picked])
            if difference.largest is not None:
                largest = max(largest or 0.0, difference.largest)
            if not difference.alike or others > max(1, SELDOM_OF_A_KIND * len(fixed)):
                return Proof(rows, largest, ties, fault=_fault_of(task, model, each))
        rows[each.probe.kind] -= others
        ties, otherwise = ties + others, otherwise + others
        if others:
            unlike.append((others / max(1, len(fixed)), each))
    decided, asked = sum(rows.values()), sum(len(each.probe.rows) for each in expected)
    if decided < LEAST * asked:
        return Proof(rows, largest, ties, fault=f"the model ties with itself on {asked - decided:,} of {asked:,} rows")
    if otherwise > SELDOM * asked:
        return Proof(rows, largest, ties, fault=_fault_of(task, model, max(unlike, key=itemgetter(0))[1]))
    return Proof(rows, largest, ties, task.agreement, otherwise=otherwise)


def _fault_of(task: AnyTask, model: Predictor, expected: Expected) -> str:
    """What differs on rows that are not open, or where only open ones differ, on all rows of the probe."""
    closed = np.flatnonzero(~expected.open & ~expected.excused)

    def difference(some: np.ndarray) -> Difference:
        found = in_chunks(task, model, expected.probe.rows[some])
        return task.difference(found, expected.answers[some], tied=expected.tied[some])

    if len(closed) and not (apart := difference(closed)).alike:
        return f"of the {expected.probe.kind}, {apart.text}"
    whole = difference(np.flatnonzero(~expected.excused))
    return f"{expected.because}: of the {expected.probe.kind}, {whole.differing} of {whole.rows} differ; {whole.text}"


def _fault_of_refused(task: AnyTask, model: Predictor, expected: Expected) -> str:
    """What is wrong where a converted model answers rows to which the fitted one has no answer."""
    if not len(expected.refused):
        return ""
    found = model.predict(expected.refused)
    answered = len(expected.refused) - len(list(task.unanswered(found)))
    if not answered:
        return ""
    return f"of the {expected.probe.kind}, {answered} get an answer, and the fitted model has none: {expected.why}"
