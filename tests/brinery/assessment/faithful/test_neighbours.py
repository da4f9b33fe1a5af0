"""Neighbours that are equally far: which of them scikit-learn takes, the file takes too, or there is no file."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris, load_wine

from brinery.assessment.assessor import ASSESSORS
from brinery.assessment.classification import ClassificationAssessor
from brinery.assessment.columns.arrays import to_array
from brinery.assessment.columns.infer import infer_features
from brinery.assessment.faithful.drawn import DrawnRows
from brinery.assessment.faithful.export import Export, _convert, _inputs, export_onnx
from brinery.assessment.faithful.probes import Probe
from brinery.assessment.faithful.proof import SELDOM, expect, prove
from brinery.assessment.faithful.ties import open_ties
from brinery.formats.onnx import OnnxModel
from tests.faithful.family import table
from training.fit.pipeline import make_pipeline_for
from training.spec import ModelSpec

NEIGHBOURS = "sklearn.neighbors.KNeighborsClassifier"
FOUR = {"n_neighbors": 4}
WHY = "neighbours are often equally far in these columns, and scikit-learn takes others of them: of the "


def whole_numbers() -> tuple[pd.DataFrame, np.ndarray]:
    random = np.random.default_rng(0)
    age, kids, score = random.integers(18, 80, 500), random.integers(0, 5, 500), random.integers(1, 11, 500)
    number = age / 20 + kids - score / 3 + random.normal(0, 1, 500)
    return pd.DataFrame({"age": age, "kids": kids, "score": score}), number


def iris() -> tuple[pd.DataFrame, np.ndarray]:
    loaded = load_iris(as_frame=True)
    return loaded.data, loaded.target.to_numpy()


def wine() -> tuple[pd.DataFrame, np.ndarray]:
    loaded = load_wine(as_frame=True)
    return loaded.data, loaded.target.to_numpy()


def mixed() -> tuple[pd.DataFrame, np.ndarray]:
    frame, score = table("mixed", "1")
    return frame, np.digitize(score, [4.0])


def exported(
    frame: pd.DataFrame, target: np.ndarray, estimator: str = NEIGHBOURS, **spec: Any
) -> tuple[Any, np.ndarray, Export]:
    """A pipeline as `train` makes it, fitted on three of four rows; these rows, and its export."""
    features = infer_features(frame)
    array = to_array(frame, features)
    held_out = np.arange(len(array)) % 4 == 0
    declared = ModelSpec.model_validate({"data": "table", "estimator": estimator, **spec})
    fitted = make_pipeline_for(declared, features).fit(array[~held_out], target[~held_out])
    assessor = next(each for each in ASSESSORS.values() if each.assesses(fitted))
    task = assessor.task(fitted, target[~held_out])
    found = export_onnx(assessor, task, fitted, features, array[~held_out], array[held_out], 0)
    return fitted, array[~held_out], found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scale", "params"),
    [("auto", {}), ("auto", {"weights": "distance"}), (False, {}), (False, {"weights": "distance"}), (False, FOUR)],
)
def test_whole_numbers_whose_neighbours_tie_get_no_file(scale: Any, params: dict[str, Any]) -> None:
    frame, number = whole_numbers()
    _, _, found = exported(frame, np.where(number > 2, "yes", "no"), scale=scale, params=params)
    assert found.data is None and WHY in found.reason and " differ; " in found.reason


@pytest.mark.parametrize(
    ("scale", "params"), [("auto", {"n_neighbors": 1}), ("auto", FOUR), (False, {"n_neighbors": 1})]
)
def test_few_rows_that_tie_may_be_answered_otherwise_and_are_told(scale: Any, params: dict[str, Any]) -> None:
    frame, number = whole_numbers()
    _, _, found = exported(frame, np.where(number > 2, "yes", "no"), scale=scale, params=params)
    assert found.proof is not None and 0 < found.proof.otherwise <= SELDOM * sum(found.proof.rows.values())
    assert f", and {found.proof.otherwise:,} of them were answered otherwise" in found.proof.text


def test_regressor_of_whole_numbers_whose_neighbours_tie_gets_no_file() -> None:
    frame, number = whole_numbers()
    _, _, found = exported(frame, number, "sklearn.neighbors.KNeighborsRegressor", scale=False)
    assert found.data is None and WHY in found.reason and "get another number" in found.reason


@pytest.mark.slow
@pytest.mark.parametrize("params", [{}, {"weights": "distance"}, {"n_neighbors": 1}, {"n_neighbors": 4}])
@pytest.mark.parametrize("data", [iris, wine, mixed])
def test_columns_whose_neighbours_seldom_tie_keep_their_file(data: Any, params: dict[str, Any]) -> None:
    frame, target = data()
    fitted, rows, found = exported(frame, target, params=params)
    assert found.predict is not None, found.reason
    random = np.random.default_rng(7)
    asked = np.stack([rows[random.integers(0, len(rows), 20_000), j] for j in range(rows.shape[1])], axis=1)
    assert found.predict(asked).labels.tolist() == fitted.predict(asked).tolist()
    assert np.abs(found.predict(asked).probabilities - fitted.predict_proba(asked)).max() <= 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("metric", [{"p": 1}, {"metric": "manhattan"}, {"metric": "chebyshev"}])
@pytest.mark.parametrize("weights", ["uniform", "distance"])
def test_other_metrics_have_a_file(metric: dict[str, Any], weights: str) -> None:
    random = np.random.default_rng(0)
    numbers = pd.DataFrame(random.normal(size=(400, 4)), columns=list("abcd"))
    target = np.digitize(numbers.sum(axis=1), [-1, 1])
    _, _, found = exported(numbers, target, params={**metric, "weights": weights})
    assert found.data is not None, found.reason


def test_ties_excuse_no_rows_that_were_not_made_up_for_them() -> None:
    """Two rows of each number but the first, and a file that takes the second of each."""
    twice = np.repeat(np.arange(200.0)[:, None], 2, axis=0)
    rows_of = np.concatenate([[[-5.0]], twice])
    frame = pd.DataFrame({"x": twice[:, 0]})
    spec = ModelSpec(data="table", estimator="sklearn.neighbors.KNeighborsRegressor", params={"n_neighbors": 1})
    model = make_pipeline_for(spec, infer_features(frame)).fit(rows_of, np.arange(401.0))
    assessor = ASSESSORS["regression"]
    task = assessor.task(model, np.arange(401.0))

    class Other:
        def predict(self, array: np.ndarray) -> Any:
            return task.answers(assessor.answers(model, array).values + (array[:, 0] % 1 == 0), None)

    apart = Probe("apart", np.arange(-9_000.0, -5)[:, None] - 0.5)
    rows, made_up = Probe("rows", twice), Probe("made-up rows", twice, between=True)
    assert prove(task, Other(), expect(assessor, model, [apart, made_up])).fault == ""
    assert prove(task, Other(), expect(assessor, model, [apart, rows])).fault.startswith(
        f"{WHY}rows, 400 of 400 differ"
    )
    often = prove(task, Other(), expect(assessor, model, [Probe("apart", apart.rows[:1000]), rows, made_up]))
    assert often.fault != "", "where ties are frequent, they excuse nothing"


@pytest.mark.parametrize("scale", ["auto", False])
def test_file_takes_those_of_equally_far_ones_that_the_search_tree_has_first(scale: Any) -> None:
    """Without a proof: of the one nearest neighbour, another one is taken on few of the rows that tie."""
    frame, number = whole_numbers()
    target = np.where(number > 2, 1, 0)
    features = infer_features(frame)
    array = to_array(frame, features)
    spec = ModelSpec.model_validate(
        {"data": "x", "estimator": NEIGHBOURS, "scale": scale, "params": {"n_neighbors": 1}}
    )
    fitted = make_pipeline_for(spec, features).fit(array, target)
    *_, (_, inputs) = _inputs(features, named=False)
    model = OnnxModel(next(_convert(fitted, inputs)), ClassificationAssessor().task(fitted, target), len(features))
    rows = DrawnRows(features, False, 0).draw(3_100).rows
    assert open_ties(fitted, rows).mean() > 0.1
    assert (model.predict(rows).labels != fitted.predict(rows)).mean() < 0.01
