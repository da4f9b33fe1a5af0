"""Own conversions: in double precision each gives what scikit-learn gives, to its last digits."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from skl2onnx.common.data_types import DoubleTensorType
from sklearn.compose import TransformedTargetRegressor
from sklearn.cross_decomposition import PLSRegression
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingRegressor,
    VotingRegressor,
)
from sklearn.isotonic import IsotonicRegression
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    PolynomialFeatures,
    PowerTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from brinery.assessment.faithful.export import _convert
from brinery.formats.onnx import OnnxModel
from brinery.tasks.classification import Classification
from brinery.tasks.regression import Regression

random = np.random.default_rng(0)
ROWS = random.uniform(0.2, 4, (300, 3)) * [1, 10, 0.01]
NUMBERS = ROWS[:, 0] ** 2 + ROWS[:, 1] / 10 + random.normal(0, 0.1, 300) + 3
LABELS = np.digitize(NUMBERS, [6.0, 12.0])
MISSING = np.where(random.random(ROWS.shape) < 0.1, np.nan, ROWS)
NEW = random.uniform(-1, 5, (2_000, 3)) * [1, 10, 0.01]
POSITIVE = np.abs(NEW) + 1e-3

FUNCTIONS = (
    *(np.log, np.log1p, np.log2, np.log10, np.exp, np.expm1, np.exp2, np.sqrt, np.square, np.abs, np.negative),
    *(np.reciprocal, np.sin, np.cos),
)
PAIRS: tuple[tuple[Any, Any], ...] = (
    *((np.log1p, np.expm1), (np.log, np.exp), (np.sqrt, np.square), (np.square, np.sqrt), (np.exp, np.log)),
    *((np.log2, np.exp2), (np.negative, np.negative), (np.reciprocal, np.reciprocal), (None, None)),
)
SCALERS = (
    *(StandardScaler(), StandardScaler(with_mean=False), RobustScaler(), MinMaxScaler((1, 2)), MaxAbsScaler()),
    *(PowerTransformer(), PowerTransformer("box-cox"), PowerTransformer(standardize=False)),
    make_pipeline(FunctionTransformer(np.log, np.exp), StandardScaler()),
)


def taken_back(transformer: Any) -> Any:
    return TransformedTargetRegressor(LinearRegression(), transformer=transformer)


def of_columns(func: Any) -> Any:
    return make_pipeline(FunctionTransformer(func), Ridge())


def tree() -> Any:
    return DecisionTreeRegressor(max_depth=5, random_state=0)


def of_targets(func: Any, inverse: Any) -> Any:
    return TransformedTargetRegressor(
        DecisionTreeRegressor(max_depth=4), func=func, inverse_func=inverse, check_inverse=False
    )


REGRESSORS: dict[str, Callable[[], Any]] = {
    **{f"the function {each.__name__}": partial(of_columns, each) for each in FUNCTIONS},
    **{f"a target's {getattr(func, '__name__', func)}": partial(of_targets, func, inv) for func, inv in PAIRS},
    **{f"a target by {each}": partial(taken_back, each) for each in SCALERS},
    "powers": lambda: make_pipeline(PowerTransformer(), Ridge()),
    "powers by Box and Cox": lambda: make_pipeline(PowerTransformer("box-cox", standardize=False), Ridge()),
    "polynomials": lambda: make_pipeline(PolynomialFeatures(3), Ridge()),
    "products alone": lambda: make_pipeline(PolynomialFeatures((2, 3), interaction_only=True), Ridge()),
    "bins as columns": lambda: make_pipeline(KBinsDiscretizer(4, strategy="uniform"), Ridge()),
    "bins as numbers": lambda: make_pipeline(KBinsDiscretizer(4, encode="ordinal", strategy="uniform"), Ridge()),
    "a tree": tree,
    "a forest": lambda: RandomForestRegressor(20, random_state=0),
    "a scaled forest": lambda: make_pipeline(StandardScaler(), RandomForestRegressor(20, random_state=0)),
    "boosting": lambda: GradientBoostingRegressor(n_estimators=20, loss="huber", random_state=0),
    "boosting from zero": lambda: GradientBoostingRegressor(n_estimators=20, init="zero", random_state=0),
    "voting": lambda: VotingRegressor([("a", Ridge()), ("b", tree())], weights=[1, 3]),
    "voting without one": lambda: VotingRegressor([("a", Ridge()), ("b", "drop"), ("c", tree())], weights=[1, 2, 3]),
    "stacking": lambda: StackingRegressor([("a", Ridge()), ("b", tree())], Ridge(), passthrough=True, cv=3),
    "partial least squares": lambda: PLSRegression(2),
    "a constant": lambda: DummyRegressor(strategy="quantile", quantile=0.3),
    "kernel ridge": lambda: make_pipeline(StandardScaler(), KernelRidge(kernel="sigmoid", coef0=0.5)),
}
CLASSIFIERS: dict[str, Callable[[], Any]] = {
    "a tree": lambda: DecisionTreeClassifier(max_depth=5, random_state=0),
    "a forest": lambda: RandomForestClassifier(20, random_state=0),
    "extra trees": lambda: ExtraTreesClassifier(20, max_depth=6, random_state=0),
    "boosting": lambda: GradientBoostingClassifier(n_estimators=20, random_state=0),
    "boosting of two": lambda: GradientBoostingClassifier(n_estimators=20, random_state=0),
    "boosting by an exponential loss of two": lambda: GradientBoostingClassifier(
        n_estimators=20, loss="exponential", random_state=0
    ),
}


def converted(model: Any, task: Any, columns: int = 3) -> OnnxModel:
    return OnnxModel(list(_convert(model, [("rows", DoubleTensorType([None, columns]))]))[-1], task, columns)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", REGRESSORS)
def test_regressor_gives_the_numbers_of_scikit_learn(name: str) -> None:
    model = REGRESSORS[name]().fit(ROWS, NUMBERS)
    new = POSITIVE if "log" in name or "sqrt" in name or "Cox" in name else NEW
    theirs = model.predict(new).reshape(-1)
    ours = converted(model, Regression(mean=0, deviation=1)).predict(new).values
    assert np.array_equal(np.isfinite(ours), np.isfinite(theirs)) and np.isfinite(theirs).mean() > 0.5
    finite = np.isfinite(theirs)
    assert np.abs(ours - theirs)[finite].max() <= 1e-10 * np.abs(theirs[finite]).max()


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifier_gives_the_probabilities_of_scikit_learn(name: str) -> None:
    labels = LABELS > 0 if "of two" in name else LABELS
    model = CLASSIFIERS[name]().fit(ROWS, labels.astype(int))
    answers = converted(model, Classification(classes=tuple(model.classes_.tolist()))).predict(NEW)
    assert np.abs(answers.probabilities - model.predict_proba(NEW)).max() <= 1e-14
    assert np.array_equal(answers.labels, model.predict(NEW))


@pytest.mark.parametrize("model", [tree(), RandomForestRegressor(20, random_state=0)])
def test_missing_cells_go_the_way_that_they_went(model: Any) -> None:
    model.fit(MISSING, NUMBERS)
    assert np.array_equal(
        converted(model, Regression(mean=0, deviation=1)).predict(MISSING).values, model.predict(MISSING)
    )


def test_rows_beside_a_threshold_go_the_way_of_single_precision() -> None:
    model = tree().fit(ROWS, NUMBERS)
    inner = model.tree_.feature >= 0
    thresholds = np.nextafter(model.tree_.threshold[inner].astype(np.float32), [[-np.inf], [np.inf]]).ravel()
    rows = np.repeat(thresholds.astype(float)[:, None], 3, axis=1)
    rows = np.concatenate([rows, np.nextafter(rows, np.inf), np.nextafter(rows, -np.inf), (rows + rows[::-1]) / 2])
    assert np.array_equal(converted(model, Regression(mean=0, deviation=1)).predict(rows).values, model.predict(rows))


@pytest.mark.parametrize("beyond", ["clip", "nan"])
@pytest.mark.parametrize("rows", [300, 2])
def test_isotonic_regression_ends_as_it_is_told(beyond: str, rows: int) -> None:
    model = IsotonicRegression(out_of_bounds=beyond).fit(ROWS[:rows, :1], np.sort(NUMBERS[:rows]) + ROWS[:rows, 0])
    new = np.concatenate([NEW[:, :1], ROWS[:rows, :1]])
    found = converted(model, Regression(mean=0, deviation=1), 1).predict(new).values
    assert np.allclose(found, model.predict(new), rtol=1e-13, atol=0, equal_nan=True)
    assert np.isnan(found).any() == (beyond == "nan")


UNKNOWN: dict[str, tuple[Any, str]] = {
    "a function of one's own": (make_pipeline(FunctionTransformer(lambda x: x), Ridge()), "the function <lambda>; an"),
    "a function with arguments": (
        make_pipeline(FunctionTransformer(np.sqrt, kw_args={"where": True}), Ridge()),
        "the function sqrt",
    ),
    "a target's own function": (of_targets(lambda y: y, lambda y: y), "the function <lambda>; an ONNX file can have"),
    "boosting upon another": (GradientBoostingRegressor(init=LinearRegression()), "boosting that begins with Linear"),
    "an isotonic one that refuses": (IsotonicRegression(out_of_bounds="raise"), "beyond them raise"),
    "too many trees": (RandomForestRegressor(2_001, max_depth=1), "2001 trees of .* nodes with 1 values each"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", UNKNOWN)
def test_what_has_no_conversion_says_so(name: str) -> None:
    model, message = UNKNOWN[name]
    rows = ROWS[:, :1] if isinstance(model, IsotonicRegression) else ROWS
    model.fit(rows, NUMBERS)
    with pytest.raises(NotImplementedError, match=message):
        converted(model, Regression(mean=0, deviation=1), rows.shape[1])
