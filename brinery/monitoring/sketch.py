"""Sketches: rows and answers counted in the bins of a version's profile; nothing else is kept of them."""

from collections import Counter
from collections.abc import Buffer, Sequence
from itertools import pairwise
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

from brinery.rows.feature import Feature
from brinery.tasks.task import AnyAnswers, AnyTask

AT_ONCE = 1000  # rows that are counted together
MOST_BINS = 100_000  # of a feature
Count = Annotated[int, Field(ge=0)]
Counts = list[int]


class Part(BaseModel):
    """Part of a profile: it knows its keys, and cannot be changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Bins(Part):
    """Numbers in ranges: bin i holds what is above edge i - 1, up to edge i, which is in it.

    The first bin holds what is below all of training, and the last what is above. `centers` are the means of the
    training values in each bin, or of a sample of these, `counts` those values, with the missing ones at the end;
    `mean` and `deviation` are of all that were there. Dates are days since 1970, texts the number of their letters.
    """

    kind: Literal["bins"] = "bins"
    edges: tuple[FiniteFloat, ...]
    centers: tuple[FiniteFloat, ...]
    counts: Annotated[tuple[Count, ...], Field(max_length=MOST_BINS)]
    mean: FiniteFloat
    deviation: Annotated[FiniteFloat, Field(ge=0)]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        edges = self.edges
        if len(self.centers) != len(edges) + 1 or len(self.counts) != len(edges) + 2:
            raise ValueError(
                f"{len(edges)} edges, {len(self.centers)} centers and {len(self.counts)} counts do not fit"
            )
        if any(left >= right for left, right in pairwise(edges)):
            raise ValueError("the edges do not rise")
        return self


class Values(Part):
    """Categories, booleans or labels, each counted by itself; then come all others, and the missing ones."""

    kind: Literal["values"] = "values"
    values: tuple[str, ...]
    counts: Annotated[tuple[Count, ...], Field(max_length=MOST_BINS)]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.counts) != len(self.values) + 2 or len(set(self.values)) != len(self.values):
            raise ValueError(f"{len(self.values)} values, or the same twice, and {len(self.counts)} counts do not fit")
        return self


Column = Annotated[Bins | Values, Field(discriminator="kind")]


def counted(values: np.ndarray, edges: Sequence[float]) -> Counts:
    """How many of some numbers, shape (rows,), are in each of the ranges of `Bins`, and how many are missing."""
    # One pass an edge takes a fifth of the time of sorting the values, or of searching for each.
    ends = [int(np.count_nonzero(values <= edge)) for edge in (*edges, np.inf)]
    return [end - begin for begin, end in zip([0, *ends], [*ends, len(values)], strict=True)]


def counted_truths(numbers: np.ndarray) -> Counts:
    """How many of some booleans are false, true, none of them, and missing; 0, 1 and NaN, shape (rows,)."""
    false, true = (int(np.count_nonzero(numbers == truth)) for truth in (0, 1))
    return [false, true, 0, len(numbers) - false - true]


def counted_texts(texts: np.ndarray, known: Sequence[str]) -> Counts:
    """How many of some texts, shape (rows,), are each of those that are known, another one, and missing, as None is."""
    found = Counter(texts.tolist())
    missing, counts = found.pop(None, 0), [found.pop(value, 0) for value in known]
    return [*counts, found.total(), missing]


def lengths(texts: np.ndarray) -> np.ndarray:
    """How many letters texts have, shape (rows,); one without any is missing."""
    return np.array([len(text) or np.nan for text in texts], dtype=np.float64)


def labels_of(task: AnyTask) -> tuple[str, ...] | None:
    """What a classifier's answers are counted by, in the order of its classes; None of what answers numbers."""
    keys: list[str] | None = getattr(task, "keys", None)
    return None if keys is None else tuple(keys)


class Profile(Part):
    """What training saw: each feature in the `rows` that the model was fitted on, by name in their order, and the
    answers to the held-out ones."""

    rows: int
    features: dict[str, Column]
    answers: Column

    @classmethod
    def read(cls, data: Buffer) -> "Profile":
        """The profile that a version's `profile.json` is; ValidationError where it is none."""
        return cls.model_validate_json(memoryview(data).tobytes(), strict=True)


class Sketch:
    """Counts of rows and of their answers; one thread at a time may use it."""

    def __init__(self, profile: Profile, features: Sequence[Feature]) -> None:
        """Nothing is counted yet.

        Raises:
            KeyError, ValueError: the profile is not of these features.
        """
        columns = [profile.features[feature.name] for feature in features]
        for column, feature in zip(columns, features, strict=True):
            if (column.kind == "values") != (feature.kind in ("category", "boolean")):
                raise ValueError(f"{feature.name} is a {feature.kind}, and its profile has {column.kind}")
        self._columns = [_Counted(column, feature.kind) for column, feature in zip(columns, features, strict=True)]
        self._answers = _Counted(profile.answers, "answer")
        self._waiting: list[tuple[np.ndarray, np.ndarray]] = []
        self._held = 0
        self.rows = 0

    def add(self, rows: np.ndarray, answers: AnyAnswers) -> None:
        """Count rows, shape (rows, features) as the parser makes them, and the answers that they were given.

        A few are held until there are more: counting many at once takes a fifth of the time a row.
        """
        indices = getattr(answers, "indices", None)  # a classifier's labels, by their places
        self._waiting.append((rows, answers.predicted if indices is None else indices))
        self._held += len(rows)
        self.rows += len(rows)
        if self._held >= AT_ONCE:
            self._count()

    def take(self) -> tuple[int, list[Counts], Counts]:
        """The rows since this was last called, the counts of each feature, and those of the answers; begin anew."""
        self._count()
        rows, self.rows = self.rows, 0
        return rows, [column.take() for column in self._columns], self._answers.take()

    def _count(self) -> None:
        waiting, self._waiting, self._held = self._waiting, [], 0
        if waiting:
            whole = waiting if len(waiting) == 1 else [[np.concatenate(parts) for parts in zip(*waiting, strict=True)]]
            ((rows, answers),) = whole
            for column, values in zip(self._columns, np.ascontiguousarray(rows.T), strict=True):
                column.add(values)
            self._answers.add(answers)


class _Counted:
    """The counts of one column."""

    def __init__(self, column: Bins | Values, kind: str) -> None:
        self._kind = kind
        self._column = column
        self._counts = [0] * len(column.counts)

    def take(self) -> Counts:
        counts, self._counts = self._counts, [0] * len(self._counts)
        return counts

    def add(self, values: np.ndarray) -> None:
        self._counts = [old + new for old, new in zip(self._counts, self._found(values), strict=True)]

    def _found(self, values: np.ndarray) -> Counts:
        column = self._column
        if isinstance(column, Bins):
            numbers = lengths(values) if self._kind == "text" else values
            return counted(numbers.astype(np.float64, copy=False), column.edges)
        if self._kind == "answer":
            return np.bincount(values, minlength=len(column.counts)).tolist()
        if self._kind == "boolean":
            return counted_truths(values.astype(np.float64, copy=False))
        return counted_texts(values, column.values)
