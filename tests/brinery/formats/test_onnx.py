"""ONNX: one row by itself is answered from memory that stays bound."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from brinery.formats.onnx import OnnxModel
from brinery.loading.load import load
from brinery.versions.reference import Reference
from brinery.versions.store import Store

ODD = (np.nan, np.inf, -np.inf, 0.0, 1e308, -1e308)


@pytest.fixture
def model(published: tuple[Store, dict[str, Reference]]) -> OnnxModel:
    store, references = published
    found = load(store, references["wine"], format="onnx").predictor
    assert isinstance(found, OnnxModel)
    return found


@pytest.fixture
def rows(model: OnnxModel) -> np.ndarray:
    found = np.random.default_rng(0).normal(10, 300, size=(60, 13))
    found[: len(ODD)] = np.array(ODD)[:, None]
    return found


def shares(model: OnnxModel, rows: np.ndarray) -> np.ndarray:
    found = model.predict(rows).probabilities
    assert found is not None
    return np.asarray(found)


def test_bound_row_is_answered_as_the_session_answers_it(model: OnnxModel, rows: np.ndarray) -> None:
    ours = [shares(model, rows[i : i + 1]) for i in range(len(rows))]  # each still what it was, once all are there
    for i, found in enumerate(ours):
        (theirs,) = model._session.run(None, {model._session.get_inputs()[0].name: rows[i : i + 1]})
        assert np.array_equal(found, theirs, equal_nan=True)
    assert model._bound is not None
    assert np.allclose(shares(model, rows), np.concatenate(ours), equal_nan=True, atol=1e-9)


def test_bound_row_is_of_one_thread_at_a_time(model: OnnxModel, rows: np.ndarray) -> None:
    alone = [shares(model, rows[i : i + 1]) for i in range(len(rows))]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda i: shares(model, rows[i : i + 1]), [*range(len(rows))] * 50))
    assert all(np.array_equal(each, alone[i % len(rows)], equal_nan=True) for i, each in enumerate(found))
