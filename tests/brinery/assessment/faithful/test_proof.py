"""The proof: each kind of probe finds a conversion that no other kind finds."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from brinery.assessment.classification import ClassificationAssessor
from brinery.assessment.faithful.probes import Probe, probes
from brinery.assessment.faithful.proof import CHUNK, expect, in_chunks, prove
from brinery.rows.feature import Feature
from brinery.tasks.task import AnyAnswers

CLASSIFICATION = ClassificationAssessor()
RANDOM = np.random.default_rng(0)
NUMBERS = RANDOM.normal(size=(300, 2))
FEATURES = tuple(
    Feature(name=name, kind="number", minimum=column.min(), maximum=column.max())
    for name, column in zip("ab", NUMBERS.T, strict=True)
)
LABELS = (NUMBERS.sum(axis=1) > 0).astype(int)
CONSTANT = DummyClassifier(strategy="prior").fit(NUMBERS[:200], LABELS[:200])


@dataclass(frozen=True)
class Converted:
    """A fitted model, but for rows that `wrong` picks, which get other probabilities, or with rows changed before."""

    fitted: Any
    wrong: Callable[[np.ndarray], np.ndarray] = lambda rows: np.zeros(len(rows), dtype=bool)
    change: Callable[[np.ndarray], np.ndarray] = lambda rows: rows

    def predict(self, array: np.ndarray) -> AnyAnswers:
        found = CLASSIFICATION.answers(self.fitted, self.change(array))
        probabilities = np.array(found.probabilities)
        probabilities[self.wrong(array)] = [0.9, 0.1]
        return CLASSIFICATION.task(self.fitted).answers(found.labels, probabilities)


def in_columns(rows: np.ndarray) -> np.ndarray:
    """Which rows are made of values that training had in each column, shape (rows,)."""
    return np.all([np.isin(rows[:, j], NUMBERS[:200, j]) for j in range(2)], axis=0)


def is_row(rows: np.ndarray, known: np.ndarray) -> np.ndarray:
    return np.isin(rows[:, 0] + 1j * rows[:, 1], known[:, 0] + 1j * known[:, 1])


def is_beyond(rows: np.ndarray) -> np.ndarray:
    return np.asarray((np.abs(rows) > np.abs(NUMBERS).max()).any(axis=1))


def single(rows: np.ndarray) -> np.ndarray:
    return rows.astype(np.float32).astype(np.float64)


def boosted() -> Any:
    """Trees that split at 0.15: just below in double precision is at it in single precision."""
    rows = np.array([[value, 0.0] for value in [0.1] * 30 + [0.2] * 30])
    return HistGradientBoostingClassifier(max_iter=3).fit(rows, [0] * 30 + [1] * 30), rows


def texts() -> tuple[Any, tuple[Feature, ...], np.ndarray]:
    """A category that may be missing, and one that is called None."""
    rows = np.array([[text] for text in [None, "None", "x"] * 40], dtype=object)
    feature = Feature(name="c", kind="category", nullable=True, categories=("None", "x"))
    model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression(C=100))
    return model.fit(rows, np.array([1, 0, 0] * 40)), (feature,), rows


def open_texts() -> tuple[Any, tuple[Feature, ...], np.ndarray]:
    """A category that takes texts which no row has."""
    rows = np.array([[text] for text in ["x", "y"] * 60], dtype=object)
    feature = Feature(name="c", kind="category", categories=("x", "y"), unknown_categories="accept")
    model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression(C=100))
    return model.fit(rows, np.array([1, 0] * 60)), (feature,), rows


def as_x(rows: np.ndarray) -> np.ndarray:
    return np.where((rows == "x") | (rows == "y"), rows, "x")


def as_none(rows: np.ndarray) -> np.ndarray:
    return np.where(rows == np.array(None), "None", rows)


LINEAR = LogisticRegression().fit(NUMBERS[:200], LABELS[:200])
OPEN_MODEL, OPEN_FEATURES, OPEN_ROWS = open_texts()
TEXT_MODEL, TEXT_FEATURES, TEXT_ROWS = texts()
BOOSTED, BOOSTED_ROWS = boosted()
BOOSTED_FEATURES = tuple(Feature(name=name, kind="number", minimum=0, maximum=0.2) for name in "ab")
# By kind: the fitted model, features, rows to fit, held-out rows, and a conversion that is wrong there alone.
WRONG: dict[str, tuple[Any, tuple[Feature, ...], np.ndarray, np.ndarray, Converted]] = {
    "held-out rows": (
        *(CONSTANT, FEATURES, NUMBERS[:200], NUMBERS[200:]),
        Converted(CONSTANT, lambda rows: is_row(rows, NUMBERS[200:])),
    ),
    "training rows": (
        *(CONSTANT, FEATURES, NUMBERS[:200], NUMBERS[200:]),
        Converted(CONSTANT, lambda rows: is_row(rows, NUMBERS[:1])),
    ),
    "columns shuffled against each other": (
        *(CONSTANT, FEATURES, NUMBERS[:200], NUMBERS[200:]),
        Converted(CONSTANT, lambda rows: in_columns(rows) & ~is_row(rows, NUMBERS) & ~at_an_end(rows)),
    ),
    "ends of the ranges and beyond": (
        *(CONSTANT, FEATURES, NUMBERS[:200], NUMBERS[200:]),
        Converted(CONSTANT, is_beyond),
    ),
    "thresholds": (BOOSTED, BOOSTED_FEATURES, BOOSTED_ROWS, BOOSTED_ROWS[:9], Converted(BOOSTED, change=single)),
    "half-way between rows": (
        *(CONSTANT, FEATURES, NUMBERS[:200], NUMBERS[200:]),
        Converted(CONSTANT, lambda rows: ~in_columns(rows) & ~is_row(rows, NUMBERS) & ~at_an_end(rows)),
    ),
    "where the answer turns": (
        *(LINEAR, FEATURES, NUMBERS[:200], NUMBERS[200:]),
        Converted(LINEAR, change=single),
    ),
    "missing cells and texts like them": (
        *(TEXT_MODEL, TEXT_FEATURES, TEXT_ROWS[1:3].repeat(9, axis=0), TEXT_ROWS[1:3]),
        Converted(TEXT_MODEL, change=as_none),
    ),
    "categories that no row has": (
        *(OPEN_MODEL, OPEN_FEATURES, OPEN_ROWS, OPEN_ROWS[:2]),
        Converted(OPEN_MODEL, change=as_x),
    ),
}


def at_an_end(rows: np.ndarray) -> np.ndarray:
    ends = [0.0, *(end for feature in FEATURES for end in (feature.minimum, feature.maximum))]
    return np.asarray(np.isin(rows, np.array(ends, dtype=np.float64)).any(axis=1) | is_beyond(rows))


def asked(kind: str) -> list[Probe]:
    fitted, features, train, test, _ = WRONG[kind]
    return probes(fitted, features, train, test, fitted.predict, 0)


@pytest.mark.parametrize("kind", WRONG)
def test_each_kind_finds_what_no_other_does(kind: str) -> None:
    fitted, *_, wrong = WRONG[kind]
    task, found = CLASSIFICATION.task(fitted), asked(kind)
    assert prove(task, Converted(fitted), expect(CLASSIFICATION, fitted, found)).fault == ""
    proof = prove(task, wrong, expect(CLASSIFICATION, fitted, found))
    assert proof.fault.startswith(f"of the {kind}, ")
    others = [probe for probe in found if probe.kind != kind]
    if kind == "thresholds":  # of so few values it lies half-way between two, where the label turns
        also = ("where the answer turns", "half-way between rows")
        others = [probe for probe in others if probe.kind not in also]
    assert prove(task, wrong, expect(CLASSIFICATION, fitted, others)).fault == ""


def test_every_kind_is_tried_on_every_kind_of_model() -> None:
    assert {probe.kind for kind in WRONG for probe in asked(kind)} == set(WRONG)


def test_proof_tells_what_was_tried() -> None:
    found = expect(CLASSIFICATION, LINEAR, asked("where the answer turns"))
    proof = prove(CLASSIFICATION.task(LINEAR), Converted(LINEAR), found)
    assert proof.rows["training rows"] == 200 and proof.largest == 0.0
    assert proof.text.startswith("the same labels, probabilities within 0, on 100 held-out rows, 200 training rows, ")
    assert proof.ties > 0 and "rows on which the model ties with itself may be answered either way" in proof.text


def test_probabilities_that_do_not_sum_to_one_are_a_fault() -> None:
    class Doubled(Converted):
        def predict(self, array: np.ndarray) -> AnyAnswers:
            found = super().predict(array)
            return CLASSIFICATION.task(self.fitted).answers(found.labels, 2 * np.array(found.probabilities))

    found = expect(CLASSIFICATION, LINEAR, asked("where the answer turns"))
    assert prove(CLASSIFICATION.task(LINEAR), Doubled(LINEAR), found).fault != ""


def test_converted_model_is_asked_a_few_rows_at_a_time_and_all_of_them() -> None:
    asked: list[int] = []

    def counted(rows: np.ndarray) -> np.ndarray:
        asked.append(len(rows))
        return rows

    many = np.tile(NUMBERS, (8, 1))
    fitted = LogisticRegression().fit(NUMBERS, LABELS)
    model, task = Converted(fitted, change=counted), CLASSIFICATION.task(fitted)
    proof = prove(task, model, expect(CLASSIFICATION, fitted, [Probe("rows", many)]))
    assert (sum(asked), max(asked), proof.fault) == (2400, CHUNK, "")
    asked.clear()
    found = in_chunks(task, model, many)
    assert (sum(asked), max(asked)) == (2400, CHUNK)
    np.testing.assert_array_equal(found.labels, fitted.predict(many))
    np.testing.assert_array_equal(found.probabilities, fitted.predict_proba(many))
