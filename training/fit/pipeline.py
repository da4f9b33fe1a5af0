"""The pipeline: preprocessing by columns' kinds and positions, then the estimator that the spec names."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, MultinomialNB
from sklearn.neighbors import RadiusNeighborsClassifier, RadiusNeighborsRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import BaseDecisionTree

from brinery.rows.feature import Feature
from training.fit.boosters import is_of_trees
from training.fit.early_stopping import StoppingPipeline
from training.fit.estimator import make_estimator
from training.fit.sparse import WORDS, is_sparse
from training.spec import ModelSpec

TREES = (
    BaseDecisionTree,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
IN_UNITS = (
    BernoulliNB,
    CategoricalNB,
    ComplementNB,
    MultinomialNB,
    RadiusNeighborsClassifier,
    RadiusNeighborsRegressor,
)
OF_DISTANCES = ("gamma", "length_scale", "periodicity")  # parameters of kernels
OF_TREES = (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
)  # unless they are told otherwise


def make_pipeline_for(spec: ModelSpec, features: tuple[Feature, ...], folder: Path = Path()) -> Pipeline:
    """An unfitted pipeline that takes the array of `assessment.columns.arrays.to_array`; its last step is `model`."""
    estimator = make_estimator(spec, folder)
    steps: list[tuple[str, Any]] = [("model", estimator)]
    preprocessing = _preprocessing(
        features, is_scaled(spec, estimator), takes_missing(estimator), is_sparse(estimator, features)
    )
    if preprocessing is not None:
        steps.insert(0, ("columns", preprocessing))
    if spec.early_stopping is not None:
        return StoppingPipeline(steps, spec.early_stopping, spec.random_state)
    return Pipeline(steps)


def is_scaled(spec: ModelSpec, estimator: Any) -> bool:
    """Whether numbers are brought to mean 0 and deviation 1 before the estimator; where `scale` leaves it open, they
    are not for what splits alone, and for what may have parameters in the columns' own units.
    """
    if spec.scale != "auto":
        return spec.scale
    return not (splits_alone(estimator) or is_in_units(estimator) or _declares_units(spec))


def is_in_units(estimator: Any) -> bool:
    """Whether parameters may be in the columns' own units: a radius, a count, the steps of a pipeline of one's own."""
    return any(
        isinstance(part, IN_UNITS) or (isinstance(part, Pipeline) and len(part.steps) > 1)
        for part in (estimator, *estimator.get_params().values())
    )


def _declares_units(spec: ModelSpec) -> bool:
    """Whether a function of the user's own makes an estimator, or a kernel is told a number that goes by distances."""
    return ":" in spec.estimator or _tells_units({**spec.params, **(spec.search or {})})


def _tells_units(value: Any) -> bool:
    if isinstance(value, Mapping):
        own = ":" in str(value.get("estimator", ""))
        told = [key.rpartition("__")[2] in OF_DISTANCES and _has_number(each) for key, each in value.items()]
        return own or any(told) or any(map(_tells_units, value.values()))
    return isinstance(value, list | tuple) and any(map(_tells_units, value))


def _has_number(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_has_number, value))
    return isinstance(value, int | float)


def splits_alone(estimator: Any) -> bool:
    """Whether all that an estimator learns from columns is where to split them, as trees and what is made of trees do.

    Trees split alike on any scale, and rounding would move their splits.
    """
    return _made_of(estimator, lambda part: isinstance(part, TREES) or is_of_trees(part), OF_TREES)


def takes_missing(estimator: Any) -> bool:
    """Whether missing numbers go to an estimator as they are: to boosters of their own libraries, and what is made of
    such.
    """
    return _made_of(estimator, is_of_trees, ())


def _made_of(estimator: Any, kind: Callable[[Any], bool], by_default: tuple[type, ...]) -> bool:
    """Whether an estimator is of a kind, or made of such alone; `by_default` are made of it unless they are told."""
    if kind(estimator):
        return True
    if isinstance(estimator, Pipeline):
        return len(estimator.steps) == 1 and _made_of(estimator.steps[-1][1], kind, by_default)
    many = getattr(estimator, "estimators", None)
    if many is not None:  # voting, stacking
        return all(_made_of(part, kind, by_default) for _, part in many if not isinstance(part, str))
    if not hasattr(estimator, "estimator"):
        return False
    one = estimator.estimator
    return isinstance(estimator, by_default) if one is None else _made_of(one, kind, by_default)


def _preprocessing(features: tuple[Feature, ...], scaled: bool, takes_missing: bool, sparse: bool) -> Any:
    numeric = [j for j, feature in enumerate(features) if not feature.of_texts]
    missing = not takes_missing and any(features[j].nullable for j in numeric)
    parts = [*([SimpleImputer(strategy="median")] if missing else []), *([StandardScaler()] if scaled else [])]
    if len(numeric) == len(features):
        return make_pipeline(*parts) if len(parts) > 1 else parts[0] if parts else None
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=sparse)
    categories = [j for j, feature in enumerate(features) if feature.kind == "category"]
    words = [(f"words{j}", TfidfVectorizer(max_features=WORDS), j) for j, f in enumerate(features) if f.kind == "text"]
    return ColumnTransformer(
        [
            ("numeric", make_pipeline(*parts) if parts else "passthrough", numeric),
            *([("categories", encoder, categories)] if categories else []),
            *words,
        ],
        sparse_threshold=1.0 if sparse else 0.0,  # all columns beside them too, whatever the rows hold
    )
