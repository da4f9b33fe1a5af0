"""Classification: an answer is one of a few labels, with the probability of each where the model gives them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress, pairwise
from math import isfinite
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, StrictBool, StrictInt, StrictStr, model_validator

from brinery.tasks.difference import Difference
from brinery.tasks.interval import Interval

Label = StrictBool | StrictInt | StrictStr
Bounds = tuple[FiniteFloat, FiniteFloat]
TOLERANCE = 1e-5  # of a probability, between two forms of one model


def label_text(label: Label) -> str:
    """A class as JSON writes it, a text without its quotes."""
    return str(label).lower() if isinstance(label, bool | np.bool_) else str(label)


def _apart(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Each row's largest difference, shape (rows,); what both do not know is none, and what one alone does not know is
    endless.
    """
    with np.errstate(invalid="ignore"):
        difference = np.where(np.isnan(ours) & np.isnan(theirs), 0.0, np.abs(ours - theirs))
    return np.asarray(np.where(np.isnan(difference), np.inf, difference).max(axis=1, initial=0.0))


@dataclass(frozen=True)
class Answers:
    """Answers to rows: which class each one is, and probabilities, where the model gives them.

    Either of `labels` and `indices`, shape (rows,), is given, whichever the model says; the other follows from
    `classes`, sorted, shape (classes,), when it is first asked for. `probabilities` has shape (rows, classes).
    """

    classes: np.ndarray
    probabilities: NDArray[np.floating[Any]] | None
    given_labels: np.ndarray | None = None
    given_indices: NDArray[np.intp] | None = None

    @cached_property
    def labels(self) -> np.ndarray:
        """The classes themselves, shape (rows,)."""
        return self.classes[self.given_indices] if self.given_labels is None else self.given_labels

    @cached_property
    def indices(self) -> NDArray[np.intp]:
        """Positions in `classes`, shape (rows,)."""
        if self.given_indices is not None:
            return self.given_indices
        return np.searchsorted(self.classes, self.labels)

    @property
    def predicted(self) -> np.ndarray:
        """What each row is answered with, shape (rows,)."""
        return self.labels

    def __len__(self) -> int:
        given = self.given_indices if self.given_labels is None else self.given_labels
        return 0 if given is None else len(given)

    def __getitem__(self, rows: slice | np.ndarray) -> Self:
        """The answers to some of the rows."""
        return type(self)(
            self.classes,
            None if self.probabilities is None else self.probabilities[rows],
            None if self.given_labels is None else self.given_labels[rows],
            None if self.given_indices is None else self.given_indices[rows],
        )


class ClassMetrics(BaseModel):
    """Precision and recall of one class with their 95 % intervals, and its rows among the held-out ones."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    precision: FiniteFloat
    precision_interval: Bounds
    recall: FiniteFloat
    recall_interval: Bounds
    support: int


class CalibrationBin(BaseModel):
    """Held-out rows whose answer's probability was `least` or more, below that of the next; how many were right."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    least: Annotated[FiniteFloat, Field(ge=0, le=1)]
    rows: Annotated[int, Field(ge=1)]
    right: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _right_are_rows(self) -> Self:
        if self.right > self.rows:
            raise ValueError("more rows were right than there are")
        return self


class ClassificationDetails(BaseModel):
    """What stands beside a classifier's metrics.

    `classes` is in the order of the task's; `confusion[i][j]` counts rows of class i answered with class j, and is
    null above 100 classes. `calibration` is how often answers were right by their probability, from 0 on; null where
    there are no probabilities, and in versions that were published before there was one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["classification"] = "classification"
    classes: tuple[ClassMetrics, ...]
    confusion: tuple[tuple[int, ...], ...] | None
    calibration: Annotated[tuple[CalibrationBin, ...], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _bins_are_in_order(self) -> Self:
        least = [each.least for each in self.calibration or ()]
        if least[:1] not in ([], [0.0]) or any(a >= b for a, b in pairwise(least)):
            raise ValueError("calibration has bins from 0 on, each above the one before")
        return self


class Classification(BaseModel):
    """The task of a classifier: its labels, sorted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["classification"] = "classification"
    classes: Annotated[tuple[Label, ...], Field(min_length=2)]
    interval: Interval | None = None
    threshold: Annotated[FiniteFloat, Field(gt=0, lt=1)] | None = None

    @model_validator(mode="after")
    def _threshold_is_of_two(self) -> Self:
        if self.threshold is not None and len(self.classes) != 2:
            raise ValueError("threshold is of two classes")
        return self

    @cached_property
    def labels(self) -> np.ndarray:
        """The classes as an array, shape (classes,)."""
        return np.asarray(self.classes)

    @cached_property
    def keys(self) -> list[str]:
        """The classes as keys of a JSON object."""
        return list(map(label_text, self.classes))

    def tolerance(self, answers: Answers) -> float:
        """How much the numbers in these answers may differ between two forms of one model."""
        return TOLERANCE

    @property
    def agreement(self) -> str:
        """What it means that two forms of one model answer alike; the largest difference follows."""
        return "the same labels, probabilities within"

    @property
    def text(self) -> str:
        """What the task is, in words."""
        return f"classification into {', '.join(map(str, self.classes))}"

    def is_of(self, estimator: Any) -> bool:
        """Whether a fitted estimator of scikit-learn has this task."""
        return bool(np.asarray(estimator.classes_).tolist() == list(self.classes))

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What the task is, for people."""
        facts = [("classes", ", ".join(map(str, self.classes)))]
        if self.threshold is not None:
            facts.append(("threshold", f"{self.classes[1]} from a probability of {self.threshold:g} on"))
        if self.interval is not None:
            least = max(0.0, 1 - self.interval.quantile)
            facts.append(
                ("labels", f"{self.interval.text}: the answer, and those of a probability of {least:.6g} or more")
            )
        return facts

    def answers(
        self, predicted: np.ndarray | None, probabilities: NDArray[np.floating[Any]] | None, tie: float = 0.0
    ) -> Answers:
        """Answers from what a model gives.

        Args:
            predicted: labels, shape (rows,); None where the label is that of the largest probability. With a threshold
                they are not looked at: the second class is answered from that probability on.
            probabilities: shape (rows, classes), or None.
            tie: probabilities this close to the largest count as equal to it, and the first class wins.
        """
        if self.threshold is not None and probabilities is not None:
            indices = (probabilities[:, 1] >= self.threshold).astype(np.intp)
            return Answers(self.labels, probabilities, given_indices=indices)
        if predicted is not None:
            return Answers(self.labels, probabilities, given_labels=np.asarray(predicted, dtype=self.labels.dtype))
        if probabilities is None:
            raise ValueError("a classifier gives labels, probabilities or both")
        if tie:
            indices = (probabilities > probabilities.max(axis=1, keepdims=True) - tie).argmax(axis=1)
        else:
            indices = probabilities.argmax(axis=1)
        return Answers(self.labels, probabilities, given_indices=indices)

    def joined(self, parts: Sequence[Answers]) -> Answers:
        """The answers to rows that came in parts."""
        probabilities = [part.probabilities for part in parts if part.probabilities is not None]
        return Answers(
            self.labels,
            np.concatenate(probabilities) if probabilities else None,
            given_indices=np.concatenate([np.zeros(0, np.intp), *(part.indices for part in parts)]),
        )

    def packed(self, answers: Answers) -> dict[str, np.ndarray]:
        """Answers as arrays of whole numbers and of doubles, for another process."""
        packed: dict[str, np.ndarray] = {"indices": answers.indices.astype(np.int64)}
        if answers.probabilities is not None:
            packed["probabilities"] = answers.probabilities.astype(np.float64)
        return packed

    def unpacked(self, packed: Mapping[str, np.ndarray], rows: int) -> Answers:
        """Answers to so many rows from the arrays of `packed`.

        Raises:
            KeyError, ValueError: they are none of this task, or of another number of rows.
        """
        indices, probabilities = packed["indices"], packed.get("probabilities")
        if (
            indices.shape != (rows,)
            or indices.dtype != np.int64
            or ((indices < 0) | (indices >= len(self.classes))).any()
        ):
            raise ValueError("its labels are none of the classes, one a row")
        if probabilities is not None and probabilities.shape != (rows, len(self.classes)):
            raise ValueError("its probabilities are not one for each class and row")
        return Answers(self.labels, probabilities, given_indices=indices)

    def written(self, answers: Answers) -> list[dict[str, Any]]:
        """One JSON object a row, as every answer carries it."""
        written: list[dict[str, Any]] = [{"prediction": label} for label in answers.labels.tolist()]
        if answers.probabilities is not None:
            for answer, row in zip(written, answers.probabilities.tolist(), strict=True):
                answer["probabilities"] = dict(zip(self.keys, row, strict=True))
                if self.threshold is not None:
                    answer["threshold"] = self.threshold
            if self.interval is not None:
                for answer, labels in zip(written, self._held(answers, answers.probabilities), strict=True):
                    answer["labels"] = list(compress(self.classes, labels))
        return written

    def columns(self, answers: Answers) -> dict[str, np.ndarray]:
        """Answers as columns of a table, shape (rows,): `prediction`, and where the model gives probabilities
        `p_<label>` of each class and, with an interval, `in_<label>`: whether the answer holds that label."""
        columns = {"prediction": answers.labels}
        if answers.probabilities is not None:
            shares = np.ascontiguousarray(answers.probabilities.T, dtype=np.float64)
            columns |= {f"p_{key}": share for key, share in zip(self.keys, shares, strict=True)}
            if self.interval is not None:
                held = self._held(answers, answers.probabilities).T
                columns |= {f"in_{key}": each for key, each in zip(self.keys, held, strict=True)}
        return columns

    def of_columns(self, columns: Mapping[str, np.ndarray]) -> Answers:
        """Answers from columns, as `columns` makes them; KeyError or ValueError where they are none."""
        shares = [columns[f"p_{key}"] for key in self.keys] if f"p_{self.keys[0]}" in columns else None
        labels = np.asarray(columns["prediction"], dtype=self.labels.dtype)
        return Answers(self.labels, None if shares is None else np.stack(shares, axis=1), given_labels=labels)

    def _held(self, answers: Answers, probabilities: np.ndarray) -> np.ndarray:
        """Which labels each answer holds, shape (rows, classes)."""
        held = probabilities >= self._likely
        held[np.arange(len(held)), answers.indices] = True  # an accurate model has unsure answers that hold none
        return np.asarray(held)

    @property
    def _likely(self) -> float:
        """The least probability of a label that an answer holds; rounding of one format or another leaves it in."""
        return 1 - (self.interval.quantile if self.interval else 1.0) - TOLERANCE

    def read(self, written: Sequence[Mapping[str, Any]]) -> Answers:
        """Answers from JSON objects, as `written` makes them.

        Raises:
            KeyError, ValueError: they are none of this task.
        """
        labels = [answer["prediction"] for answer in written]
        unknown = [label for label in labels if not any(label is each or label == each for each in self.classes)]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is none of the classes")
        probabilities = None
        if any("probabilities" in answer for answer in written):
            rows = [[answer["probabilities"][key] for key in self.keys] for answer in written]
            probabilities = np.array(rows, dtype=np.float64)
        return self.answers(np.array(labels, dtype=self.labels.dtype), probabilities)

    def difference(self, ours: Answers, theirs: Answers, *, tied: np.ndarray | None = None) -> Difference:
        """How two models' answers to the same rows differ; those of other classes in labels alone.

        Args:
            tied: rows whose labels are not compared, shape (rows,).
        """
        differs = ours.labels != theirs.labels
        differs = differs if tied is None else differs & ~tied
        other = int(differs.sum())
        largest = None
        alike = other == 0 and (ours.probabilities is None) == (theirs.probabilities is None)
        text = f"{other} of {len(ours)} get another label"
        if ours.probabilities is not None and theirs.probabilities is not None:
            if np.array_equal(ours.classes, theirs.classes):
                apart = _apart(ours.probabilities, theirs.probabilities)
                largest, differs = float(apart.max(initial=0.0)), differs | (apart > TOLERANCE)
                text += f"; a probability differs by {largest:.2g} at most"
            alike = alike and largest is not None and largest <= TOLERANCE
        elif (ours.probabilities is None) != (theirs.probabilities is None):
            text += "; only one of them gives probabilities"
        facts = {"other_label": other, "largest_difference_of_a_probability": largest}
        return Difference(len(ours), int(differs.sum()), alike, largest, text, facts)

    def unanswered(self, answers: Answers) -> Iterable[int]:
        """Rows that have no finite answer, as where a value overflowed inside the model."""
        if answers.probabilities is None:
            return ()
        if len(answers.probabilities) == 1:  # numpy takes longer to be asked than one row does
            return () if all(map(isfinite, answers.probabilities[0].tolist())) else (0,)
        finite = np.isfinite(answers.probabilities)
        return () if finite.all() else np.flatnonzero(~finite.all(axis=1)).tolist()

    def answer_schema(self) -> dict[str, Any]:
        """The JSON schema of one written answer."""
        share = {"type": "number", "minimum": 0, "maximum": 1}
        labels = {"enum": list(self.classes)}
        properties: dict[str, Any] = {
            "prediction": labels,
            "probabilities": {"type": "object", "additionalProperties": share},
        }
        if self.threshold is not None:
            properties["threshold"] = share
        if self.interval is not None:
            properties["labels"] = {"type": "array", "items": labels}
        return {"type": "object", "required": ["prediction"], "properties": properties}
