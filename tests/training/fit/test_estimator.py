"""Estimators within estimators, as models.json names them."""

from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_diabetes, load_wine
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import QuantileTransformer
from sklearn.svm import SVC

from training.errors import SpecInvalid
from training.fit.estimator import make_estimator
from training.spec import ModelSpec

LOGISTIC = {"estimator": "sklearn.linear_model.LogisticRegression", "params": {"C": 0.5, "max_iter": 2000}}
SCALER = {"estimator": "sklearn.preprocessing.StandardScaler"}
FOREST = {"estimator": "sklearn.ensemble.RandomForestClassifier", "params": {"n_estimators": 5}}


def made(estimator: str, folder: Path = Path(), **keys: Any) -> Any:
    return make_estimator(ModelSpec.model_validate({"data": "x.csv", "estimator": estimator, **keys}), folder)


def test_estimator_within_has_its_parameters_and_the_seed() -> None:
    bagging = made(
        "sklearn.ensemble.BaggingClassifier",
        params={"estimator": {"estimator": "sklearn.svm.SVC", "params": {"C": 3}}, "n_estimators": 4},
        random_state=7,
        search={"estimator__C": [1, 2], "max_samples": [0.5]},
    )
    assert isinstance(bagging.estimator, SVC) and bagging.estimator.C == 3
    assert bagging.random_state == bagging.estimator.random_state == 7


def test_named_ones_stand_in_pairs_and_others_in_lists() -> None:
    stacking = made(
        "sklearn.ensemble.StackingClassifier",
        params={"estimators": [["a", LOGISTIC], ["b", FOREST]], "final_estimator": LOGISTIC, "cv": 3},
    )
    assert isinstance(stacking, StackingClassifier) and isinstance(stacking.final_estimator, LogisticRegression)
    assert [(name, type(each).__name__) for name, each in stacking.estimators] == [
        ("a", "LogisticRegression"),
        ("b", "RandomForestClassifier"),
    ]
    network = made("sklearn.neural_network.MLPClassifier", params={"hidden_layer_sizes": [5, 3]})
    assert network.hidden_layer_sizes == [5, 3]
    fixed = made(
        "sklearn.compose.TransformedTargetRegressor",
        params={
            "regressor": {"estimator": "sklearn.linear_model.Ridge"},
            "transformer": {"estimator": "sklearn.preprocessing.QuantileTransformer", "params": {"n_quantiles": 50}},
        },
    )
    assert isinstance(fixed.transformer, QuantileTransformer) and fixed.transformer.n_quantiles == 50


def test_pipeline_and_function_of_ones_own_stand_within_too(tmp_path: Path) -> None:
    (tmp_path / "within_own.py").write_text(
        "from sklearn.tree import DecisionTreeClassifier\n"
        "def tree(depth): return DecisionTreeClassifier(max_depth=depth)\n"
    )
    voting = made(
        "sklearn.ensemble.VotingClassifier",
        tmp_path,
        params={
            "estimators": [
                ["own", {"estimator": "within_own:tree", "params": {"depth": 2}}],
                [
                    "steps",
                    {
                        "estimator": "sklearn.pipeline.Pipeline",
                        "params": {"steps": [["scale", SCALER], ["model", LOGISTIC]]},
                    },
                ],
            ],
            "voting": "soft",
        },
    )
    rows, labels = load_wine(return_X_y=True)
    assert isinstance(voting, VotingClassifier) and voting.fit(rows, labels).score(rows, labels) > 0.9
    assert voting.estimators[0][1].max_depth == 2


def test_regressors_within_make_a_regressor() -> None:
    rows, truth = load_diabetes(return_X_y=True)
    pair = [
        ["a", {"estimator": "sklearn.linear_model.Ridge"}],
        ["b", {"estimator": "sklearn.tree.DecisionTreeRegressor"}],
    ]
    assert (
        made("sklearn.ensemble.VotingRegressor", params={"estimators": pair}).fit(rows, truth).score(rows, truth) > 0.5
    )


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"estimator": {"estimator": "sklearn.svm.SVM"}},
            'params.estimator.estimator is "sklearn.svm.SVM"; scikit-learn',
        ),
        (
            {"estimator": {"estimator": "os.system"}},
            'params.estimator.estimator is "os.system"; it must be a scikit-learn',
        ),
        ({"estimator": {"estimator": 3}}, "params.estimator.estimator is 3; it must be a scikit-learn estimator"),
        (
            {"estimator": {"estimator": "sklearn.svm.SVC", "parms": {}}},
            "params.estimator.parms is not a known key; allowed",
        ),
        (
            {"estimator": {"estimator": "sklearn.svm.SVC", "params": 1}},
            "params.estimator.params is 1; it must be an object",
        ),
        (
            {"estimator": {"estimator": "sklearn.svm.SVC", "params": {"c": 1}}},
            "params.estimator.params.c is not a parameter of SVC; it has C, ",
        ),
        (
            {"estimator": {"estimator": "sklearn.ensemble.VotingClassifier"}},
            'params.estimator.estimator is "sklearn.ensemble.VotingClassifier", which cannot be made from no param',
        ),
        (
            {"estimator": {"estimator": "nothing_like_it:make"}},
            "params.estimator.estimator is .* cannot be imported from",
        ),
    ],
    ids=str,
)
def test_what_is_wrong_within_is_named_by_its_path(params: Any, message: str) -> None:
    with pytest.raises(SpecInvalid, match=f"^{message}"):
        made("sklearn.ensemble.BaggingClassifier", params=params)
