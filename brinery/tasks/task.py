"""Tasks: what kinds of answers there are. A new one is a file beside these and a name here."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import numpy as np
from pydantic import Field

from brinery.tasks.classification import Classification, ClassificationDetails
from brinery.tasks.difference import Difference
from brinery.tasks.regression import Regression, RegressionDetails

# Answers to rows, of one of the tasks. All have a length, `[rows]` for some of them, and `predicted`, what each row is
# answered with; the rest is for the task and those that know it.
AnyAnswers = Any


class Task(Protocol):
    """What every task knows of its answers, each of its own kind."""

    @property
    def kind(self) -> str: ...

    @property
    def text(self) -> str:
        """What the task is, in words."""
        ...

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What the task is, for people."""
        ...

    def tolerance(self, answers: Any) -> float:
        """How much the numbers in these answers may differ between two forms of one model."""
        ...

    @property
    def agreement(self) -> str:
        """What it means that two forms of one model answer alike; the largest difference follows."""
        ...

    def is_of(self, estimator: Any) -> bool:
        """Whether a fitted estimator of scikit-learn's kind has this task."""
        ...

    def answers(self, predicted: np.ndarray | None, numbers: np.ndarray | None, /, tie: float = 0.0) -> AnyAnswers:
        """Answers from what a model predicts, and from the numbers that it gives beside it or instead."""
        ...

    def joined(self, parts: Sequence[Any]) -> AnyAnswers:
        """The answers to rows that came in parts."""
        ...

    def packed(self, answers: Any) -> dict[str, np.ndarray]:
        """Answers as arrays of whole numbers and of doubles, for another process."""
        ...

    def unpacked(self, packed: Mapping[str, np.ndarray], rows: int) -> AnyAnswers:
        """Answers to so many rows from the arrays of `packed`; KeyError or ValueError where they are none."""
        ...

    def written(self, answers: Any) -> list[dict[str, Any]]:
        """One JSON object a row, as every answer carries it."""
        ...

    def columns(self, answers: Any) -> dict[str, np.ndarray]:
        """Answers as columns of a table, shape (rows,), by name; the same names and types whatever the answers are."""
        ...

    def of_columns(self, columns: Mapping[str, np.ndarray]) -> AnyAnswers:
        """Answers from columns, as `columns` makes them; KeyError or ValueError where they are none."""
        ...

    def read(self, written: Sequence[Mapping[str, Any]]) -> AnyAnswers:
        """Answers from JSON objects, as `written` makes them; KeyError or ValueError where they are none."""
        ...

    def difference(self, ours: Any, theirs: Any, *, tied: np.ndarray | None = None) -> Difference:
        """How two models' answers to the same rows differ; of rows that are `tied`, in numbers alone."""
        ...

    def unanswered(self, answers: Any) -> Iterable[int]:
        """Rows that have no finite answer, as where a value overflowed inside the model."""
        ...

    def answer_schema(self) -> dict[str, Any]:
        """The JSON schema of one written answer."""
        ...


if TYPE_CHECKING:
    AnyTask = Task
    AnyDetails = Any
else:
    AnyTask = Annotated[Classification | Regression, Field(discriminator="kind")]
    AnyDetails = Annotated[ClassificationDetails | RegressionDetails, Field(discriminator="kind")]
