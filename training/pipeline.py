"""The pipeline: preprocessing by columns' kinds and positions, then the estimator that the spec names."""

from importlib import import_module
from typing import Any

from sklearn.base import BaseEstimator, is_classifier
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from registry import Feature
from training.errors import SpecInvalid
from training.spec import ModelSpec

UNSCALED = ("sklearn.ensemble", "sklearn.tree")  # trees split alike on any scale, and rounding moves their splits


def make_estimator(name: str, spec: ModelSpec) -> BaseEstimator:
    """The classifier of a spec, with its parameters.

    Raises:
        SpecInvalid: no such classifier, or no such parameter.
    """
    module, _, attribute = spec.estimator.rpartition(".")
    try:
        kind = getattr(import_module(module), attribute)
        estimator = kind()
        known = set(estimator.get_params())
    except TypeError as exc:
        raise SpecInvalid(
            f'models.json: {name}.estimator is "{spec.estimator}", which cannot be made from JSON alone: {exc}'
        ) from exc
    except (ImportError, AttributeError) as exc:
        raise SpecInvalid(
            f'models.json: {name}.estimator is "{spec.estimator}"; scikit-learn has no such estimator'
        ) from exc
    if not is_classifier(estimator):
        raise SpecInvalid(f'models.json: {name}.estimator is "{spec.estimator}"; it must be a classifier')
    for section, params in (("params", spec.params), ("search", spec.search or {})):
        for key in params:
            if key not in known:
                raise SpecInvalid(
                    f"models.json: {name}.{section}.{key} is not a parameter of {attribute}; "
                    f"it has {', '.join(sorted(known))}"
                )
    if "random_state" in known and "random_state" not in spec.params:
        estimator.set_params(random_state=spec.random_state)
    return estimator.set_params(**spec.params)


def make_pipeline_for(name: str, spec: ModelSpec, features: tuple[Feature, ...]) -> Pipeline:
    """An unfitted pipeline that takes the array of `training.columns.to_array`; its last step is `model`."""
    estimator = make_estimator(name, spec)
    steps: list[tuple[str, Any]] = [("model", estimator)]
    preprocessing = _preprocessing(features, scaled=not spec.estimator.startswith(UNSCALED))
    if preprocessing is not None:
        steps.insert(0, ("columns", preprocessing))
    return Pipeline(steps)


def _preprocessing(features: tuple[Feature, ...], scaled: bool) -> Any:
    numeric = [j for j, feature in enumerate(features) if feature.kind != "category"]
    missing = any(features[j].nullable for j in numeric)
    parts = [*([SimpleImputer(strategy="median")] if missing else []), *([StandardScaler()] if scaled else [])]
    if len(numeric) == len(features):
        return make_pipeline(*parts) if len(parts) > 1 else parts[0] if parts else None
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    categories = [j for j in range(len(features)) if j not in numeric]
    return ColumnTransformer(
        [
            ("numeric", make_pipeline(*parts) if parts else "passthrough", numeric),
            ("categories", encoder, categories),
        ]
    )
