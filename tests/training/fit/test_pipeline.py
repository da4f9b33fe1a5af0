"""The pipeline: what is done to columns before the estimator."""

from pathlib import Path
from typing import Any

import pytest
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import BernoulliNB, MultinomialNB
from sklearn.neighbors import RadiusNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Binarizer
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from brinery.rows.feature import Feature
from training.fit.pipeline import is_scaled, make_pipeline_for
from training.spec import ModelSpec


def spec(**keys: Any) -> ModelSpec:
    return ModelSpec.model_validate(
        {"data": "sklearn:wine", "estimator": "sklearn.neighbors.RadiusNeighborsClassifier", **keys}
    )


@pytest.mark.parametrize(
    ("estimator", "scaled"),
    [
        (LogisticRegression(), True),
        (SVC(), True),
        (VotingClassifier([("a", SVC()), ("b", DecisionTreeClassifier())]), True),
        (make_pipeline(SVC()), True),
        (RandomForestClassifier(), False),
        (BaggingClassifier(DecisionTreeClassifier()), False),
        (RadiusNeighborsClassifier(15), False),
        (BernoulliNB(binarize=1), False),
        (MultinomialNB(), False),
        (BaggingClassifier(RadiusNeighborsClassifier(15)), False),
        (VotingClassifier([("a", SVC()), ("b", BernoulliNB(binarize=1))]), False),
        (make_pipeline(Binarizer(threshold=15), SVC()), False),
    ],
    ids=str,
)
def test_numbers_are_scaled_where_no_parameter_can_be_in_their_units(estimator: Any, scaled: bool) -> None:
    assert is_scaled(spec(), estimator) is scaled
    assert is_scaled(spec(scale=True), estimator)
    assert not is_scaled(spec(scale=False), estimator)


RBF = "sklearn.gaussian_process.kernels.RBF"
PROCESS = "sklearn.gaussian_process.GaussianProcessClassifier"
VOTES = {"estimator": "sklearn.ensemble.VotingClassifier"}


@pytest.mark.parametrize(
    ("declared", "scaled"),
    [
        ({"estimator": "sklearn.svm.SVC"}, True),
        ({"estimator": "sklearn.svm.SVC", "params": {"gamma": "scale"}, "search": {"C": [1, 2]}}, True),
        ({"estimator": "sklearn.svm.SVC", "params": {"gamma": 0.01}}, False),
        ({"estimator": "sklearn.svm.SVC", "search": {"gamma": ["scale", 0.01]}}, False),
        ({"estimator": PROCESS}, True),
        ({"estimator": PROCESS, "params": {"kernel": {"estimator": RBF}}}, True),
        ({"estimator": PROCESS, "params": {"kernel": {"estimator": RBF, "params": {"length_scale": 15.0}}}}, False),
        ({**VOTES, "params": {"estimators": [["a", {"estimator": "sklearn.svm.SVC"}]]}}, True),
        (
            {**VOTES, "params": {"estimators": [["a", {"estimator": "sklearn.svm.SVC", "params": {"gamma": 1}}]]}},
            False,
        ),
        ({**VOTES, "params": {"estimators": [["a", {"estimator": "own_support:machine"}]]}}, False),
        ({"estimator": "own_support:machine"}, False),
    ],
    ids=str,
)
def test_numbers_are_scaled_where_no_declared_number_can_be_in_their_units(
    tmp_path: Path, declared: dict[str, Any], scaled: bool
) -> None:
    (tmp_path / "own_support.py").write_text("from sklearn.svm import SVC\ndef machine(): return SVC(gamma=0.01)\n")
    features = (Feature(name="x", kind="number", minimum=0, maximum=100),)

    def steps(**more: Any) -> list[str]:
        return list(make_pipeline_for(spec(**declared, **more), features, tmp_path).named_steps)

    assert (steps() == ["columns", "model"]) is scaled
    assert steps(scale=True) == ["columns", "model"] and steps(scale=False) == ["model"]


def test_pipeline_scales_as_the_spec_says() -> None:
    features = (Feature(name="x", kind="number", minimum=0, maximum=100),)
    assert list(make_pipeline_for(spec(), features).named_steps) == ["model"]
    assert list(make_pipeline_for(spec(scale=True), features).named_steps) == ["columns", "model"]


@pytest.mark.parametrize("scale", [1, 0, "yes", None])
def test_scale_is_true_false_or_auto(scale: Any) -> None:
    with pytest.raises(ValueError, match="scale"):
        spec(scale=scale)
