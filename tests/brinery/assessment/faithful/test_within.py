"""What answers within a model: what it is given, where single precision will not do, and where it hangs on rounding."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    BaggingRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
    StackingRegressor,
    VotingRegressor,
)
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.impute import SimpleImputer
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, KBinsDiscretizer, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from brinery.assessment.columns.infer import infer_features
from brinery.assessment.faithful.ties import open_ties
from brinery.assessment.faithful.within import answering, needs_double
from brinery.formats.frames import OnFrames

random = np.random.default_rng(0)
ROWS = random.normal(size=(200, 3))
NUMBERS = ROWS[:, 0] + ROWS[:, 1] ** 2
TREE = DecisionTreeRegressor(max_depth=4, random_state=0)
SCALED = make_pipeline(StandardScaler(), TREE)
AS_IT_IS = ColumnTransformer([("a", SimpleImputer(), [0, 1]), ("b", "passthrough", [2])])

SINGLE_WILL_DO = {
    "a tree": TREE,
    "a tree behind an imputer": make_pipeline(AS_IT_IS, TREE),
    "a tree behind nothing": make_pipeline("passthrough", FunctionTransformer(), TREE),
    "numbers behind a scaler": make_pipeline(StandardScaler(), Ridge()),
    "forests that vote": VotingRegressor([("a", RandomForestRegressor(3)), ("b", Ridge())]),
}
DOUBLE = {
    "a tree behind a scaler": SCALED,
    "… within a pipeline": make_pipeline(SCALED),
    "… within a search": GridSearchCV(SCALED, {"decisiontreeregressor__max_depth": [2]}, cv=2),
    "… in bags": BaggingRegressor(SCALED, 2, max_features=0.7, random_state=0),
    "… that votes beside a tree": VotingRegressor([("a", SCALED), ("b", TREE)]),
    "a tree behind components beside columns": make_pipeline(FeatureUnion([("a", "passthrough"), ("b", PCA(1))]), TREE),
    "a tree behind scaled columns": make_pipeline(ColumnTransformer([("a", SCALED[:-1], [0])]), TREE),
    "a tree behind others": StackingRegressor([("a", TREE), ("b", Ridge())], TREE, cv=2),
    "neighbours": KNeighborsRegressor(),
    "histograms": HistGradientBoostingRegressor(max_iter=2),
    "bins": make_pipeline(KBinsDiscretizer(3, strategy="uniform"), Ridge()),
    "a logarithm": make_pipeline(FunctionTransformer(np.abs), FunctionTransformer(np.log), Ridge()),
    "lines that may be steep": make_pipeline(SelectKBest(f_regression, k=1), IsotonicRegression(out_of_bounds="clip")),
    "a target": TransformedTargetRegressor(Ridge(), transformer=StandardScaler()),
}


@pytest.mark.parametrize("name", [*SINGLE_WILL_DO, *DOUBLE])
def test_single_precision_is_not_tried_where_rounding_decides(name: str) -> None:
    model = (SINGLE_WILL_DO | DOUBLE)[name].fit(ROWS, NUMBERS)
    assert needs_double(model) == (name in DOUBLE)


@pytest.mark.parametrize("name", [name for name, model in DOUBLE.items() if "tree" in name or "…" in name])
def test_rows_at_a_split_of_what_was_calculated_are_open(name: str) -> None:
    """The value at which the answer jumps, found by halving, and the same rows moved away from it."""
    model = DOUBLE[name].fit(ROWS, NUMBERS)
    (each, *_) = (each for each in answering(model, ROWS) if each.splits and each.calculated)
    assert each.rows.shape[0] == len(ROWS)
    low, high = ROWS[NUMBERS.argmin()], ROWS[NUMBERS.argmax()]
    first = model.predict(low[None])
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if model.predict(middle[None]) == first else (low, middle)
    there = np.stack([low, high])
    if "others" not in name and "votes" not in name:  # of which plain parts jump too
        assert open_ties(model, np.concatenate([there, ROWS]))[:2].all()
    assert open_ties(model, ROWS).mean() < 0.05


def test_trees_of_the_columns_themselves_leave_nothing_open() -> None:
    model = TREE.fit(ROWS, NUMBERS)
    inner = model.tree_.feature >= 0
    rows = np.repeat(model.tree_.threshold[inner][:, None], 3, axis=1)
    assert not open_ties(make_pipeline(AS_IT_IS, TREE).fit(ROWS, NUMBERS), rows).any()


def test_neighbours_of_a_frame_by_names_are_asked_with_a_frame() -> None:
    frame = pd.DataFrame({"x": np.repeat([0.0, 2.0, 4.0], 20), "kind": np.tile(["a", "b"], 30)})
    columns = ColumnTransformer([("x", "passthrough", ["x"]), ("kind", OneHotEncoder(), ["kind"])])
    model = make_pipeline(columns, KNeighborsRegressor(10)).fit(frame, np.arange(60.0))
    rows: Any = np.array([[1.0, "a"], [0.0, "b"], [0.3, "a"]], dtype=object)
    assert open_ties(OnFrames(model, frame, infer_features(frame)), rows).tolist() == [True, False, False]
