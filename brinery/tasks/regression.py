"""Regression: an answer is a number."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from brinery.tasks.difference import Difference
from brinery.tasks.interval import Interval

TOLERANCE = 1e-5  # of the target's deviation, or of how far a number is from its mean where that is more
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)

Bounds = tuple[FiniteFloat, FiniteFloat]


@dataclass(frozen=True)
class Estimates:
    """Answers to rows: a number each, shape (rows,)."""

    values: NDArray[np.float64]

    @property
    def predicted(self) -> NDArray[np.float64]:
        """What each row is answered with, shape (rows,)."""
        return self.values

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: slice | np.ndarray) -> Self:
        """The answers to some of the rows."""
        return type(self)(self.values[rows])


class RegressionDetails(BaseModel):
    """What stands beside a regressor's metrics.

    `bias` is the mean of answer less truth, with its 95 % interval; `residuals` are its quantiles at 0, 5, 25, 50, 75,
    95 and 100 %.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["regression"] = "regression"
    bias: FiniteFloat
    bias_interval: Bounds
    residuals: Annotated[tuple[FiniteFloat, ...], Field(min_length=len(QUANTILES), max_length=len(QUANTILES))]


class Regression(BaseModel):
    """The task of a regressor: numbers about the `mean` of the truth in training, by its standard `deviation`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["regression"] = "regression"
    mean: FiniteFloat
    deviation: Annotated[FiniteFloat, Field(gt=0)]
    interval: Interval | None = None

    def tolerance(self, answers: Estimates) -> float:
        """How much the numbers in these answers may differ between two forms of one model."""
        return TOLERANCE * float(self._scale(answers).max(initial=self.deviation))

    def _scale(self, answers: Estimates) -> np.ndarray:
        """What a difference is measured by, shape (rows,): what is far from the mean may differ by more."""
        return np.maximum(np.abs(answers.values - self.mean), self.deviation)

    @property
    def agreement(self) -> str:
        """What it means that two forms of one model answer alike; the largest difference follows."""
        return "the same numbers, by the target's deviation within"

    @property
    def text(self) -> str:
        """What the task is, in words."""
        return "regression"

    def is_of(self, estimator: Any) -> bool:
        """Whether a fitted estimator of scikit-learn's kind has this task."""
        return hasattr(estimator, "predict") and not hasattr(estimator, "classes_")

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What the task is, for people."""
        facts = [("target", f"{self.mean:.6g} ± {self.deviation:.6g} in training")]
        if self.interval is not None:
            facts.append(("interval", f"{self.interval.text}: ± {self.interval.quantile:.6g}"))
        return facts

    def answers(self, predicted: np.ndarray | None, numbers: np.ndarray | None, tie: float = 0.0) -> Estimates:
        """Answers from what a model gives, either of the two, shape (rows,) or (rows, 1); `tie` is of classifiers."""
        given = numbers if predicted is None else predicted
        if given is None:
            raise ValueError("a regressor gives numbers")
        values = np.asarray(given, dtype=np.float64)
        return Estimates(values.reshape(len(values)))

    def joined(self, parts: Sequence[Estimates]) -> Estimates:
        """The answers to rows that came in parts."""
        return Estimates(np.concatenate([np.zeros(0), *(part.values for part in parts)]))

    def packed(self, answers: Estimates) -> dict[str, np.ndarray]:
        """Answers as arrays of whole numbers and of doubles, for another process."""
        return {"values": answers.values}

    def unpacked(self, packed: Mapping[str, np.ndarray], rows: int) -> Estimates:
        """Answers to so many rows from the arrays of `packed`.

        Raises:
            KeyError, ValueError: they are none of this task, or of another number of rows.
        """
        values = packed["values"]
        if values.shape != (rows,) or values.dtype != np.float64:
            raise ValueError("its numbers are not one a row")
        return Estimates(values)

    def written(self, answers: Estimates) -> list[dict[str, Any]]:
        """One JSON object a row, as every answer carries it."""
        written: list[dict[str, Any]] = [{"prediction": value} for value in answers.values.tolist()]
        if self.interval is not None:
            width = self.interval.quantile
            for answer in written:
                answer["interval"] = [answer["prediction"] - width, answer["prediction"] + width]
        return written

    def columns(self, answers: Estimates) -> dict[str, np.ndarray]:
        """Answers as columns of a table, shape (rows,): `prediction`, and with an interval its two ends."""
        columns: dict[str, np.ndarray] = {"prediction": answers.values}
        if self.interval is not None:
            columns["interval_low"] = answers.values - self.interval.quantile
            columns["interval_high"] = answers.values + self.interval.quantile
        return columns

    def of_columns(self, columns: Mapping[str, np.ndarray]) -> Estimates:
        """Answers from columns, as `columns` makes them; KeyError or ValueError where they are none."""
        return Estimates(np.asarray(columns["prediction"], dtype=np.float64))

    def read(self, written: Sequence[Mapping[str, Any]]) -> Estimates:
        """Answers from JSON objects, as `written` makes them.

        Raises:
            KeyError, ValueError: they are none of this task.
        """
        values = [answer["prediction"] for answer in written]
        wrong = [value for value in values if isinstance(value, bool) or not isinstance(value, int | float)]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is no number")
        return Estimates(np.array(values, dtype=np.float64))

    def difference(self, ours: Estimates, theirs: Estimates, *, tied: np.ndarray | None = None) -> Difference:
        """How two models' answers to the same rows differ, in deviations, or distances from the mean that are more."""
        with np.errstate(invalid="ignore", over="ignore"):
            found = np.abs(ours.values - theirs.values) / self._scale(theirs)
        same = (ours.values == theirs.values) | (np.isnan(ours.values) & np.isnan(theirs.values))
        found = np.where(same, 0.0, np.where(np.isnan(found), np.inf, found))
        largest = float(found.max(initial=0.0))
        other = int((found > TOLERANCE).sum())
        text = f"{other} of {len(ours)} get another number; one differs by {largest:.2g} deviations at most"
        facts = {"other_number": other, "largest_difference_in_deviations": largest}
        return Difference(len(ours), other, other == 0, largest, text, facts)

    def unanswered(self, answers: Estimates) -> Iterable[int]:
        """Rows that have no finite answer, as where a value overflowed inside the model."""
        return np.flatnonzero(~np.isfinite(answers.values)).tolist()

    def answer_schema(self) -> dict[str, Any]:
        """The JSON schema of one written answer."""
        number = {"type": "number"}
        properties: dict[str, Any] = {"prediction": number}
        if self.interval is not None:
            properties["interval"] = {"type": "array", "items": number, "minItems": 2, "maxItems": 2}
        return {"type": "object", "required": list(properties), "properties": properties}
