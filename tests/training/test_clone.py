"""The published pickle is an estimator as any other: it can be cloned, and fitted again."""

from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.base import clone

from tests.models_file import EXAMPLES, SPEC
from tests.training.conftest import Train
from training.run import prepare
from training.spec import ModelSpec

MIXED = {"data": str(EXAMPLES.with_name("penguins.csv")), "target": "species"}
FACTORY = """
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier
def voters(depth=2):
    tree = DecisionTreeClassifier(max_depth=depth, random_state=0)
    return VotingClassifier([("tree", tree), ("line", LogisticRegression(max_iter=1000))], n_jobs=1)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "spec",
    [
        {**SPEC, "scale": True},
        {**MIXED, "estimator": SPEC["estimator"], "params": {"max_iter": 1000}},
        {**MIXED, "estimator": "sklearn.ensemble.RandomForestClassifier", "params": {"n_estimators": 9}},
        {**SPEC, "estimator": "cloned_voters:voters", "params": {"depth": 3}, "scale": True},
    ],
    ids=["numbers, scaled", "mixed", "forest", "factory"],
)
def test_published_pickle_can_be_cloned_and_fitted_again(tmp_path: Path, train: Train, spec: dict[str, Any]) -> None:
    (tmp_path / "cloned_voters.py").write_text(FACTORY)
    assert train({"mine": spec})[0] == 0
    published = joblib.load(tmp_path / ".registry/mine/versions/000001/model.joblib")
    again = clone(published)
    assert not hasattr(again[-1], "classes_")
    prepared = prepare(ModelSpec.model_validate(spec), tmp_path)
    again.fit(prepared.train_x, prepared.train_y)
    np.testing.assert_array_equal(again.predict(prepared.test_x), published.predict(prepared.test_x))
    assert again[-1].get_params().keys() == published[-1].get_params().keys()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("estimator", "rounds"),
    [
        ("xgboost.XGBClassifier", "n_estimators"),
        ("lightgbm.LGBMClassifier", "n_estimators"),
        ("lightgbm.LGBMClassifier", "num_iterations"),
        ("xgboost.XGBRegressor", "n_estimators"),
        ("lightgbm.LGBMRegressor", "n_estimators"),
    ],
)
def test_clone_of_a_model_that_stopped_early_fits_the_rounds_that_were_found(
    tmp_path: Path, train: Train, estimator: str, rounds: str
) -> None:
    data = "sklearn:diabetes" if "Regressor" in estimator else "sklearn:wine"
    spec = {"data": data, "estimator": estimator, "params": {rounds: 300}, "early_stopping": 5}
    assert train({"mine": spec})[0] == 0
    version = tmp_path / ".registry/mine/versions/000001"
    published = joblib.load(version / "model.joblib")
    assert (version / "model.onnx").exists()
    prepared = prepare(ModelSpec.model_validate(spec), tmp_path)
    stopped = prepared.pipeline.fit(prepared.train_x, prepared.train_y)
    np.testing.assert_array_equal(published.predict(prepared.test_x), stopped.predict(prepared.test_x))
    again = clone(published).fit(prepared.train_x, prepared.train_y)
    assert fitted_rounds(again[-1]) == stopped.rounds_used < 300


def fitted_rounds(model: Any) -> int:
    found = model.get_booster().num_boosted_rounds() if hasattr(model, "get_booster") else model.n_estimators_
    return int(found)
