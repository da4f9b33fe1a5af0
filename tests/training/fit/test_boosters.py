"""XGBoost and LightGBM by their names: labels, missing cells, early stopping, and parameters that there are not."""

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brinery.assessment.assessor import assessor_of
from brinery.assessment.columns.arrays import to_array
from brinery.assessment.columns.infer import infer_features
from brinery.loading.load import load
from brinery.versions.reference import Reference
from brinery.versions.store import open_store
from tests.conftest import python
from tests.examples import frame
from tests.models_file import write
from training.errors import FitFailed, SpecInvalid
from training.fit.estimator import make_estimator
from training.fit.fit import Fitting
from training.fit.pipeline import make_pipeline_for
from training.spec import ModelSpec

CLASSIFIERS = ("xgboost.XGBClassifier", "lightgbm.LGBMClassifier")
BOOSTERS = (*CLASSIFIERS, "xgboost.XGBRegressor", "lightgbm.LGBMRegressor")
COLUMNS, LABELS = frame("mixed")
FEATURES = infer_features(COLUMNS)
ROWS = to_array(COLUMNS, FEATURES)


def spec(estimator: str, **keys: Any) -> ModelSpec:
    return ModelSpec.model_validate({"data": "rows.csv", "estimator": estimator, **keys})


def fitting(estimator: str, **keys: Any) -> Fitting:
    asked = spec(estimator, **keys)
    pipeline = make_pipeline_for(asked, FEATURES)
    return Fitting(asked, pipeline, assessor_of(pipeline), nullcontext, lambda done, total: None)


@pytest.mark.parametrize("name", BOOSTERS)
def test_seed_is_set_and_numbers_go_to_a_booster_as_they_are(name: str) -> None:
    assert make_estimator(spec(name, random_state=7)).get_params()["random_state"] == 7
    assert make_estimator(spec(name, random_state=7, params={"random_state": 1})).get_params()["random_state"] == 1
    pipeline = make_pipeline_for(spec(name), FEATURES)
    numeric = dict((part, step) for part, step, _ in pipeline.named_steps["columns"].transformers)["numeric"]
    assert FEATURES[0].nullable and numeric == "passthrough"


def test_what_is_made_of_boosters_gets_missing_cells_and_what_is_not_does_not() -> None:
    booster = {"estimator": "xgboost.XGBClassifier", "params": {"n_estimators": 5}}
    for other, imputed in (({"estimator": "lightgbm.LGBMClassifier"}, False), ({"estimator": "sklearn.svm.SVC"}, True)):
        params = {"estimators": [["a", booster], ["b", other]]}
        pipeline = make_pipeline_for(spec("sklearn.ensemble.VotingClassifier", params=params), FEATURES)
        steps = pipeline.named_steps["columns"].transformers[0][1]
        assert (steps != "passthrough") == imputed


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_texts_come_back_and_the_fit_prints_nothing(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    fit = fitting(name, params={"n_estimators": 200}, early_stopping=5, class_weight="balanced").fit(ROWS, LABELS)
    fitted, params = fit.pipeline, fit.params
    assert fitted.classes_.tolist() == ["Adélie", "Gentoo"] and set(fitted.predict(ROWS)) == {"Adélie", "Gentoo"}
    assert 0 < params["n_estimators"] < 200  # type: ignore[operator]
    assert type(fitted).__name__ == "Pipeline" and fitted.named_steps["model"].n_jobs == 1
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_rows_to_stop_by_are_those_that_are_not_fitted_on(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = fitting(name, params={"n_estimators": 3}, early_stopping=2)
    seen: dict[str, np.ndarray] = {}
    model = asked.pipeline.named_steps["model"]
    original = type(model).fit

    def fit(self: Any, rows: np.ndarray, truth: np.ndarray, *, eval_set: Any, **more: Any) -> Any:
        seen.update(fitted=rows, stopped=eval_set[0][0], weights=more["sample_weight"], labels=eval_set[0][1])
        return original(self, rows, truth, eval_set=eval_set, **more)

    monkeypatch.setattr(type(model), "fit", fit)
    rows = np.arange(len(LABELS), dtype=float).reshape(-1, 1)
    monkeypatch.setattr(asked.pipeline, "steps", asked.pipeline.steps[-1:])
    asked.pipeline.fit(rows, LABELS, model__sample_weight=rows[:, 0])
    assert len(seen["stopped"]) == len(LABELS) / 10
    assert sorted([*seen["fitted"][:, 0], *seen["stopped"][:, 0]]) == rows[:, 0].tolist()
    assert np.array_equal(seen["weights"], seen["fitted"][:, 0])
    assert np.array_equal(seen["labels"], LABELS[seen["stopped"][:, 0].astype(int)])


@pytest.mark.slow
def test_early_stopping_goes_with_a_search_and_with_folds() -> None:
    search = {"max_depth": [1, 3]}
    asked = fitting("xgboost.XGBClassifier", params={"n_estimators": 100}, early_stopping=3, search=search)
    fit = asked.fit(ROWS, LABELS)
    fitted, params = fit.pipeline, fit.params
    assert params["max_depth"] in (1, 3) and params["n_estimators"] == fitted.named_steps["model"].best_iteration + 1
    folds = fitting("lightgbm.LGBMClassifier", early_stopping=3).cross_validate(ROWS, LABELS, 3)
    assert len(folds.answers) == len(LABELS)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no class of it": ({"estimator": "lightgbm.LGBM"}, 'lightgbm.LGBM"; lightgbm has no such estimator'),
    "a ranker": ({"estimator": "lightgbm.LGBMRanker"}, "it must be a classifier or a regressor"),
    "a name that LightGBM has not": (
        {"estimator": "lightgbm.LGBMClassifier", "params": {"n_leaves": 3}},
        "params.n_leaves is not a parameter of LGBMClassifier",
    ),
    "in a search": (
        {"estimator": "lightgbm.LGBMClassifier", "search": {"n_leaves": [3]}},
        "search.n_leaves is not a parameter of LGBMClassifier",
    ),
    "stopping of another estimator": (
        {"estimator": "sklearn.ensemble.HistGradientBoostingClassifier", "early_stopping": 5},
        "early_stopping is given, and sklearn.ensemble.HistGradientBoostingClassifier is neither of XGBoost",
    ),
    "stopping among the parameters": (
        {"estimator": "xgboost.XGBClassifier", "params": {"early_stopping_rounds": 5}},
        'params.early_stopping_rounds needs rows to stop by; write "early_stopping" beside params',
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_a_booster_does_not_take_is_a_sentence(name: str) -> None:
    keys, message = WRONG[name]
    with pytest.raises(SpecInvalid, match=message):
        make_estimator(spec(**keys))


def test_names_that_lightgbm_takes_beside_its_own_are_taken() -> None:
    params = {"min_data_in_leaf": 3, "eta": 0.1, "lambda_l2": 1.0}
    assert make_estimator(spec("lightgbm.LGBMClassifier", params=params)).get_params()["eta"] == 0.1


def test_what_xgboost_warns_of_is_an_error_and_is_not_printed(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(
        FitFailed, match='^xgboost.XGBClassifier did not fit: Parameters: { "n_leaves" } are not used.$'
    ):
        fitting("xgboost.XGBClassifier", params={"n_leaves": 3}).fit(ROWS, LABELS)
    assert capfd.readouterr().err == ""


def test_rows_too_few_to_stop_by_are_a_sentence() -> None:
    with pytest.raises(FitFailed, match="early_stopping holds out 10% of 4 rows to stop by"):
        fitting("xgboost.XGBClassifier", early_stopping=3).fit(ROWS[:4], np.array(["a", "b", "a", "b"]))


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["xgboost.XGBClassifier", pytest.param("lightgbm.LGBMRegressor", marks=pytest.mark.campaign)]
)
def test_booster_is_published_in_both_formats_with_the_images_that_serve_it(tmp_path: Path, name: str) -> None:
    (tmp_path / "rows.csv").write_text(
        COLUMNS.assign(target=COLUMNS.year if "Reg" in name else LABELS).to_csv(index=False)
    )
    write(tmp_path, {"mine": {"data": "rows.csv", "estimator": name, "params": {"n_estimators": 20}}})
    done = python("-m", "training", "--json", "--models", str(tmp_path / "models.json"))
    assert (done.returncode, done.stderr) == (0, "")
    store = open_store((tmp_path / ".registry").as_uri())
    reference = Reference.parse(json.loads(done.stdout)["reference"])
    library = name.partition(".")[0]
    for format, runtimes in (("onnx", ("onnx",)), ("pickle", ("full",))):
        model = load(store, reference, format=format, require_pin=True)
        artifact = model.manifest.artifacts[format]
        assert artifact.runtimes == runtimes and (library in artifact.libraries) == (format == "pickle")
    assert model.manifest.runtimes == ("full", "onnx") and library in model.manifest.libraries
