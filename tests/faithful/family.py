"""Families of estimators: what every table of them has in common, and the columns that they are fitted on."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import all_estimators

from brinery.assessment.assessor import Assessor
from brinery.assessment.faithful.export import Export
from training.fit.pipeline import is_in_units, splits_alone

SCALES = ("0.001", "1", "1000", "1000000", "seconds")
COLUMNS = ("numeric", "mixed")
ROWS = 240
CHUNK = 10_000


@dataclass(frozen=True)
class Family:
    """Estimators of one task.

    `alone` are those of scikit-learn by name, with what `params` tells them; `wrapped` are made by a factory that
    `factory` names as models.json would. `frame` gives columns and a target, shape (rows,), from columns, scale and
    name. `apart` compares a fitted pipeline with its file: the largest difference, None where there are no numbers, and
    how many rows have another answer, those apart on which the model ties with itself. `rows` are asked at each scale.
    `words` begin the file, where `without_numbers` stands for no difference. `not_tried` are names and scales.
    """

    file: Path
    assessor: Assessor
    alone: Mapping[str, Any]
    params: Mapping[str, Mapping[str, Any]]
    wrapped: Mapping[str, Callable[[], Any]]
    factory: str
    frame: Callable[[str, str, str], tuple[pd.DataFrame, np.ndarray]]
    apart: Callable[[Any, Export, np.ndarray, np.ndarray], tuple[float | None, int]]
    words: str
    rows: int
    without_numbers: str = ""
    not_tried: frozenset[tuple[str, str]] = frozenset()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted([*self.alone, *self.wrapped]))

    @property
    def asked(self) -> list[tuple[str, str, str]]:
        """What is tried: name, columns and scale."""
        return [(n, c, s) for n in self.names for c in COLUMNS for s in SCALES if (n, s) not in self.not_tried]

    def declared(self, name: str) -> dict[str, Any]:
        """The estimator and its parameters, as models.json would declare them."""
        if name in self.wrapped:
            made = self.wrapped[name]()
            scaled = not (splits_alone(made) or is_in_units(made))  # as where they are declared without a function
            return {"estimator": self.factory, "params": {"name": name}, "scale": scaled}
        kind = self.alone[name]
        return {"estimator": f"{kind.__module__}.{kind.__name__}", "params": dict(self.params.get(name, {}))}


def made_alone(type_filter: str) -> dict[str, Any]:
    """All estimators of scikit-learn that can be made without another one, by name."""
    return {
        name: kind
        for name, kind in all_estimators(type_filter=type_filter)
        if all(parameter.default is not parameter.empty for parameter in signature(kind).parameters.values())
    }


def table(columns: str, scale: str) -> tuple[pd.DataFrame, np.ndarray]:
    """Positive numbers of a scale, or an hour in seconds since 1970, alone or beside categories, a boolean and missing
    values; and a number that follows from them, shape (rows,).
    """
    random = np.random.default_rng(0)
    numbers = random.uniform(0, 4, (ROWS, 3))
    noise = random.normal(0, 0.3, ROWS)
    if scale == "seconds":
        made = pd.DataFrame({f"x{j}": 1.76e9 + np.round(900 * numbers[:, j], 1) for j in range(3)})
    else:
        made = pd.DataFrame({f"x{j}": float(scale) * numbers[:, j] for j in range(3)})
    score = numbers[:, 0] + (numbers[:, 1] - 2) ** 2 + noise
    if columns == "numeric":
        return made, score
    town, member = random.integers(0, 6, ROWS), random.random(ROWS) < 0.5
    names = np.array(["a", "b", "c", "d", "e", None], dtype=object)
    made = made.assign(town=names[town], member=member, x2=made["x2"].mask(random.random(ROWS) < 0.1))
    return made, score + town / 3 + member


def in_chunks(rows: np.ndarray) -> Iterator[np.ndarray]:
    """Rows, shape (rows, features), some at a time."""
    for start in range(0, len(rows), CHUNK):
        yield rows[start : start + CHUNK]
