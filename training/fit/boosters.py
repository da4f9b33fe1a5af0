"""XGBoost and LightGBM: what they are asked otherwise than an estimator of scikit-learn's own."""

from importlib import import_module
from itertools import chain
from typing import Any

from brinery.errors import words_of
from training.errors import SpecInvalid
from training.spec import ModelSpec

BOOSTERS = ("xgboost", "lightgbm")
OF_TREES = (*BOOSTERS, "catboost")  # which a factory of the user's own makes
# Many fits are in as many processes, which would take all processors each; and LightGBM prints to stdout.
DEFAULTS: dict[str, dict[str, Any]] = {"xgboost": {"n_jobs": 1}, "lightgbm": {"n_jobs": 1, "verbose": -1}}


def is_booster(kind: Any) -> bool:
    """Whether an estimator, or its class, is of XGBoost or LightGBM."""
    return library(kind) in BOOSTERS


def is_of_trees(estimator: Any) -> bool:
    """Whether an estimator is of a library that boosts trees, which takes numbers as they are, missing ones too."""
    return library(estimator) in OF_TREES


def library(kind: Any) -> str:
    """The package that an estimator, or its class, comes from, or that of the one that ours adds labels to."""
    for each in (kind if isinstance(kind, type) else type(kind)).__mro__:
        package: str = each.__module__.partition(".")[0]
        if package != "brinery":
            return package
    return ""


def booster_class(name: str) -> Any:
    """The class by its dotted name, or None where it is none of a booster's; of XGBoost, that takes labels of any kind.

    Raises:
        SpecInvalid: the library cannot be imported.
    """
    module, _, attribute = name.rpartition(".")
    if module not in BOOSTERS:
        return None
    try:
        own = import_module("brinery.formats.labels") if name == "xgboost.XGBClassifier" else import_module(module)
    except Exception as exc:  # a shared library that it needs may be missing
        why = f"{type(exc).__name__}: {words_of(exc)}"
        raise SpecInvalid(f'estimator is "{name}", and {module} cannot be imported here: {why}') from exc
    return getattr(own, attribute, None)


def parameters(kind: Any) -> set[str] | None:
    """Names of a booster's parameters: all by all their names of LightGBM, which would print a line where there is no
    such one; None of XGBoost, which warns of it in a fit.
    """
    if library(kind) != "lightgbm":
        return None
    aliases = import_module("lightgbm.basic")._ConfigAliases._get_all_param_aliases()
    return {*aliases, *chain.from_iterable(aliases.values()), "random_state", "class_weight", "importance_type"}


def names_of_rounds(estimator: Any) -> set[str]:
    """All names of the parameter that says how many rounds are fitted; LightGBM has several."""
    if library(estimator) != "lightgbm":
        return {"n_estimators"}
    return set(import_module("lightgbm.basic")._ConfigAliases.get("num_iterations"))


def check_stopping(spec: ModelSpec, estimator: Any) -> None:
    """Early stopping is for boosters, and needs rows that `early_stopping` holds out.

    Raises:
        SpecInvalid: it is asked for of another estimator, or in another way.
    """
    if not is_booster(estimator):
        if spec.early_stopping is not None:
            raise SpecInvalid(
                f"early_stopping is given, and {spec.estimator} is neither of XGBoost nor of LightGBM; leave it out, "
                "or use what the estimator has of its own among its params"
            )
        return
    for section, given in (("params", spec.params), ("search", spec.search or {})):
        for key in given:
            if key.startswith("early_stopping_round"):
                raise SpecInvalid(f'{section}.{key} needs rows to stop by; write "early_stopping" beside {section}')
