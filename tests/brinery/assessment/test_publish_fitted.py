"""The way in for a notebook: a fitted model and held-out rows become a verified version."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes, load_wine
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from brinery.assessment.publish_fitted import publish_fitted
from brinery.errors import DataInvalid, FormatMissing, GateInvalid, ReferenceInvalid, RowInvalid, SettingInvalid
from brinery.loading.by_name import load
from brinery.versions.catalog import models
from brinery.versions.store import open_store
from tests.examples import classes_of

X, Y = load_wine(return_X_y=True)
FRAME = load_wine(as_frame=True).data
UNPICKLED = make_pipeline(FunctionTransformer(lambda rows: rows), DecisionTreeClassifier()).fit(X, Y)
TRAIN, TEST = slice(0, None, 2), slice(1, None, 2)


@pytest.fixture
def registry(tmp_path: Path) -> str:
    return (tmp_path / "registry").as_uri()


def fitted() -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(X[TRAIN], Y[TRAIN])


def test_fitted_model_is_published_with_all_that_train_publishes(registry: str) -> None:
    model = fitted()
    reference = publish_fitted(
        "wine",
        model,
        X[TEST],
        Y[TEST],
        x_train=X[TRAIN],
        y_train=Y[TRAIN],
        registry=registry,
        gate={"accuracy": {"min": 0.9}},
        description="From a notebook",
    )
    assert reference.pinned and (reference.name, reference.version) == ("wine", 1)
    for format in ("onnx", "pickle"):
        served = load(str(reference), registry=registry, format=format)
        answers = served.answer(X.tolist(), 1000).answers
        assert answers.labels.tolist() == model.predict(X).tolist()
        assert np.abs(answers.probabilities - model.predict_proba(X)).max() < 1e-5
    manifest = served.manifest
    assert manifest.gate.passed and manifest.metrics["accuracy"] == model.score(X[TEST], Y[TEST])
    assert (manifest.data.rows, manifest.data.train_rows, manifest.data.test_rows) == (178, 89, 89)
    alcohol = manifest.features[0]
    assert (alcohol.name, alcohol.minimum, alcohol.maximum) == ("x0", X[:, 0].min(), X[:, 0].max())
    assert set(manifest.files) == {"model.joblib", "model.onnx", "golden.json", "card.html", "profile.json"}
    assert b"From a notebook" in bytes(served.card())


def test_names_of_a_frame_are_the_features(registry: str) -> None:
    frame = load_wine(as_frame=True).data
    model = RandomForestClassifier(10, random_state=0).fit(X[TRAIN], np.array(["a", "b", "c"])[Y[TRAIN]])
    labels = pd.Series(np.array(["a", "b", "c"])[Y[TEST]])
    reference = publish_fitted("wine", model, frame.iloc[TEST], labels, registry=registry)
    served = load(reference, registry=registry)
    assert served.parser.names == tuple(frame.columns)
    assert served.manifest.features[0].minimum == frame.iloc[TEST]["alcohol"].min()


@pytest.mark.parametrize("classes", [2, 3])
def test_labels_that_are_whole_floats_are_whole_numbers(registry: str, classes: int) -> None:
    known = Y < classes
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[known], Y[known].astype(float))
    reference = publish_fitted("wine", model, X[known], Y[known].astype(float), registry=registry)
    served = load(reference, registry=registry)
    assert repr(classes_of(served.manifest.task)) == repr(tuple(range(classes)))  # False is equal to 0
    assert served.answer(X[0].tolist(), 1).answers.labels.tolist() == [0]
    assert repr(served) == f"<VerifiedModel {reference} from its onnx>"


def test_card_tells_no_more_than_was_given(registry: str) -> None:
    reference = publish_fitted("wine", fitted(), X[TEST], Y[TEST], registry=registry)
    card = bytes(load(reference, registry=registry).card()).decode()
    for made_up in (
        "models.json",
        "stratified",
        "random_state",
        "training rows had",
        "defaults",
        "of the training rows",
    ):
        assert made_up not in card, made_up
    for given in (
        "the most frequent class of the held-out rows",
        "The held-out rows had no missing values",
        "StandardScaler",
    ):
        assert given in " ".join(card.split()), given


def test_model_that_has_no_answer_to_some_rows_stays_a_pickle_and_names_them(registry: str) -> None:
    rows = np.column_stack([np.resize([1.0, 3.0, 5.0], 60), np.linspace(-1, 1, 60)])
    labels = (rows[:, 1] > 0).astype(int)
    encoded = ColumnTransformer([("codes", OneHotEncoder(sparse_output=False), [0])], remainder="passthrough")
    model = make_pipeline(encoded, LogisticRegression()).fit(rows, labels)
    served = load(publish_fitted("codes", model, rows, labels, registry=registry), registry=registry)
    assert list(served.manifest.artifacts) == ["pickle"]
    assert "has no answer to some rows that look for a difference: Found unknown" in served.manifest.omitted["onnx"]
    with pytest.raises(RowInvalid) as caught:
        served.answer([[1, 0], [2, 0], [3, 0]], 3)
    assert caught.value.errors == [("/data/1", "is a row that the model has no answer for")]


@pytest.mark.parametrize("with_training_rows", [True, False])
def test_card_begins_with_what_a_person_should_know(registry: str, with_training_rows: bool) -> None:
    random = np.random.default_rng(0)
    labels = np.where(np.arange(80) % 2, "yes", "no")
    rows = np.column_stack([np.where(labels == "yes", 1.5, 0.5) + random.random(80) / 9, random.random(80)])
    labels[1] = "Yes"  # in the training rows alone
    model = DummyClassifier().fit(rows, labels)
    given: dict[str, Any] = {"x_train": rows[:40], "y_train": labels[:40]} if with_training_rows else {}
    reference = publish_fitted("blind", model, rows[40:], labels[40:], registry=registry, **given)
    card = " ".join(bytes(load(reference, registry=registry).card()).decode().split())
    top, _, rest = card.partition("<h2>Metrics")
    assert "blind:1</bdi>" in top and "does not beat its baseline by accuracy" in top
    assert "<li><bdi>accuracy is 0.5000, no better than the 0.5000 of the baseline" in rest.partition("<table")[0]
    assert ("of &#34;y_test&#34; differ by blanks or case alone" in top) == with_training_rows
    told = "column &#34;x0&#34; tells the target by itself" in rest.partition("<h2>Features")[2]
    assert told != with_training_rows


@pytest.mark.slow
def test_held_out_rows_that_it_was_fitted_on_are_counted(registry: str) -> None:
    given = {"x_train": X[TRAIN], "y_train": Y[TRAIN], "registry": registry}
    overlapping = publish_fitted("wine", fitted(), X[80:100], Y[80:100], **given)
    assert b"10 of 20 held-out rows (50.0%) stand in the training part too" in bytes(
        load(overlapping, registry=registry).card()
    )
    apart = publish_fitted("wine", fitted(), X[TEST], Y[TEST], **given)
    assert b"stand in the training part" not in bytes(load(apart, registry=registry).card())


def test_registry_is_a_url(tmp_path: Path) -> None:
    for asked in (
        lambda: publish_fitted("wine", fitted(), X[TEST], Y[TEST], registry=cast(str, tmp_path)),
        lambda: load("wine:1", registry=cast(str, tmp_path)),
    ):
        with pytest.raises(SettingInvalid, match="it must be a URL, such as file:///folder, as a text"):
            asked()


def test_load_of_what_is_no_reference_or_format_is_a_sentence(registry: str) -> None:
    reference = publish_fitted("wine", fitted(), X[TEST], Y[TEST], registry=registry)
    with pytest.raises(FormatMissing, match="the format ONNX is none .*; it can load onnx, pickle$"):
        load(reference, registry=registry, format="ONNX")
    with pytest.raises(ReferenceInvalid):
        load(cast(str, 3), registry=registry)


def test_gate_that_is_not_passed_is_published_and_marked(registry: str) -> None:
    with pytest.warns(UserWarning, match="^wine did not pass its gate: log_loss is 0.08.*, at most 0 is asked for$"):
        reference = publish_fitted("wine", fitted(), X[TEST], Y[TEST], registry=registry, gate={"log_loss": {"max": 0}})
    assert not load(reference, registry=registry).manifest.gate.passed


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"name": "Wine"}, ReferenceInvalid, "model name 'Wine' is not valid"),
        ({"model": KMeans(2).fit(X)}, DataInvalid, "KMeans is no classifier nor regressor"),
        ({"x_test": X[0]}, DataInvalid, r"x_test has shape \(13,\); it must have two dimensions"),
        ({"x_test": X[TEST, :5]}, DataInvalid, "the model does not answer the held-out rows: .*5 features"),
        ({"y_test": Y[TEST] + 0.5}, DataInvalid, "holds fractions; a class is a whole number"),
        ({"y_test": Y[:5]}, DataInvalid, r"y_test has shape \(5,\); it must hold one value for each of 89 rows"),
        ({"y_test": Y[TEST] + 1}, DataInvalid, "y_test has the label 3, which is none of the model's classes 0, 1, 2"),
        ({"y_test": Y[TEST, None]}, DataInvalid, r"y_test has shape \(89, 1\)"),
        (
            {"y_test": Y[TEST].astype(str)},
            DataInvalid,
            "has the label '0', which is none of the model's classes 0, 1, 2",
        ),
        ({"x_train": X[TRAIN]}, DataInvalid, "x_train and y_train go together"),
        ({"y_train": Y[TRAIN]}, DataInvalid, "x_train and y_train go together"),
        ({"x_train": X[TRAIN], "y_train": Y[:5]}, DataInvalid, r"y_train has shape \(5,\)"),
        ({"x_train": X[TRAIN, :5], "y_train": Y[TRAIN]}, DataInvalid, "x_train has the columns x0, .*, and x_test x0"),
        (
            {"x_train": FRAME.iloc[TRAIN], "y_train": Y[TRAIN]},
            DataInvalid,
            "x_train has the columns alcohol, .*x_test x0",
        ),
        (
            {"x_test": FRAME, "y_test": Y, "x_train": FRAME[FRAME.columns[::-1]], "y_train": Y},
            DataInvalid,
            "x_train has the columns proline, .*, and x_test alcohol, ",
        ),
        ({"x_test": FRAME.set_axis(["a"] * 13, axis=1)}, DataInvalid, "x_test has the column 'a' twice"),
        ({"x_test": FRAME.set_axis([0, "0", *range(2, 13)], axis=1)}, DataInvalid, "x_test has the column '0' twice"),
        ({"x_test": FRAME.set_axis(["", *range(12)], axis=1)}, DataInvalid, "x_test has a column '';"),
        ({"x_test": FRAME.set_axis([None, *range(12)], axis=1)}, DataInvalid, "x_test has a column 'nan';"),
        ({"x_test": FRAME.set_axis(["x" * 201, *range(12)], axis=1)}, DataInvalid, "a name has 1 to 200 letters"),
        ({"model": LogisticRegression()}, DataInvalid, "LogisticRegression is not a fitted classifier: "),
        ({"model": LogisticRegression}, DataInvalid, "the model is <class .*; it must be a fitted estimator"),
        ({"model": None}, DataInvalid, "the model is None; it must be a fitted estimator"),
        ({"model": DummyClassifier().fit(X, Y * 0)}, DataInvalid, "DummyClassifier is not a fitted classifier: "),
        ({"model": UNPICKLED}, DataInvalid, "the model cannot be pickled: "),
        ({"name": None}, ReferenceInvalid, "model name 'None' is not valid"),
        ({"description": None}, DataInvalid, "description is 'None'; it must be a text"),
        ({"description": "\ud800"}, DataInvalid, "it must be a text without lone surrogates"),
        ({"threshold": 0.3}, DataInvalid, "threshold is given, and the model is no classifier of two classes"),
        ({"threshold": 3}, DataInvalid, "threshold is 3; it must be a share above 0 and below 1"),
        ({"interval": 90}, DataInvalid, "interval is 90; it must be a share above 0 and below 1, such as 0.9"),
        ({"interval": 0.999}, DataInvalid, "interval is 0.999, for which at least 999 rows must be held out; 89 are"),
        (
            {"model": LinearSVC().fit(X, Y), "interval": 0.9},
            DataInvalid,
            "interval needs probabilities, which this estimator does not give",
        ),
        ({"random_state": -1}, DataInvalid, "random_state is -1; it must be a whole number"),
        ({"random_state": "a"}, DataInvalid, "random_state is 'a'; it must be a whole number"),
        ({"gate": ["accuracy"]}, GateInvalid, "gate must be an object of metrics"),
        ({"gate": {1: 2}}, GateInvalid, "gate must be an object of metrics"),
        ({"gate": {"acuracy": {"min": 1}}}, GateInvalid, "gate.acuracy is no rule; a gate has metrics, each with"),
        ({"gate": {"accuracy": {"min": "high"}}}, GateInvalid, "gate.accuracy.min is no rule; a gate"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_cannot_be_published_is_a_sentence(
    registry: str, change: dict[str, Any], error: type[Exception], message: str
) -> None:
    arguments = {"name": "wine", "model": fitted(), "x_test": X[TEST], "y_test": Y[TEST], **change}
    with pytest.raises(error, match=message):
        publish_fitted(**arguments, registry=registry)
    assert models(open_store(registry, create=True)) == []


@pytest.mark.slow
def test_regressor_from_a_notebook_answers_numbers_with_intervals(registry: str) -> None:
    rows, truth = load_diabetes(return_X_y=True)
    model = HistGradientBoostingRegressor(max_iter=20, random_state=0).fit(rows[::2], truth[::2])
    reference = publish_fitted(
        *("progress", model, rows[1::2], truth[1::2]),
        x_train=rows[::2],
        y_train=truth[::2],
        registry=registry,
        gate={"r2": {"min": 0.3}},
        interval=0.9,
    )
    for format in ("onnx", "pickle"):
        served = load(reference, registry=registry, format=format)
        answers = served.answer(rows.tolist(), 1000).answers
        assert np.abs(answers.values - model.predict(rows)).max() < 1e-5 * truth.std()
        written = served.task.written(answers[:1])[0]
        low, high = written["interval"]
        assert (high + low) / 2 == pytest.approx(written["prediction"]) and 50 < high - low < 500
    assert served.manifest.gate.passed and served.manifest.metrics["r2"] == pytest.approx(
        model.score(rows[1::2], truth[1::2])
    )
    card = bytes(served.card()).decode()
    assert "Each answer comes with an interval of ±" in card and "in the order of time" in card
