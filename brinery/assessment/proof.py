"""The proof that a converted model answers as the fitted one does, on rows that look for differences."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from brinery.assessment.assessor import Assessor
from brinery.assessment.probes import Probe
from brinery.formats.predictor import Predictor
from brinery.tasks.task import AnyAnswers, AnyTask

CHUNK = 1_000  # rows that a converted model is asked at once: it writes out what the fitted one has sparse


@dataclass(frozen=True)
class Expected:
    """A probe with the fitted model's own answers.

    `tied` and `open` are rows, shape (rows,), on which it ties with itself: in the label, and in all of the answer.
    """

    probe: Probe
    answers: AnyAnswers
    tied: np.ndarray
    open: np.ndarray


@dataclass(frozen=True)
class Proof:
    """What was tried: rows by kind, the largest difference of a number, rows that tie, and the first fault, if any.

    `agreement` are the task's words for what holds within that difference.
    """

    rows: dict[str, int]
    largest: float | None
    ties: int
    agreement: str = ""
    fault: str = ""

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
        return f"{within}, on {kinds}{ties}"


def expect(assessor: Assessor, fitted: Any, probes: Sequence[Probe]) -> list[Expected]:
    """The fitted model's answers to the probes, asked once for all conversions."""
    found = []
    for probe in probes:
        with np.errstate(all="ignore"):  # a row far off may overflow within the model
            answers = assessor.answers(fitted, probe.rows)
        found.append(Expected(probe, answers, *assessor.ties(fitted, probe.rows, answers)))
    return found


def in_chunks(task: AnyTask, model: Predictor, rows: np.ndarray) -> AnyAnswers:
    """A converted model's answers to rows, shape (rows, features), asked a few at a time."""
    return task.joined([model.predict(rows[start : start + CHUNK]) for start in range(0, len(rows), CHUNK)])


def prove(task: AnyTask, model: Predictor, expected: Sequence[Expected]) -> Proof:
    """Ask a converted model all that the fitted one was asked, up to the first kind of rows with another answer."""
    rows: dict[str, int] = {}
    largest: float | None = None
    ties = 0
    for each in expected:
        fixed = np.flatnonzero(~each.open)
        ties += int((each.tied | each.open).sum())
        rows[each.probe.kind] = len(fixed)
        for start in range(0, len(fixed), CHUNK):
            picked = fixed[start : start + CHUNK]
            found = model.predict(each.probe.rows[picked])
            difference = task.difference(found, each.answers[picked], tied=each.tied[picked])
            if difference.largest is not None:
                largest = max(largest or 0.0, difference.largest)
            if not difference.alike:
                return Proof(rows, largest, ties, fault=f"of the {each.probe.kind}, {difference.text}")
    return Proof(rows, largest, ties, task.agreement)
