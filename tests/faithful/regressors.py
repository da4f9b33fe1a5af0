"""Every regressor of scikit-learn that can be declared, alone and in the usual wrappers, and data to fit them on."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    AdaBoostRegressor,
    BaggingRegressor,
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
    StackingRegressor,
    VotingRegressor,
)
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, DotProduct, Matern, RationalQuadratic, WhiteKernel
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import (
    LinearRegression,
    PoissonRegressor,
    RANSACRegressor,
    Ridge,
    SGDRegressor,
    TweedieRegressor,
)
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MinMaxScaler,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
)
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeRegressor

from brinery.assessment.faithful.export import Export
from brinery.assessment.regression import RegressionAssessor
from tests.faithful.family import Family, in_chunks, made_alone, table

REGRESSION = RegressionAssessor()
TOLERANCE = 1e-5  # of the target's deviation, or of how far an answer is from its mean where that is more
# What they are told, so that they are fitted without a warning and in little time.
PARAMS: Mapping[str, Mapping[str, Any]] = {
    "AdaBoostRegressor": {"n_estimators": 10},
    "BaggingRegressor": {"n_jobs": 1},
    "CCA": {"n_components": 1},
    "ElasticNetCV": {"cv": 3, "max_iter": 10_000},
    "ExtraTreesRegressor": {"n_estimators": 20},
    "GammaRegressor": {"max_iter": 10_000},
    "GradientBoostingRegressor": {"n_estimators": 10},
    "HistGradientBoostingRegressor": {"max_iter": 10},
    "HuberRegressor": {"max_iter": 10_000},
    "LassoCV": {"cv": 3, "max_iter": 10_000},
    "LinearSVR": {"max_iter": 1_000_000},
    "MLPRegressor": {"hidden_layer_sizes": [8], "max_iter": 5000, "tol": 1e-3},
    "PLSCanonical": {"n_components": 1},
    "PLSRegression": {"n_components": 2},
    "PoissonRegressor": {"max_iter": 10_000},
    "RandomForestRegressor": {"n_estimators": 20},
    "TweedieRegressor": {"max_iter": 10_000},
}


def _tree() -> Any:
    return DecisionTreeRegressor(max_depth=4, random_state=0)


def _forest(**params: Any) -> Any:
    return RandomForestRegressor(10, random_state=0, **params)


def _boosting(**params: Any) -> Any:
    return GradientBoostingRegressor(n_estimators=10, random_state=0, **params)


def _histogram(**params: Any) -> Any:
    return HistGradientBoostingRegressor(max_iter=10, random_state=0, **params)


def _network(**params: Any) -> Any:
    return MLPRegressor(hidden_layer_sizes=(8,), max_iter=5000, tol=1e-3, random_state=0, **params)


def _process(kernel: Any) -> Any:
    return GaussianProcessRegressor(kernel, alpha=1e-2, normalize_y=True, optimizer=None)


WRAPPED: Mapping[str, Callable[[], Any]] = {
    "AdaBoostRegressor, exponential loss": lambda: AdaBoostRegressor(
        _tree(), n_estimators=10, loss="exponential", random_state=0
    ),
    "AdaBoostRegressor of linear regressions": lambda: AdaBoostRegressor(
        LinearRegression(), n_estimators=5, random_state=0
    ),
    "BaggingRegressor of linear regressions": lambda: BaggingRegressor(LinearRegression(), n_jobs=1, random_state=0),
    "BaggingRegressor of support vectors": lambda: BaggingRegressor(SVR(), n_jobs=1, random_state=0),
    "BaggingRegressor, some columns each": lambda: BaggingRegressor(max_features=0.6, n_jobs=1, random_state=0),
    "DecisionTreeRegressor, Poisson": lambda: DecisionTreeRegressor(criterion="poisson", max_depth=5, random_state=0),
    "GaussianProcessRegressor, RBF and noise": lambda: _process(ConstantKernel(2.0) * RBF(1.5) + WhiteKernel(0.1)),
    "GaussianProcessRegressor, Matern": lambda: _process(Matern(length_scale=1.5, nu=1.5)),
    "GaussianProcessRegressor, products": lambda: _process(DotProduct(1.0) + WhiteKernel(0.1)),
    "GaussianProcessRegressor, rational quadratic": lambda: _process(RationalQuadratic(1.0, 0.5)),
    "GradientBoostingRegressor, Huber": lambda: _boosting(loss="huber"),
    "GradientBoostingRegressor, quantile": lambda: _boosting(loss="quantile", alpha=0.8),
    "GradientBoostingRegressor, absolute error": lambda: _boosting(loss="absolute_error"),
    "GradientBoostingRegressor from a linear regression": lambda: _boosting(init=LinearRegression()),
    "GradientBoostingRegressor from zero": lambda: _boosting(init="zero"),
    "GridSearchCV of a ridge": lambda: GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, cv=3),
    "GridSearchCV of a forest": lambda: GridSearchCV(_forest(), {"max_depth": [3, 5]}, cv=3),
    "HistGradientBoostingRegressor, Poisson": lambda: _histogram(loss="poisson"),
    "HistGradientBoostingRegressor, gamma": lambda: _histogram(loss="gamma"),
    "HistGradientBoostingRegressor, absolute error": lambda: _histogram(loss="absolute_error"),
    "HistGradientBoostingRegressor, quantile": lambda: _histogram(loss="quantile", quantile=0.8),
    "KNeighborsRegressor, by distance": lambda: KNeighborsRegressor(weights="distance"),
    "KNeighborsRegressor, Manhattan": lambda: KNeighborsRegressor(metric="manhattan"),
    "KernelRidge, RBF": lambda: KernelRidge(kernel="rbf", gamma=0.2),
    "KernelRidge, polynomial": lambda: KernelRidge(kernel="poly", degree=2),
    "KernelRidge, Laplacian": lambda: KernelRidge(kernel="laplacian", gamma=0.2),
    "MLPRegressor, tanh": lambda: _network(activation="tanh"),
    "MLPRegressor, logistic": lambda: _network(activation="logistic"),
    "MLPRegressor, Poisson": lambda: _network(loss="poisson"),
    "Pipeline of polynomials and a ridge": lambda: make_pipeline(
        StandardScaler(), PolynomialFeatures(2, include_bias=False), Ridge()
    ),
    "Pipeline of splines and a ridge": lambda: make_pipeline(StandardScaler(), SplineTransformer(), Ridge()),
    "Pipeline of components and a linear regression": lambda: make_pipeline(
        StandardScaler(), PCA(2), LinearRegression()
    ),
    "Pipeline of quantiles and a ridge": lambda: make_pipeline(QuantileTransformer(n_quantiles=50), Ridge()),
    "Pipeline of powers and a ridge": lambda: make_pipeline(PowerTransformer(), Ridge()),
    "Pipeline of a robust scaler and a ridge": lambda: make_pipeline(RobustScaler(), Ridge()),
    "Pipeline of a range and a ridge": lambda: make_pipeline(MinMaxScaler(), Ridge()),
    "Pipeline of a scaler and a tree": lambda: make_pipeline(StandardScaler(), _tree()),
    "Pipeline of a scaler and a forest": lambda: make_pipeline(StandardScaler(), _forest()),
    "Pipeline of a scaler and boosting": lambda: make_pipeline(StandardScaler(), _boosting()),
    "Pipeline of a scaler and boosted trees": lambda: make_pipeline(
        StandardScaler(), AdaBoostRegressor(_tree(), n_estimators=5, random_state=0)
    ),
    "Pipeline of a scaler and bagged trees": lambda: make_pipeline(
        StandardScaler(), BaggingRegressor(_tree(), n_jobs=1, random_state=0)
    ),
    "Pipeline of components and a forest": lambda: make_pipeline(StandardScaler(), PCA(2), _forest()),
    "Pipeline of components and histogram boosting": lambda: make_pipeline(StandardScaler(), PCA(2), _histogram()),
    "Pipeline of components and neighbours": lambda: make_pipeline(StandardScaler(), PCA(2), KNeighborsRegressor()),
    "Pipeline of polynomials and a tree": lambda: make_pipeline(PolynomialFeatures(2), _tree()),
    "Pipeline of bins and a ridge": lambda: make_pipeline(KBinsDiscretizer(4, strategy="uniform"), Ridge()),
    "Pipeline of bins and a tree": lambda: make_pipeline(
        StandardScaler(), KBinsDiscretizer(4, encode="ordinal", strategy="uniform"), _tree()
    ),
    "Pipeline of logarithms and a ridge": lambda: make_pipeline(FunctionTransformer(np.log1p), Ridge()),
    "Pipeline of a scaler and histogram boosting": lambda: make_pipeline(StandardScaler(), _histogram()),
    "RANSACRegressor of a ridge": lambda: RANSACRegressor(Ridge(), min_samples=20, random_state=0),
    "RandomForestRegressor, Poisson": lambda: _forest(criterion="poisson"),
    "RandomForestRegressor, absolute error": lambda: _forest(criterion="absolute_error"),
    "SGDRegressor, Huber": lambda: SGDRegressor(loss="huber", max_iter=10_000, random_state=0),
    "SVR, linear": lambda: SVR(kernel="linear"),
    "SVR, polynomial": lambda: SVR(kernel="poly", degree=2),
    "SVR, sigmoid": lambda: SVR(kernel="sigmoid"),
    "StackingRegressor of a ridge and a tree": lambda: StackingRegressor(
        [("a", Ridge()), ("b", _tree())], n_jobs=1, cv=3
    ),
    "StackingRegressor of a ridge and a forest, with the columns": lambda: StackingRegressor(
        [("a", Ridge()), ("b", _forest())], final_estimator=Ridge(), passthrough=True, n_jobs=1, cv=3
    ),
    "StackingRegressor of forests by a tree": lambda: StackingRegressor(
        [("a", _forest()), ("b", _boosting())], final_estimator=_tree(), n_jobs=1, cv=3
    ),
    "TransformedTargetRegressor, log1p": lambda: TransformedTargetRegressor(
        Ridge(), func=np.log1p, inverse_func=np.expm1
    ),
    "TransformedTargetRegressor, log of boosting": lambda: TransformedTargetRegressor(
        _boosting(), func=np.log, inverse_func=np.exp
    ),
    "TransformedTargetRegressor, log1p of histogram boosting": lambda: TransformedTargetRegressor(
        _histogram(), func=np.log1p, inverse_func=np.expm1
    ),
    "TransformedTargetRegressor, root of a forest": lambda: TransformedTargetRegressor(
        _forest(), func=np.sqrt, inverse_func=np.square
    ),
    "TransformedTargetRegressor, scaled network": lambda: TransformedTargetRegressor(
        _network(), transformer=StandardScaler()
    ),
    "TransformedTargetRegressor, quantiles of a ridge": lambda: TransformedTargetRegressor(
        Ridge(), transformer=QuantileTransformer(n_quantiles=50, output_distribution="normal")
    ),
    "TransformedTargetRegressor, powers of a ridge": lambda: TransformedTargetRegressor(
        Ridge(), transformer=PowerTransformer()
    ),
    "TransformedTargetRegressor of a pipeline": lambda: TransformedTargetRegressor(
        make_pipeline(StandardScaler(), Ridge()), func=np.log1p, inverse_func=np.expm1
    ),
    "TweedieRegressor, compound Poisson": lambda: TweedieRegressor(power=1.5, link="log", max_iter=10_000),
    "TweedieRegressor, inverse Gaussian": lambda: TweedieRegressor(power=3, alpha=0.1, max_iter=10_000),
    "TweedieRegressor, gamma without a link": lambda: TweedieRegressor(power=0, link="identity", max_iter=10_000),
    "VotingRegressor of a ridge and a tree": lambda: VotingRegressor([("a", Ridge()), ("b", _tree())], n_jobs=1),
    "VotingRegressor of a forest and a Poisson, weighted": lambda: VotingRegressor(
        [("a", _forest()), ("b", PoissonRegressor(max_iter=10_000))], weights=[2, 1], n_jobs=1
    ),
    "VotingRegressor of forests and boosting": lambda: VotingRegressor(
        [("a", _forest()), ("b", _boosting()), ("c", _histogram())], n_jobs=1
    ),
}


def wrapped(name: str) -> Any:
    """The factory that models.json names."""
    return WRAPPED[name]()


def frame(columns: str, scale: str, name: str) -> tuple[pd.DataFrame, np.ndarray]:
    """Numbers above 0, of all columns, or of the last one alone, which may be missing, for what knows but one."""
    made, score = table(columns, scale)
    return (made[["x2" if columns == "mixed" else "x0"]] if name == "IsotonicRegression" else made), score + 2.0


def apart(fitted: Any, found: Export, rows: np.ndarray, target: np.ndarray) -> tuple[float | None, int]:
    """The largest difference of a number in deviations of the target, and how many differ by more than is allowed."""
    assert found.predict is not None
    largest, others, mean, deviation = 0.0, 0, target.mean(), target.std()
    for chunk in in_chunks(rows):
        with np.errstate(all="ignore"):  # a row far off may overflow
            some = answered(fitted, chunk, found)
            theirs = np.asarray(fitted.predict(some), dtype=np.float64).reshape(-1)
            closed = ~REGRESSION.ties(fitted, some, REGRESSION.answers(fitted, some))[1]
            ours = found.predict(some).values
        finite = np.isfinite(theirs)
        assert (finite == np.isfinite(ours))[closed].all() and closed.mean() > 0.9
        far = np.maximum(np.abs(theirs - mean), deviation)
        differences = (np.abs(ours - theirs) / far)[closed & finite]
        largest = max(largest, float(differences.max(initial=0.0)))
        others += int((differences > TOLERANCE).sum())
    return largest, others


def answered(fitted: Any, rows: np.ndarray, found: Export) -> np.ndarray:
    """The rows to which the fitted model has an answer; to the others the file must have none."""
    try:
        fitted.predict(rows)
        return rows
    except ValueError:
        if len(rows) > 1:
            return np.concatenate([answered(fitted, half, found) for half in np.array_split(rows, 2)])
        assert found.predict is not None and not np.isfinite(found.predict(rows).values).any()
        return rows[:0]


REGRESSORS = Family(
    file=Path(__file__).with_name("regressors.md"),
    assessor=REGRESSION,
    alone={name: kind for name, kind in made_alone("regressor").items() if not name.startswith("MultiTask")},
    params=PARAMS,
    wrapped=WRAPPED,
    factory=f"{__name__}:wrapped",
    frame=frame,
    apart=apart,
    words="""\
# Which ONNX file each regressor gets

Written by `python -m tests.faithful.table`, with scikit-learn {version}. Each regressor that answers with one number is
declared and trained as `train` does it: on numeric columns, and on mixed ones (numbers, a category, a boolean, missing
values). The numbers are of five scales: up to 4 times 0.001, 1, 1000 or 1000000, or within an hour in seconds since
1970. An isotonic regression gets the one column that it takes.

A file in single or double precision answers as the fitted model does; without one the version is served as a
pickle. The difference is the largest of an answer over {rows:,} probe rows at each scale, by the target's deviation, or
by how far the answer is from the target's mean where that is more. No answer differed by more than 1e-5 on any of them,
but where the model ties with itself.

""",
    rows=20_000,
)
