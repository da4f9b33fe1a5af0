"""The pipeline: what is done to columns before the estimator."""

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


def test_pipeline_scales_as_the_spec_says() -> None:
    features = (Feature(name="x", kind="number", minimum=0, maximum=100),)
    assert list(make_pipeline_for(spec(), features).named_steps) == ["model"]
    assert list(make_pipeline_for(spec(scale=True), features).named_steps) == ["columns", "model"]


@pytest.mark.parametrize("scale", [1, 0, "yes", None])
def test_scale_is_true_false_or_auto(scale: Any) -> None:
    with pytest.raises(ValueError, match="scale"):
        spec(scale=scale)
