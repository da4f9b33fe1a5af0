"""Rows drawn within the ranges: of few different ones each once, and as many as a proof needs."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from brinery.assessment.classification import ClassificationAssessor
from brinery.assessment.columns.arrays import to_array
from brinery.assessment.columns.infer import infer_features
from brinery.assessment.faithful.drawn import DrawnRows
from brinery.assessment.faithful.export import export_onnx
from brinery.assessment.faithful.probes import Probe
from brinery.assessment.faithful.proof import LEAST_ROWS, Proof, expect
from brinery.rows.feature import Feature
from training.fit.pipeline import make_pipeline_for
from training.spec import ModelSpec

CLASSIFICATION = ClassificationAssessor()
ALL = "within the ranges, which are all that there are"
BOOLEANS = tuple(Feature(name=name, kind="boolean") for name in "ab")
WHOLE = Feature(name="n", kind="integer", minimum=3, maximum=6, nullable=True)
TOWN = Feature(name="t", kind="category", categories=("x", "y"), nullable=True)
SIZE = Feature(name="s", kind="number", minimum=-1.5, maximum=2.5)
DAY = Feature(name="d", kind="date", minimum=19_000, maximum=19_000)


@pytest.mark.parametrize(
    ("features", "count"), [(BOOLEANS, 4), ((WHOLE,), 5), ((TOWN, WHOLE), 15), ((*BOOLEANS, DAY), 4)]
)
def test_few_different_rows_are_all_drawn_at_once(features: tuple[Feature, ...], count: int) -> None:
    drawn = DrawnRows(features, any(each.of_texts for each in features), 0)
    found = drawn.draw(1)
    rows = {tuple(map(str, row)) for row in found.rows.tolist()}
    assert (found.kind, len(found.rows), len(rows)) == (ALL, count, count)
    assert len(drawn.draw(100).rows) == 0


def test_more_different_rows_are_drawn_once_each() -> None:
    drawn = DrawnRows((Feature(name="n", kind="integer", minimum=1, maximum=12_000),), False, 0)
    found = [drawn.draw(1_000), drawn.draw(1_000), drawn.draw(1)]
    assert [each.kind for each in found] == ["within the ranges", "within the ranges", ALL]
    assert sorted(np.concatenate([each.rows for each in found])[:, 0]) == list(range(1, 12_001))


def test_many_different_rows_are_drawn_as_serving_accepts_them() -> None:
    rows = DrawnRows((TOWN, WHOLE, SIZE, *BOOLEANS), True, 0).draw(5_000).rows
    assert len({tuple(map(str, row)) for row in rows.tolist()}) == 5_000
    assert set(rows[:, 0]) == {"x", "y", None}
    assert {value for value in rows[:, 1] if value == value} == {3.0, 4.0, 5.0, 6.0}
    assert any(value != value for value in rows[:, 1]) and all(-1.5 <= value <= 2.5 for value in rows[:, 2])
    assert set(rows[:, 3]) == {0.0, 1.0}


def test_same_seed_draws_the_same_rows() -> None:
    one, other, third = (DrawnRows((SIZE, WHOLE), False, seed).draw(50).rows for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, other)
    assert not np.array_equal(one, third, equal_nan=True)


def test_rows_are_drawn_until_there_are_enough() -> None:
    features = (SIZE, *BOOLEANS)
    rows = DrawnRows(features, False, 0).draw(300).rows
    model = LogisticRegression().fit(rows, rows[:, 0] > 0)
    found = expect(CLASSIFICATION, model, [Probe("rows", rows)], DrawnRows(features, False, 1).draw)
    assert sum(len(each.answers) for each in found) == LEAST_ROWS


def test_what_was_excused_is_made_up_for() -> None:
    features = (SIZE,)
    rows = DrawnRows(features, False, 0).draw(9_000).rows
    spec = ModelSpec(data="table", estimator="sklearn.neighbors.KNeighborsClassifier", params={"n_neighbors": 1})
    model = make_pipeline_for(spec, features).fit(rows[:500], (rows[:500, 0] > 0).astype(int))
    ordered = np.sort(rows[:500], axis=0)
    between = Probe("between", np.repeat((ordered[1:] + ordered[:-1]) / 2, 20, axis=0), between=True)
    found = expect(CLASSIFICATION, model, [Probe("rows", rows), between], DrawnRows(features, False, 1).draw)
    excused = sum(int(each.excused.sum()) for each in found)
    assert excused > 5_000 and sum(len(each.excused) for each in found) - excused >= LEAST_ROWS


def proof_of(frame: pd.DataFrame, target: np.ndarray) -> Proof:
    features = infer_features(frame)
    array = to_array(frame, features)
    encoder: Any = OneHotEncoder(handle_unknown="ignore")
    fitted = make_pipeline(encoder, LogisticRegression()) if array.dtype == object else LogisticRegression()
    fitted.fit(array[::2], target[::2])
    task = CLASSIFICATION.task(fitted)
    found = export_onnx(CLASSIFICATION, task, fitted, features, array[::2], array[1::2], 0)
    assert found.proof is not None, found.reason
    return found.proof


def test_proof_of_two_booleans_says_that_there_are_four_rows() -> None:
    random = np.random.default_rng(0)
    frame = pd.DataFrame({name: random.random(200) < 0.5 for name in "ab"})
    proof = proof_of(frame, (frame["a"] | frame["b"]).to_numpy().astype(int))
    assert proof.rows["columns shuffled against each other"] == proof.rows[ALL] == 4
    assert f"4 {ALL}" in proof.text


@pytest.mark.parametrize("columns", [5, 12])
def test_proof_of_categories_alone_has_enough_rows_where_there_are_as_many(columns: int) -> None:
    random = np.random.default_rng(0)
    frame = pd.DataFrame({f"c{j}": random.choice(list("pqrst"), 400) for j in range(columns)})
    proof = proof_of(frame, (frame["c0"] < "r").to_numpy().astype(int))
    different = 5**columns
    assert sum(proof.rows.values()) >= min(LEAST_ROWS, different)
    assert proof.rows.get(ALL, 0) == (different if different < LEAST_ROWS else 0)
