"""Within a model: what answers in the end, what it is given, and whether that was calculated before."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.feature_selection import SelectorMixin
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.isotonic import IsotonicRegression
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    OneHotEncoder,
    OrdinalEncoder,
    PowerTransformer,
)
from sklearn.tree import BaseDecisionTree

from brinery.assessment.faithful.probes import flat, steps_within
from brinery.formats.frames import OnFrames

AS_THEY_ARE = (SimpleImputer, MissingIndicator, OneHotEncoder, OrdinalEncoder, SelectorMixin)
OF_TREES = ("tree_", "_predictors", "booster_", "get_booster", "tree_count_")  # of LightGBM, XGBoost and CatBoost, too
IN_DOUBLE = ("_predictors", "booster_")  # which split in double precision
STEEP = (Binarizer, IsotonicRegression, KBinsDiscretizer, PowerTransformer, TransformedTargetRegressor)


@dataclass(frozen=True)
class Answering:
    """A fitted estimator that answers, alone or as one of several, and its rows.

    `calculated`: its columns are not those of the data, or what stands for them, but were computed from them, so that
    another form of the model may give it others in the last digit.
    """

    estimator: Any
    rows: Any
    calculated: bool

    @property
    def splits(self) -> bool:
        """Whether it is made of trees."""
        return has_trees(self.estimator)

    @property
    def has_neighbours(self) -> bool:
        return hasattr(self.estimator, "kneighbors")


def answering(fitted: Any, rows: Any, calculated: bool = False) -> Iterator[Answering]:
    """What answers within a fitted model, and what of rows, shape (rows, features), it is given; None stays None."""
    if isinstance(fitted, OnFrames):
        fitted, rows = fitted.estimator, None if rows is None else fitted.frame(rows)
    if isinstance(fitted, Pipeline):
        for _, step in fitted.steps[:-1]:
            rows = rows if rows is None or _is_nothing(step) else step.transform(rows)
            calculated = calculated or calculates(step)
        yield from answering(fitted.steps[-1][1], rows, calculated)
        return
    members = list(_members(fitted))
    if not members:
        yield Answering(fitted, rows, calculated)
    for member, columns in members:
        yield from answering(member, rows if rows is None or columns is None else rows[:, columns], calculated)
    final = getattr(fitted, "final_estimator_", None)
    if final is not None:
        yield from answering(final, None if rows is None else fitted.transform(rows), True)


def has_trees(estimator: Any) -> bool:
    """Whether an estimator is a tree, or made of nothing else."""
    parts = flat(getattr(estimator, "estimators_", ()))
    return any(hasattr(estimator, name) for name in OF_TREES) or any(hasattr(part, "tree_") for part in parts)


def calculates(step: Any) -> bool:
    """Whether a transformer gives other numbers than it is given, or others in their place."""
    if isinstance(step, Pipeline):
        return any(calculates(each) for _, each in step.steps)
    if isinstance(step, ColumnTransformer):
        return any(calculates(each) for _, each, _ in step.transformers_)
    if isinstance(step, FeatureUnion):
        return any(calculates(each) for _, each in step.transformer_list)
    if isinstance(step, FunctionTransformer):
        return step.func is not None
    return not (_is_nothing(step) or isinstance(step, AS_THEY_ARE))


def needs_double(fitted: Any) -> bool:
    """Whether a number that is rounded to single precision may get quite another answer: beside a split, among
    neighbours, or where a function is steep, as a logarithm is.
    """
    return any(_is_steep(part) for part in steps_within(fitted)) or any(
        each.has_neighbours
        or any(hasattr(each.estimator, name) for name in IN_DOUBLE)
        or (each.splits and each.calculated)
        for each in answering(fitted, None)
    )


def _is_steep(part: Any) -> bool:
    if isinstance(part, FunctionTransformer):
        return part.func is not None
    return isinstance(part, STEEP)


def _is_nothing(step: Any) -> bool:
    return step is None or isinstance(step, str)


def _members(fitted: Any) -> Iterator[tuple[Any, Any]]:
    """Fitted estimators that each answer by themselves, and the columns that each of them gets, None for all."""
    for name in ("best_estimator_", "regressor_", "estimator_"):
        one = getattr(fitted, name, None)
        if one is not None and not hasattr(fitted, "estimators_"):
            yield one, None
            return
    calibrated = [each.estimator for each in getattr(fitted, "calibrated_classifiers_", ())]
    many = calibrated or flat(getattr(fitted, "estimators_", ()))
    if not hasattr(fitted, "named_estimators_") and any(isinstance(each, BaseDecisionTree) for each in many):
        return
    columns = getattr(fitted, "estimators_features_", [None] * len(many))
    for each, some in zip(many, columns, strict=True):
        if hasattr(each, "predict"):
            yield each, some
