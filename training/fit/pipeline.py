"""The pipeline: preprocessing by columns' kinds and positions, then the estimator that the spec names."""

import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any

from sklearn.base import BaseEstimator
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
from sklearn.impute import SimpleImputer
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, MultinomialNB
from sklearn.neighbors import RadiusNeighborsClassifier, RadiusNeighborsRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import BaseDecisionTree

from brinery.assessment.assessor import ASSESSORS, Assessor
from brinery.assessment.gate import check_metrics
from brinery.assessment.metrics.table import BY_TASK
from brinery.rows.feature import Feature
from training.errors import SpecInvalid
from training.fit.sparse import is_sparse
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
OF_TREES = (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
)  # unless they are told otherwise


def make_estimator(spec: ModelSpec, folder: Path = Path()) -> BaseEstimator:
    """The estimator of a spec, with its parameters; a factory of the user's own is looked for in `folder` too.

    Raises:
        SpecInvalid, GateInvalid: no such estimator or factory, no such parameter, or a key that is of another task.
    """
    kind = _kind(spec, folder)
    _check_names("params", spec.params, _accepted(kind), spec.estimator)
    params = dict(spec.params)
    if "random_state" in (_accepted(kind) or ()):
        params.setdefault("random_state", spec.random_state)
    try:
        estimator = kind(**params)
        searchable = set(estimator.get_params())
    except Exception as exc:  # a factory raises whatever it likes
        hint = "" if ":" in spec.estimator else '; a function of your own can make it: "module:function"'
        raise SpecInvalid(
            f'estimator is "{spec.estimator}", which cannot be made from '
            f"{', '.join(params) or 'no parameters'}: {' '.join(str(exc).split())[:300]}{hint}"
        ) from exc
    assessor = next((each for each in ASSESSORS.values() if each.assesses(estimator)), None)
    if assessor is None:
        wanted = " or a ".join(each.estimators for each in ASSESSORS.values())
        raise SpecInvalid(f'estimator is "{spec.estimator}"; it must be a {wanted}')
    _check_task(spec, assessor)
    _check_names("search", spec.search or {}, searchable, spec.estimator)
    return estimator


def _check_task(spec: ModelSpec, assessor: Assessor) -> None:
    """What a spec says beside its estimator must be of the same task."""
    check_metrics(spec.gate, assessor)
    own = [metric.name for metric in BY_TASK[assessor.kind]]
    if spec.scoring is not None and spec.scoring not in own:
        raise SpecInvalid(
            f"scoring is {spec.scoring}, no metric of a {assessor.estimators}; those are {', '.join(own)}"
        )
    if spec.class_weight is not None and assessor.kind != "classification":
        raise SpecInvalid(f"class_weight is given, and {spec.estimator} is a {assessor.estimators}; it has no classes")


def _kind(spec: ModelSpec, folder: Path) -> Callable[..., Any]:
    """The class, or the user's function."""
    own = ":" in spec.estimator
    module, _, attribute = spec.estimator.partition(":") if own else spec.estimator.rpartition(".")
    if own and str(folder.resolve()) not in sys.path:
        sys.path.append(str(folder.resolve()))
    try:
        found = getattr(import_module(module), attribute)
    except Exception as exc:  # a module of the user's own raises whatever it likes
        if own:
            raise SpecInvalid(
                f'estimator is "{spec.estimator}", which cannot be imported '
                f"from {folder.resolve()}: {type(exc).__name__}: {' '.join(str(exc).split())[:300]}"
            ) from exc
        raise SpecInvalid(f'estimator is "{spec.estimator}"; scikit-learn has no such estimator') from exc
    if not (callable(found) if own else isinstance(found, type)):
        raise SpecInvalid(
            f'estimator is "{spec.estimator}"; '
            + (
                "it must be a function that returns a classifier or a regressor"
                if own
                else "scikit-learn has no such estimator"
            )
        )
    return found  # type: ignore[no-any-return]


def _accepted(kind: Callable[..., Any]) -> set[str] | None:
    """Names of the parameters; None where any name is taken."""
    parameters = signature(kind).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return None
    return {parameter.name for parameter in parameters}


def _check_names(section: str, given: Iterable[str], known: set[str] | None, estimator: str) -> None:
    for key in given:
        if known is not None and key not in known:
            raise SpecInvalid(
                f"{section}.{key} is not a parameter of {estimator.rpartition('.')[2]}; "
                f"it has {', '.join(sorted(known)) or 'none'}"
            )


def make_pipeline_for(spec: ModelSpec, features: tuple[Feature, ...], folder: Path = Path()) -> Pipeline:
    """An unfitted pipeline that takes the array of `assessment.columns.arrays.to_array`; its last step is `model`."""
    estimator = make_estimator(spec, folder)
    steps: list[tuple[str, Any]] = [("model", estimator)]
    preprocessing = _preprocessing(features, is_scaled(spec, estimator), is_sparse(estimator, features))
    if preprocessing is not None:
        steps.insert(0, ("columns", preprocessing))
    return Pipeline(steps)


def is_scaled(spec: ModelSpec, estimator: Any) -> bool:
    """Whether numbers are brought to mean 0 and deviation 1 before the estimator; where `scale` leaves it open, they
    are not for what splits alone, and for what may have parameters in the columns' own units.
    """
    return not (splits_alone(estimator) or _in_units(estimator)) if spec.scale == "auto" else spec.scale


def _in_units(estimator: Any) -> bool:
    """Whether parameters may be in the columns' own units: a radius, a count, the steps of a pipeline of one's own."""
    return any(
        isinstance(part, IN_UNITS) or (isinstance(part, Pipeline) and len(part.steps) > 1)
        for part in (estimator, *estimator.get_params().values())
    )


def splits_alone(estimator: Any) -> bool:
    """Whether all that an estimator learns from columns is where to split them, as trees and what is made of trees do.

    Trees split alike on any scale, and rounding would move their splits.
    """
    if isinstance(estimator, TREES):
        return True
    if isinstance(estimator, Pipeline):
        return len(estimator.steps) == 1 and splits_alone(estimator.steps[-1][1])
    many = getattr(estimator, "estimators", None)
    if many is not None:  # voting, stacking
        return all(splits_alone(part) for _, part in many if not isinstance(part, str))
    if not hasattr(estimator, "estimator"):
        return False
    one = estimator.estimator
    return isinstance(estimator, OF_TREES) if one is None else splits_alone(one)


def _preprocessing(features: tuple[Feature, ...], scaled: bool, sparse: bool) -> Any:
    numeric = [j for j, feature in enumerate(features) if feature.kind != "category"]
    missing = any(features[j].nullable for j in numeric)
    parts = [*([SimpleImputer(strategy="median")] if missing else []), *([StandardScaler()] if scaled else [])]
    if len(numeric) == len(features):
        return make_pipeline(*parts) if len(parts) > 1 else parts[0] if parts else None
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=sparse)
    categories = [j for j in range(len(features)) if j not in numeric]
    return ColumnTransformer(
        [
            ("numeric", make_pipeline(*parts) if parts else "passthrough", numeric),
            ("categories", encoder, categories),
        ],
        sparse_threshold=1.0 if sparse else 0.0,  # all columns beside them too, whatever the rows hold
    )
