"""Models that were fitted on frames, by the names of columns: published as an ONNX file that answers alike."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler
from xgboost import XGBClassifier

from brinery.assessment.publish_fitted import publish_fitted
from brinery.errors import BrineryError, DataInvalid, RowInvalid
from brinery.loading.by_name import load
from brinery.loading.golden import read_golden
from brinery.loading.model import VerifiedModel
from brinery.versions.catalog import models
from brinery.versions.manifest import GOLDEN
from brinery.versions.read import read_file
from brinery.versions.store import open_store

random = np.random.default_rng(0)
ROWS = 900
FRAME = pd.DataFrame(
    {
        "age": random.integers(18, 80, ROWS),
        "income": np.where(random.random(ROWS) < 0.1, np.nan, random.gamma(2, 20_000, ROWS)),
        "member since 2020": random.random(ROWS) < 0.4,
        "city": random.choice(["Bern", "Genf", "Zürich"], ROWS),
        "plan": random.choice(np.array(["a", "b", None], dtype=object), ROWS),
    }
)
POINTS = (FRAME.age > 45).astype(int) + (FRAME.city == "Bern") + (FRAME.income.fillna(0) > 40_000)
LABELS = np.where(POINTS + random.normal(scale=0.4, size=ROWS) > 1.4, "stays", "leaves")
AMOUNT = 100.0 * POINTS.to_numpy() + FRAME.age.to_numpy() + random.normal(size=ROWS)
TRAIN, TEST = slice(0, 600), slice(600, None)
NUMBERS, TEXTS = ["age", "income"], ["city", "plan"]
ENCODER = OneHotEncoder(handle_unknown="ignore")


def columns(*parts: Any, **options: Any) -> ColumnTransformer:
    return ColumnTransformer([(f"part {k}", *part) for k, part in enumerate(parts)], **options)


CLASSIFIERS: dict[str, Any] = {
    "by names": make_pipeline(
        columns(
            (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), NUMBERS),
            (ENCODER, TEXTS),
            ("passthrough", ["member since 2020"]),
        ),
        LogisticRegression(max_iter=2000),
    ),
    "by types": make_pipeline(
        columns(
            (SimpleImputer(), make_column_selector(dtype_include="number")),
            (ENCODER, make_column_selector(dtype_exclude=["number", "bool"])),
        ),
        RandomForestClassifier(50, random_state=0),
    ),
    "by positions": make_pipeline(columns((SimpleImputer(), [1, 0]), (ENCODER, slice(3, 5))), LogisticRegression()),
    "most dropped": make_pipeline(columns((SimpleImputer(), ["income"])), LogisticRegression()),
    "imputed texts": make_pipeline(
        columns((SimpleImputer(), NUMBERS), (make_pipeline(SimpleImputer(strategy="most_frequent"), ENCODER), TEXTS)),
        GradientBoostingClassifier(random_state=0),
    ),
    "ordinal": make_pipeline(
        columns((SimpleImputer(), NUMBERS), (OrdinalEncoder(), ["city"]), remainder="drop"),
        RandomForestClassifier(50, random_state=0),
    ),
}


QUICK, CAMPAIGN = ("by names", "imputed texts"), pytest.mark.campaign


@pytest.fixture
def registry(tmp_path: Path) -> str:
    return (tmp_path / "registry").as_uri()


def published(model: Any, registry: str, truth: Any = LABELS, rows: Any = FRAME, **more: Any) -> VerifiedModel:
    with np.errstate(all="ignore"):
        known = {"x_train": rows[TRAIN], "y_train": truth[TRAIN], **more}
        reference = publish_fitted("churn", model, rows[TEST], truth[TEST], registry=registry, **known)
    return load(reference, registry=registry)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", [pytest.param(each, marks=[] if each in QUICK else CAMPAIGN) for each in CLASSIFIERS])
def test_pipeline_of_named_columns_answers_alike(registry: str, name: str) -> None:
    model = CLASSIFIERS[name].fit(FRAME[TRAIN], LABELS[TRAIN])
    served = published(model, registry)
    runtimes = {name: artifact.runtimes for name, artifact in served.manifest.artifacts.items()}
    assert served.format == "onnx" and runtimes == {"onnx": ("onnx",), "pickle": ("full",)}
    shuffled = FRAME.apply(lambda column: column.sample(frac=1, random_state=1).to_numpy())
    rows = pd.concat([FRAME, shuffled.astype(FRAME.dtypes)], ignore_index=True)
    answers, ours = served.predict(rows), model.predict_proba(rows)
    found = np.array([[answer["probabilities"][label] for label in ("leaves", "stays")] for answer in answers])
    assert np.abs(found - ours).max() < 1e-5
    clear = np.abs(ours[:, 0] - 0.5) > 1e-9
    assert np.array([answer["prediction"] for answer in answers])[clear].tolist() == model.predict(rows)[clear].tolist()
    as_frames = load(served.reference, registry=registry, format="pickle").predict(rows)
    assert np.array_equal([answer["probabilities"]["stays"] for answer in as_frames], ours[:, 1])


@pytest.mark.slow
def test_regressor_of_a_frame_is_compared_with_the_promoted_one_by_its_file(registry: str) -> None:
    made = make_pipeline(columns((SimpleImputer(), NUMBERS), (ENCODER, TEXTS)), Ridge()).fit(
        FRAME[TRAIN], AMOUNT[TRAIN]
    )
    first = published(made, registry, AMOUNT)
    more = HistGradientBoostingRegressor(max_iter=20).fit(FRAME[NUMBERS][TRAIN], AMOUNT[TRAIN])
    asked = {"gate": {"no_worse_than_promoted": {"rmse": 5}}, "baseline": first.reference}
    with pytest.warns(UserWarning, match="^churn did not pass its gate"):
        second = published(more, registry, AMOUNT, FRAME[NUMBERS], **asked)
    (check,) = second.manifest.gate.checks
    assert not check.passed and "does not fit the rows" in (
        check.reason or ""
    )  # it asks for columns that are not there
    assert [feature.name for feature in second.manifest.features] == NUMBERS
    third = published(made, registry, AMOUNT, gate={"no_worse_than_promoted": {"rmse": 0}}, baseline=first.reference)
    assert third.manifest.gate.passed


@pytest.mark.slow
def test_rows_that_tie_are_no_golden_ones(registry: str) -> None:
    rows = FRAME[["income"]].fillna(0.0)
    forest = RandomForestClassifier(2, random_state=0).fit(rows[TRAIN], LABELS[TRAIN])
    assert (forest.predict_proba(rows[TEST])[:, 0] == 0.5).any(), "there is no tie to leave out"
    served = published(forest, registry, rows=rows)
    golden = read_golden(read_file(served.store, served.published, GOLDEN), served.manifest)
    assert all(answer["probabilities"]["stays"] != 0.5 for answer in golden["answers"])


def dates() -> pd.DataFrame:
    return pd.DataFrame({"since": pd.date_range("2020-01-01", periods=ROWS), "age": FRAME.age})


MODEL = CLASSIFIERS["most dropped"]
WRONG: dict[str, tuple[Any, Any, type[BrineryError], str]] = {
    "arrays": (MODEL, lambda frame: frame.to_numpy()[:, :2], DataInvalid, "was fitted on a frame, and x_test lacks"),
    "fewer columns": (MODEL, lambda frame: frame[NUMBERS], DataInvalid, "x_test lacks its columns city, member since"),
    "more columns": (
        MODEL,
        lambda frame: frame.assign(x=1),
        DataInvalid,
        "x_test has the columns x, which Pipeline was",
    ),
    "numbers as texts": (
        CLASSIFIERS["ordinal"],
        lambda frame: frame.assign(city=frame.city.map({"Bern": 1, "Genf": 2, "Zürich": 3})),
        DataInvalid,
        "the model does not answer the held-out rows",
    ),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", WRONG)
def test_rows_that_the_model_does_not_know_are_a_sentence(registry: str, name: str) -> None:
    model, change, error, message = WRONG[name]
    model.fit(FRAME[TRAIN], LABELS[TRAIN])
    rows = change(FRAME)
    with pytest.raises(error, match=message):
        published(model, registry, rows=rows)
    assert models(open_store(registry, create=True)) == []


def test_frame_without_a_faithful_file_is_served_as_a_frame_by_the_full_image(registry: str) -> None:
    own = make_pipeline(columns((FunctionTransformer(np.cbrt), ["age"])), LogisticRegression())
    served = published(own.fit(FRAME[TRAIN], LABELS[TRAIN]), registry)
    assert served.format == "pickle" and served.manifest.runtimes == ("full",)
    assert [answer["prediction"] for answer in served.predict(FRAME)] == own.predict(FRAME).tolist()


def test_frame_with_dates_is_refused(registry: str) -> None:
    with pytest.raises(
        DataInvalid, match='column "since" holds dates, and a model that was fitted on a frame is asked'
    ):
        of_dates = make_pipeline(columns((SimpleImputer(), ["age"])), LogisticRegression())
        published(of_dates.fit(dates()[TRAIN], LABELS[TRAIN]), registry, rows=dates())
    assert models(open_store(registry, create=True)) == []


@pytest.mark.slow
def test_unknown_category_is_refused_by_its_path(registry: str) -> None:
    served = published(CLASSIFIERS["by names"].fit(FRAME[TRAIN], LABELS[TRAIN]), registry)
    with pytest.raises(RowInvalid, match="/data/0/city"):
        served.predict(FRAME.head(1).assign(city="Basel"))


def test_words_of_a_named_column_are_served_from_a_frame(registry: str) -> None:
    words = np.where(LABELS == "leaves", "slow and rude", "quick and kind")
    rows = FRAME[["age"]].fillna(0.0).assign(notes=[f"{text} {i}" for i, text in enumerate(words)])
    model = make_pipeline(columns((TfidfVectorizer(), "notes"), ("passthrough", ["age"])), LogisticRegression())
    model.fit(rows[TRAIN], LABELS[TRAIN])
    served = published(model, registry, rows=rows, kinds={"notes": "text"})
    assert [feature.kind for feature in served.manifest.features] == ["integer", "text"]
    asked = pd.DataFrame({"age": [30.0, 30.0], "notes": ["so KIND!", "rude"]})
    assert [answer["prediction"] for answer in served.predict(asked)] == model.predict(asked).tolist()
    for kinds, message in (({"note": "text"}, 'names "note"'), ({"notes": "prose"}, "calls .notes. 'prose'; it must")):
        with pytest.raises(DataInvalid, match=message):
            published(model, registry, rows=rows, kinds=kinds)


@pytest.mark.parametrize("kind", [XGBClassifier, LGBMClassifier])
def test_booster_of_a_frame_with_categories_is_served_as_a_frame(registry: str, kind: Any) -> None:
    rows = FRAME[["age", "income", "city"]].astype({"city": "category"})
    more = {"enable_categorical": True} if kind is XGBClassifier else {"verbose": -1, "min_data_per_group": 5}
    model = kind(n_estimators=20, n_jobs=1, **more).fit(rows[TRAIN], (LABELS == "stays")[TRAIN].astype(int))
    served = published(model, registry, (LABELS == "stays").astype(int), rows)
    assert served.manifest.runtimes == ("full",)
    likely = [answer["probabilities"]["1"] for answer in served.predict(rows.astype({"city": object}))]
    assert np.allclose(likely, model.predict_proba(rows)[:, 1], rtol=0, atol=0)


@pytest.mark.parametrize("kind", [XGBClassifier, LGBMClassifier])
def test_booster_of_a_frame_of_numbers_has_a_file(registry: str, kind: Any) -> None:
    more = {} if kind is XGBClassifier else {"verbose": -1}
    model = kind(n_estimators=20, n_jobs=1, **more).fit(FRAME[NUMBERS][TRAIN], (LABELS == "stays")[TRAIN].astype(int))
    served = published(model, registry, (LABELS == "stays").astype(int), FRAME[NUMBERS])
    assert served.format == "onnx"
    likely = [answer["probabilities"]["1"] for answer in served.predict(FRAME[NUMBERS])]
    assert np.abs(np.array(likely) - model.predict_proba(FRAME[NUMBERS])[:, 1]).max() < 1e-6


@pytest.mark.slow
def test_pipeline_whose_steps_give_frames_is_served_by_the_full_image(registry: str) -> None:
    rows, truth = FRAME[["age", "income"]].fillna(0.0).to_numpy(), LABELS
    model = make_pipeline(StandardScaler(), LogisticRegression()).set_output(transform="pandas")
    model.fit(rows[TRAIN], truth[TRAIN])
    served = published(model, registry, truth, rows)
    assert served.manifest.artifacts["pickle"].runtimes == ("full",)
    assert load(served.reference, registry=registry, format="pickle").predict(rows[:1])


@pytest.mark.slow
def test_encoder_that_was_given_no_column_leaves_the_model_its_file(registry: str) -> None:
    numbers = FRAME[NUMBERS].fillna(0.0)
    parts = ((StandardScaler(), NUMBERS), (ENCODER, make_column_selector(dtype_include=["object", "category"])))
    model = make_pipeline(columns(*parts), LogisticRegression()).fit(numbers[TRAIN], LABELS[TRAIN])
    assert published(model, registry, rows=numbers).format == "onnx"
