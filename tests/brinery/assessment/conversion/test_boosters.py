"""XGBoost and LightGBM as ONNX: the same answers at every split, whatever the columns, labels and objectives."""

import json
import warnings
from collections.abc import Iterator
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris

from brinery.assessment.assessor import assessor_of
from brinery.assessment.columns.infer import infer_features
from brinery.assessment.faithful.export import Export, export_onnx
from brinery.assessment.faithful.probes import probes
from brinery.formats import labels

RANDOM = np.random.default_rng(0)
TRAIN = 400


def shuffled(rows: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = RANDOM.permutation(len(rows))
    return rows[order], truth[order]


TWO = shuffled(*load_breast_cancer(return_X_y=True))
THREE = shuffled(*load_iris(return_X_y=True))
PROGRESS = load_diabetes(return_X_y=True)
MISSING = np.where(RANDOM.random(TWO[0].shape) < 0.1, np.nan, TWO[0])
MISSING_LATER = np.vstack([TWO[0][:TRAIN], MISSING[TRAIN:]])  # in rows that nothing is fitted on
# Values that single precision cannot tell apart, and the target far from 0 beside its spread.
FINE = np.column_stack([1.76e9 + RANDOM.integers(0, 3600, 600), 51.5 + RANDOM.normal(0, 1e-6, 600), RANDOM.random(600)])
FINE_LABELS = ((FINE[:, 0] % 900 > 450) ^ (FINE[:, 1] > 51.5)).astype(int)
FINE_TARGET = 2000 + 0.001 * (FINE[:, 0] - 1.76e9) + FINE[:, 2]
# Numbers so small that LightGBM takes them for 0.
TINY = np.column_stack([RANDOM.choice([-1.0, -1e-36, 0.0, 1e-36, 1.0], 600), RANDOM.random(600)])
QUIET: dict[str, Any] = {"verbose": -1, "n_jobs": 1, "n_estimators": 40}
XGB: dict[str, Any] = {"n_estimators": 40, "n_jobs": 1}

Case = tuple[Any, np.ndarray, np.ndarray]
ALIKE: dict[str, Case] = {
    "xgboost, two": (labels.XGBClassifier(**XGB), *TWO),
    "xgboost, texts": (labels.XGBClassifier(**XGB), THREE[0], np.array(["a", "b", "ccc"])[THREE[1]]),
    "xgboost, booleans": (labels.XGBClassifier(**XGB), TWO[0], TWO[1] == 1),
    "xgboost, its own class": (xgboost.XGBClassifier(**XGB), *TWO),
    "xgboost, missing cells": (labels.XGBClassifier(**XGB), MISSING, TWO[1]),
    "xgboost, fine columns": (labels.XGBClassifier(**XGB), FINE, FINE_LABELS),
    "xgboost, base score": (labels.XGBClassifier(base_score=0.2, scale_pos_weight=3, **XGB), *TWO),
    "xgboost, forests": (labels.XGBClassifier(num_parallel_tree=3, subsample=0.6, **XGB), *THREE),
    "xgboost, pruned": (labels.XGBClassifier(tree_method="exact", gamma=1.0, **XGB), *THREE),
    "xgboost, numbers": (xgboost.XGBRegressor(**XGB), *PROGRESS),
    "xgboost, far from 0": (xgboost.XGBRegressor(**XGB), FINE, FINE_TARGET),
    **{
        f"xgboost, {objective}": (xgboost.XGBRegressor(objective=objective, **XGB), PROGRESS[0], PROGRESS[1] / over)
        for objective, over in (
            *(("reg:absoluteerror", 1), ("count:poisson", 1), ("reg:gamma", 1), ("reg:tweedie", 1)),
            ("reg:logistic", 400),
        )
    },
    "lightgbm, two": (lightgbm.LGBMClassifier(**QUIET), *TWO),
    "lightgbm, texts": (lightgbm.LGBMClassifier(**QUIET), THREE[0], np.array(["a", "b", "ccc"])[THREE[1]]),
    "lightgbm, booleans": (lightgbm.LGBMClassifier(**QUIET), TWO[0], TWO[1] == 1),
    "lightgbm, missing cells": (lightgbm.LGBMClassifier(**QUIET), MISSING, TWO[1]),
    "lightgbm, missing later": (lightgbm.LGBMClassifier(**QUIET), MISSING_LATER, TWO[1]),
    "lightgbm, fine columns": (lightgbm.LGBMClassifier(**QUIET), FINE, FINE_LABELS),
    "lightgbm, tiny numbers": (lightgbm.LGBMClassifier(**QUIET), TINY, (TINY[:, 0] >= 0).astype(int)),
    "lightgbm, dropped trees": (lightgbm.LGBMClassifier(boosting_type="dart", **QUIET), *TWO),
    "lightgbm, far from 0": (lightgbm.LGBMRegressor(**QUIET), FINE, FINE_TARGET),
    **{
        f"lightgbm, {objective}": (lightgbm.LGBMRegressor(objective=objective, **QUIET), *PROGRESS)
        for objective in ("regression", "l1", "huber", "poisson", "quantile", "gamma", "tweedie")
    },
    "calibrated": (CalibratedClassifierCV(labels.XGBClassifier(**XGB), ensemble=False), *TWO),
}
QUICK = (
    *("xgboost, pruned", "xgboost, texts", "xgboost, missing cells", "xgboost, far from 0", "xgboost, count:poisson"),
    *("lightgbm, missing cells", "lightgbm, missing later", "lightgbm, fine columns", "lightgbm, tiny numbers"),
    *("lightgbm, far from 0", "calibrated"),
)
NOT_CONVERTED: dict[str, tuple[Case, str]] = {
    "xgboost, linear": ((labels.XGBClassifier(booster="gblinear", n_estimators=5), *TWO), "booster gblinear"),
    "xgboost, hinge": ((labels.XGBClassifier(objective="binary:hinge", **XGB), *TWO), "objective binary:hinge"),
    "xgboost, zeros missing": ((labels.XGBClassifier(missing=0.0, **XGB), *TWO), "missing values written as 0.0"),
    "lightgbm, zeros missing": (
        (lightgbm.LGBMClassifier(zero_as_missing=True, **QUIET), *TWO),
        "missing values as Zero",
    ),
    "lightgbm, linear": ((lightgbm.LGBMRegressor(linear_tree=True, **QUIET), *PROGRESS), "linear leaves"),
    "lightgbm, roots": ((lightgbm.LGBMRegressor(reg_sqrt=True, **QUIET), *PROGRESS), "objective regression sqrt"),
    "lightgbm, steep": ((lightgbm.LGBMClassifier(sigmoid=2, **QUIET), *TWO), "objective binary sigmoid:2"),
}


def exported(model: Any, rows: np.ndarray, truth: np.ndarray) -> Export:
    """The export of the model, fitted on the first rows."""
    names = [f"x{j}" for j in range(rows.shape[1])]
    features = infer_features(pd.DataFrame(rows, columns=names), named=names)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(rows[:TRAIN], truth[:TRAIN])
        assessor = assessor_of(model)
        task = assessor.task(model, truth[:TRAIN])
        return export_onnx(assessor, task, model, features, rows[:TRAIN], rows[TRAIN:], 0)


def splits(model: Any) -> Iterator[tuple[int, float]]:
    """Columns and thresholds, read from where the converter does not."""
    booster = getattr(model, "estimator", model)
    if hasattr(model, "calibrated_classifiers_"):
        booster = model.calibrated_classifiers_[0].estimator
    if hasattr(booster, "booster_"):
        table = booster.booster_.trees_to_dataframe().dropna(subset="threshold")
        yield from zip(table.split_feature.str.removeprefix("Column_").astype(int), table.threshold, strict=True)
    else:
        table = booster.get_booster().trees_to_dataframe().query("Feature != 'Leaf'")
        yield from zip(table.Feature.str.removeprefix("f").astype(int), table.Split, strict=True)


def at_splits(model: Any, rows: np.ndarray, count: int) -> np.ndarray:
    """Rows with values at, just below and just above some splits, in single and in double precision."""
    found, known = rows[RANDOM.integers(0, len(rows), count)].copy(), list(splits(model))
    for row in found:
        for which in RANDOM.integers(0, len(known), 3):
            column, value = known[which]
            step = np.float32 if RANDOM.random() < 0.5 else np.float64
            row[column] = np.nextafter(step(value), step(RANDOM.choice([-np.inf, value, np.inf])))
    return found


def numbers(answers: Any) -> np.ndarray:
    return np.asarray(answers.values if hasattr(answers, "values") else answers.probabilities, dtype=np.float64)


def check(name: str, count: int) -> None:
    model, rows, truth = ALIKE[name]
    export = exported(model, rows, truth)
    assert export.predict is not None, export.reason
    searched = at_splits(model, rows, count)
    ours, theirs = assessor_of(model).answers(model, searched), export.predict(searched)
    scale = np.abs(numbers(ours)).max() if hasattr(ours, "values") else 1.0
    assert np.abs(numbers(ours) - numbers(theirs)).max() <= 1e-6 * scale
    if hasattr(ours, "labels"):
        clear = np.diff(np.sort(ours.probabilities, axis=1)[:, -2:], axis=1).ravel() > 1e-6
        assert clear.mean() > 0.9 and (ours.labels == theirs.labels)[clear].all()


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_booster_answers_alike_at_its_splits(name: str) -> None:
    check(name, 2_000)


@pytest.mark.campaign
@pytest.mark.parametrize("name", ALIKE)
def test_every_booster_answers_alike_on_very_many_rows(name: str) -> None:
    check(name, 8_000)


@pytest.mark.parametrize("name", NOT_CONVERTED)
def test_what_has_no_faithful_file_says_why(name: str) -> None:
    case, reason = NOT_CONVERTED[name]
    export = exported(*case)
    assert export.data is None and reason in export.reason


@pytest.mark.parametrize(("kind", "more"), [(labels.XGBClassifier, {}), (lightgbm.LGBMClassifier, {"verbose": -1})])
def test_trees_after_the_best_round_are_left_out(kind: Any, more: dict[str, Any]) -> None:
    rows, truth = TWO
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        model = kind(
            n_estimators=200, early_stopping_rounds=5, n_jobs=1, **({"verbose": -1} if "LGBM" in str(kind) else {})
        )
        model.fit(rows[:300], truth[:300], eval_set=[(rows[300:TRAIN], truth[300:TRAIN])])
    assert (model.best_iteration_ if hasattr(model, "best_iteration_") else model.best_iteration + 1) < 150
    names = [f"x{j}" for j in range(rows.shape[1])]
    features, assessor = infer_features(pd.DataFrame(rows, columns=names), named=names), assessor_of(model)
    export = export_onnx(assessor, assessor.task(model, truth), model, features, rows[:TRAIN], rows[TRAIN:], 0)
    assert export.data is not None, export.reason


@pytest.mark.parametrize("name", ["xgboost, two", "lightgbm, two", "calibrated"])
def test_rows_are_tried_at_the_splits(name: str) -> None:
    model, rows, truth = ALIKE[name]
    names = [f"x{j}" for j in range(rows.shape[1])]
    features = infer_features(pd.DataFrame(rows, columns=names), named=names)
    model.fit(rows[:TRAIN], truth[:TRAIN])
    tried = {each.kind: each.rows for each in probes(model, features, rows[:TRAIN], rows[TRAIN:], model.predict, 0)}
    found = [np.isin(value, tried["thresholds"][:, column]) for column, value in splits(model)]
    assert np.mean(found) > 0.3  # of many, some are chosen


def test_labels_come_back_and_the_parameters_are_xgboosts_own() -> None:
    model = labels.XGBClassifier(max_depth=2, n_estimators=3, gamma=1)
    assert model.get_params() == xgboost.XGBClassifier(max_depth=2, n_estimators=3, gamma=1).get_params()
    for names in (["b", "a"], [7, 3], [True, False]):
        truth = np.array(names)[TWO[1]]
        fitted = model.fit(TWO[0], truth)
        assert fitted.classes_.tolist() == sorted(names) and (fitted.predict(TWO[0]) == truth).mean() > 0.9
    plain = xgboost.XGBClassifier(max_depth=2, n_estimators=3, gamma=1).fit(*TWO)
    again = model.fit(*TWO)
    assert np.array_equal(plain.predict_proba(TWO[0]), again.predict_proba(TWO[0]))
    assert json.loads(bytes(again.get_booster().save_raw("json"))) == json.loads(
        bytes(plain.get_booster().save_raw("json"))
    )
