"""A candidate: a fitted model with what is needed to measure it, and to publish it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Protocol

import numpy as np
import pandas as pd

from brinery.assessment.assessor import Assessor
from brinery.assessment.columns.histogram import Histogram
from brinery.assessment.gate import Beside
from brinery.assessment.note import Note
from brinery.assessment.predictions import Predictions
from brinery.assessment.rules import GateSpec
from brinery.rows.feature import Feature
from brinery.versions.manifest import Git, Search, TrainingData


class Report(Protocol):
    """Told of each stage's name as it begins, and of the fits done and to do in it."""

    def __call__(self, stage: str, done: int = 0, total: int = 0) -> None: ...


def say_nothing(stage: str, done: int = 0, total: int = 0) -> None:
    pass


@dataclass
class Stages:
    """The stages of a run: each is told when it begins, and timed."""

    report: Report = say_nothing
    timings: dict[str, float] = field(default_factory=dict)
    current: str = ""
    started: float = field(default_factory=perf_counter)

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        self.current = stage
        self.report(stage)
        begun = perf_counter()
        yield
        self.timings[stage] = round(self.timings.get(stage, 0.0) + perf_counter() - begun, 4)

    def progress(self, done: int, total: int) -> None:
        """Tell how many fits of the current stage are done."""
        self.report(self.current, done, total)

    @property
    def seconds(self) -> float:
        return perf_counter() - self.started


@dataclass(frozen=True)
class Candidate:
    """What is to become a version.

    `fitted` takes arrays, shape (rows, features), as `columns.arrays.to_array` makes them. `test_rows` are the rows of
    `test_x` as they came, by column; `held_out` the predictions that metrics are taken from, and `folds` their
    number where those come from cross-validation, else None. `train_x` and `train_y` are what it was fitted on.
    `interval` is the share of rows whose answers shall hold the truth, None where they are single. `spec` is how it was
    made, as it may be shown, and `search` what was tried to find its parameters; `notes` are sentences about the data
    that a person should read.
    """

    name: str
    description: str
    fitted: Any
    assessor: Assessor
    features: tuple[Feature, ...]
    train_x: np.ndarray
    train_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray
    test_rows: pd.DataFrame
    held_out: Predictions
    folds: int | None
    histograms: Sequence[Histogram]
    data: TrainingData
    spec: Mapping[str, Any]
    gate: GateSpec
    beside: Beside
    random_state: int
    git: Git
    interval: float | None = None
    notes: tuple[Note, ...] = ()
    search: Search | None = None
