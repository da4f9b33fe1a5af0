"""Pipelines as public notebooks write them, over frames by the names of columns, and rows of those shapes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector, make_column_transformer
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    StandardScaler,
)

ROWS = 600
NUMBER, TEXT = make_column_selector(dtype_include="number"), make_column_selector(dtype_exclude=["number", "bool"])


@dataclass(frozen=True)
class Shape:
    """A notebook's model, and what makes its rows and their truth from a seed."""

    rows: Callable[[np.random.Generator], tuple[pd.DataFrame, np.ndarray]]
    model: Callable[[], Any]


def passengers(random: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray]:
    """Whole numbers, missing ages, a class as a number, texts of which some are missing."""
    frame = pd.DataFrame(
        {
            "Pclass": random.integers(1, 4, ROWS),
            "Sex": random.choice(["female", "male"], ROWS),
            "Age": np.where(random.random(ROWS) < 0.2, np.nan, np.round(random.uniform(1, 80, ROWS))),
            "SibSp": random.poisson(0.5, ROWS),
            "Fare": np.round(random.gamma(1.5, 20, ROWS), 4),
            "Embarked": random.choice(np.array(["S", "C", "Q", None], dtype=object), ROWS, p=[0.7, 0.2, 0.08, 0.02]),
        }
    )
    points = 2.0 * (frame.Sex == "female") - 0.8 * frame.Pclass - 0.01 * frame.Age.fillna(30)
    return frame, (points + random.logistic(size=ROWS) > -0.9).astype(int).to_numpy()


def houses(random: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray]:
    """Areas, years, missing frontage, categories; prices of many digits."""
    frame = pd.DataFrame(
        {
            "LotArea": random.integers(1_500, 40_000, ROWS),
            "LotFrontage": np.where(random.random(ROWS) < 0.15, np.nan, random.integers(20, 150, ROWS)),
            "YearBuilt": random.integers(1890, 2010, ROWS),
            "GrLivArea": random.integers(400, 4_000, ROWS),
            "Neighborhood": random.choice(["NAmes", "CollgCr", "OldTown", "Edwards"], ROWS),
            "CentralAir": random.choice(["Y", "N"], ROWS, p=[0.9, 0.1]),
        }
    )
    price = 60 * frame.GrLivArea + 2 * frame.LotArea + 500 * (frame.YearBuilt - 1890) + 2e4 * (frame.CentralAir == "Y")
    return frame, (price * random.lognormal(0, 0.1, ROWS)).to_numpy()


def customers(random: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray]:
    """Booleans, months, charges with missing cells, contracts."""
    frame = pd.DataFrame(
        {
            "SeniorCitizen": random.integers(0, 2, ROWS),
            "Partner": random.random(ROWS) < 0.5,
            "tenure": random.integers(0, 73, ROWS),
            "Contract": random.choice(["Month-to-month", "One year", "Two year"], ROWS),
            "PaymentMethod": random.choice(["Electronic check", "Mailed check", "Bank transfer"], ROWS),
            "MonthlyCharges": np.round(random.uniform(18, 120, ROWS), 2),
            "TotalCharges": np.where(random.random(ROWS) < 0.05, np.nan, np.round(random.uniform(18, 8000, ROWS), 2)),
        }
    )
    points = 1.5 * (frame.Contract == "Month-to-month") - 0.05 * frame.tenure + 0.02 * frame.MonthlyCharges
    return frame, np.where(points + random.logistic(size=ROWS) > 1, "Yes", "No")


def preprocessed(numbers: list[str], texts: list[str]) -> ColumnTransformer:
    numeric = Pipeline([("imputer", SimpleImputer(strategy="median")), ("scaler", StandardScaler())])
    categorical = Pipeline(
        [("imputer", SimpleImputer(strategy="most_frequent")), ("onehot", OneHotEncoder(handle_unknown="ignore"))]
    )
    return ColumnTransformer([("num", numeric, numbers), ("cat", categorical, texts)])


def titanic(model: Any) -> Pipeline:
    columns = preprocessed(["Age", "Fare", "SibSp"], ["Pclass", "Sex", "Embarked"][1:])
    return Pipeline([("preprocessor", columns), ("classifier", model)])


def churn(model: Any, **options: Any) -> Pipeline:
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = ColumnTransformer([("cat", encoder, ["Contract", "PaymentMethod"])], remainder="passthrough", **options)
    return make_pipeline(columns, model)


def housing(model: Any) -> Pipeline:
    numeric = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    return make_pipeline(
        make_column_transformer((numeric, NUMBER), (OneHotEncoder(handle_unknown="ignore"), TEXT)), model
    )


def with_logarithms() -> Pipeline:
    area = make_pipeline(FunctionTransformer(np.log1p), StandardScaler())
    columns = ColumnTransformer(
        [
            ("area", area, ["LotArea", "GrLivArea"]),
            ("frontage", SimpleImputer(add_indicator=True), ["LotFrontage"]),
            ("kind", OneHotEncoder(drop="first"), ["CentralAir"]),
        ]
    )
    return make_pipeline(columns, Ridge())


def of_log(model: Any) -> Any:
    return TransformedTargetRegressor(model, func=np.log1p, inverse_func=np.expm1)


SHAPES: Mapping[str, Shape] = {
    "passengers by a logistic regression": Shape(passengers, lambda: titanic(LogisticRegression(max_iter=1000))),
    "passengers by a forest": Shape(passengers, lambda: titanic(RandomForestClassifier(50, random_state=0))),
    "passengers by a search": Shape(
        passengers,
        lambda: GridSearchCV(titanic(LogisticRegression(max_iter=1000)), {"classifier__C": [0.1, 1.0]}, cv=3),
    ),
    "houses by boosting of logarithms": Shape(
        houses, lambda: of_log(housing(GradientBoostingRegressor(n_estimators=50, random_state=0)))
    ),
    "houses by a target within the pipeline": Shape(
        houses, lambda: housing(of_log(RandomForestRegressor(30, random_state=0)))
    ),
    "houses by polynomials": Shape(
        houses, lambda: housing(make_pipeline(PolynomialFeatures(2, include_bias=False), Ridge(10.0)))
    ),
    "houses by logarithms of columns": Shape(houses, with_logarithms),
    "customers by histogram boosting": Shape(
        customers, lambda: churn(HistGradientBoostingClassifier(max_iter=30, random_state=0))
    ),
    "customers by a forest": Shape(customers, lambda: churn(RandomForestClassifier(50, random_state=0))),
    "customers by a forest, names kept": Shape(
        customers,
        lambda: churn(RandomForestClassifier(30, random_state=0), verbose_feature_names_out=False),
    ),
}
