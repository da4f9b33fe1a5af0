"""Export to ONNX: which estimators convert, and that what is kept answers as the fitted model, on rows of our own."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from obstore.store import MemoryStore
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline

import brinery.assessment.faithful.export
from brinery.assessment.classification import ClassificationAssessor
from brinery.assessment.columns.arrays import to_array, to_rows
from brinery.assessment.columns.infer import infer_features
from brinery.assessment.faithful.export import Export, export_onnx
from brinery.loading.golden import make_golden
from brinery.loading.load import load
from brinery.rows.feature import Feature
from brinery.versions.store import Store
from tests.examples import answering, artifact, classes_of, content, pickled, publish_files
from tests.examples import frame as example_frame
from training.fit.pipeline import make_pipeline_for
from training.spec import ModelSpec

CAMPAIGN = pytest.mark.campaign
CLASSIFICATION = ClassificationAssessor()
# These must have a faithful file, on numbers, on mixed columns, and on seconds since 1970.
ESTIMATORS: dict[str, dict[str, Any]] = {
    "linear_model.LogisticRegression": {"max_iter": 10_000},
    "linear_model.RidgeClassifier": {},
    "linear_model.SGDClassifier": {"random_state": 0},
    "linear_model.SGDClassifier with probabilities": {"loss": "log_loss", "random_state": 0},
    "svm.LinearSVC": {"random_state": 0},
    "svm.SVC": {},
    "svm.SVC linear": {"kernel": "linear"},
    "svm.NuSVC": {"nu": 0.1},
    "svm.SVC with probabilities": {"probability": True, "random_state": 0},
    "svm.NuSVC with probabilities": {"nu": 0.1, "probability": True, "random_state": 0},
    "tree.DecisionTreeClassifier": {"random_state": 0},
    "ensemble.RandomForestClassifier": {"n_estimators": 50, "random_state": 0},
    "ensemble.ExtraTreesClassifier": {"n_estimators": 50, "random_state": 0},
    "ensemble.BaggingClassifier": {"random_state": 0},
    "ensemble.AdaBoostClassifier": {"n_estimators": 20, "random_state": 0},
    "ensemble.GradientBoostingClassifier": {"n_estimators": 20, "random_state": 0},
    "ensemble.HistGradientBoostingClassifier": {"max_iter": 10, "random_state": 0},
    "neighbors.KNeighborsClassifier": {},
    "neighbors.KNeighborsClassifier by distance": {"weights": "distance"},
    "neural_network.MLPClassifier": {"max_iter": 1000, "random_state": 0},
    "discriminant_analysis.LinearDiscriminantAnalysis": {},
    "naive_bayes.GaussianNB": {},
    "naive_bayes.BernoulliNB": {},
}


def seconds() -> tuple[pd.DataFrame, np.ndarray]:
    """An hour in seconds since 1970, whose steps single precision does not know."""
    random = np.random.default_rng(0)
    moments, other = 1.76e9 + random.integers(0, 3600, 400).astype(float), random.normal(size=400)
    return pd.DataFrame({"moment": moments, "other": other}), ((moments - 1.76e9 > 1800) ^ (other > 0.3)).astype(int)


def many_categories() -> tuple[pd.DataFrame, np.ndarray]:
    """Two columns of 110 categories each, one of which may be missing, and a number, which decides most labels."""
    random = np.random.default_rng(0)
    names = np.array([*(f"c{n}" for n in range(109)), None], dtype=object)
    shop, town, size = random.integers(0, 109, 900), random.integers(0, 110, 900), random.normal(40, 9, 900)
    frame = pd.DataFrame({"shop": names[shop], "size": size, "town": names[town]})
    return frame, np.digitize(size + (shop % 7) + (town % 5), [39, 51])


def data(name: str) -> tuple[pd.DataFrame, np.ndarray]:
    if name in ("wine", "mixed"):
        return example_frame(name)
    if name == "many":
        return many_categories()
    if name == "seconds":
        return seconds()
    loaded = {"breast_cancer": load_breast_cancer, "digits": load_digits}[name](as_frame=True)
    return loaded.data, np.asarray(loaded.target)


def exported(name: str, estimator: str, params: dict[str, Any]) -> tuple[Any, tuple[Feature, ...], np.ndarray, Export]:
    """A pipeline as `train` makes it, fitted on every second row; its features, the other rows, and its export."""
    frame, target = data(name)
    features = infer_features(frame)
    spec = ModelSpec(data="sklearn:wine", estimator=f"sklearn.{estimator.split()[0]}", params=params)
    array = to_array(frame, features)
    fitted = make_pipeline_for(spec, features).fit(array[::2], target[::2])
    return (
        fitted,
        features,
        array[1::2],
        export_onnx(CLASSIFICATION, CLASSIFICATION.task(fitted), fitted, features, array[::2], array[1::2], 0),
    )


def around(rows: np.ndarray, features: tuple[Feature, ...], count: int = 3000) -> np.ndarray:
    """Rows between and a little beyond the given ones, drawn otherwise than the proof draws its own."""
    random = np.random.default_rng(99)
    picked = rows[random.integers(0, len(rows), count)].copy()
    for j, feature in enumerate(features):
        if feature.kind == "number" and feature.minimum is not None and feature.maximum is not None:
            spread = feature.maximum - feature.minimum
            moved = picked[:, j].astype(float) + random.normal(0, 0.2 * spread, count)
            picked[:, j] = np.where(random.random(count) < 0.7, moved, picked[:, j].astype(float))
    return picked


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*probability.*:FutureWarning")  # of scikit-learn, which will drop it
@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("name", ["wine", "seconds", pytest.param("mixed", marks=CAMPAIGN)])
def test_export_of_each_estimator_is_faithful(name: str, estimator: str) -> None:
    fitted, features, held_out, found = exported(name, estimator, ESTIMATORS[estimator])
    assert found.data is not None and found.predict is not None and found.proof is not None, found.reason
    rows = around(held_out, features)
    theirs, ours = CLASSIFICATION.answers(fitted, rows), found.predict(rows)
    tied, open_rows = CLASSIFICATION.ties(fitted, rows, theirs)
    closed = ~(tied | open_rows)
    assert closed.mean() > 0.9
    assert (theirs.labels == ours.labels)[closed].all()
    if theirs.probabilities is not None:
        assert ours.probabilities is not None
        known = ~open_rows & np.isfinite(theirs.probabilities).all(axis=1)
        assert known.mean() > 0.9
        assert np.abs(theirs.probabilities - ours.probabilities)[known].max() <= 1e-5
        assert np.abs(ours.probabilities[known].sum(axis=1) - 1).max() <= 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("estimator", ["linear_model.LogisticRegression", "ensemble.RandomForestClassifier", "svm.SVC"])
@pytest.mark.parametrize("name", ["wine", "digits", "mixed", "many"])
def test_version_is_served_by_onnx_as_by_its_pickle(name: str, estimator: str) -> None:
    fitted, features, held_out, found = exported(name, estimator, ESTIMATORS[estimator])
    task, answers = answering(fitted, held_out)
    assert found.data is not None
    files = {
        "model.joblib": pickled(fitted),
        "model.onnx": found.data,
        "golden.json": make_golden(to_rows(held_out[:20], features), task, answers[:20]),
    }
    artifacts = {each: artifact(each) for each in ("pickle", "onnx")}
    store = Store(MemoryStore(), "memory:")
    reference = publish_files(store, content(name, features, classes_of(task), artifacts=artifacts), files)
    for format in ("onnx", "pickle"):
        served = load(store, reference, format=format).answer(to_rows(held_out, features), 10_000).answers
        assert served.labels.tolist() == answers.labels.tolist()


@pytest.mark.parametrize(
    ("estimator", "params", "reason"),
    [
        (
            "svm.SVC of a kernel",
            {"kernel": "sigmoid", "break_ties": True, "decision_function_shape": "ovr"},
            "break_ties",
        ),
        ("neighbors.KNeighborsClassifier of a metric", {"metric": "canberra"}, "metric canberra"),
    ],
)
def test_export_that_is_not_faithful_says_why(estimator: str, params: dict[str, Any], reason: str) -> None:
    _, _, _, found = exported("wine", estimator, params)
    assert found.data is None and reason in found.reason


@pytest.mark.campaign
def test_wrappers_of_estimators_are_faithful_or_say_why() -> None:
    frame, target = data("wine")
    features = infer_features(frame)
    array = to_array(frame, features)
    wrapped = {
        "voting": VotingClassifier([("a", LogisticRegression(max_iter=9999)), ("b", GaussianNB())], voting="soft"),
        "calibrated": CalibratedClassifierCV(RandomForestClassifier(10, random_state=0), method="isotonic", cv=3),
    }
    for estimator in wrapped.values():
        fitted = Pipeline([("model", estimator)]).fit(array[::2], target[::2])
        found = export_onnx(CLASSIFICATION, CLASSIFICATION.task(fitted), fitted, features, array[::2], array[1::2], 0)
        assert (found.data is None) == bool(found.reason)
        if found.predict:
            rows = around(array, features)
            theirs, ours = CLASSIFICATION.answers(fitted, rows).probabilities, found.predict(rows).probabilities
            assert theirs is not None and ours is not None and np.abs(theirs - ours).max() <= 1e-5


def test_forest_keeps_its_file_though_rows_tie() -> None:
    """Where half the trees vote for each class, scikit-learn takes the first; so must the file."""
    frame, target = data("breast_cancer")
    features = infer_features(frame)
    array = to_array(frame, features)
    forest = Pipeline([("model", RandomForestClassifier(n_estimators=50, random_state=0))])
    forest.fit(array[::2], target[::2])
    answers = CLASSIFICATION.answers(forest, array[1::2])
    assert answers.probabilities is not None and (answers.probabilities == 0.5).any(), "there is no tie to break"
    found = export_onnx(CLASSIFICATION, CLASSIFICATION.task(forest), forest, features, array[::2], array[1::2], 0)
    assert found.data is not None and found.proof is not None and found.proof.ties > 0
    assert "ties with itself" in found.proof.text


def test_null_and_the_text_none_are_two_categories() -> None:
    values = pd.Series([None, "None", "a", "b"] * 50, dtype=object)
    frame, target = pd.DataFrame({"c": values}), np.array([1, 0, 0, 1] * 50)
    features = infer_features(frame)
    array = to_array(frame, features)
    spec = ModelSpec(data="x", estimator="sklearn.linear_model.LogisticRegression", params={"C": 100})
    fitted = make_pipeline_for(spec, features).fit(array, target)
    found = export_onnx(CLASSIFICATION, CLASSIFICATION.task(fitted), fitted, features, array, array, 0)
    assert found.predict is not None, found.reason
    assert found.predict(array[:4]).labels.tolist() == [1, 0, 0, 1]


@pytest.mark.slow
def test_same_seed_tries_the_same_rows() -> None:
    proofs = [exported("mixed", "linear_model.LogisticRegression", {"max_iter": 999})[3].proof for _ in range(2)]
    assert proofs[0] == proofs[1]
    assert proofs[0] is not None and sum(proofs[0].rows.values()) + proofs[0].ties >= 10_000


def test_export_raises_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skl2onnx.convert_sklearn", None)
    monkeypatch.setattr(brinery.assessment.faithful.export, "convert_sklearn", lambda *_, **__: 1 / 0)
    _, _, _, found = exported("wine", "naive_bayes.GaussianNB", {})
    assert found.reason == "; ".join(
        f"{precision} precision: it could not be converted: ZeroDivisionError: division by zero"
        for precision in ("single", "double")
    )


def test_what_libraries_say_is_told_by_its_first_line_and_by_whole_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise RuntimeError("\n" + "word " * 100 + "\nUsually it is because of a pipeline")

    monkeypatch.setattr(brinery.assessment.faithful.export, "convert_sklearn", fails)
    _, _, _, found = exported("wine", "naive_bayes.GaussianNB", {})
    said = found.reason.rpartition("double precision: ")[2]
    assert said == f"it could not be converted: RuntimeError: {' '.join(['word'] * 60)} …"


def test_file_that_cannot_be_run_is_told_in_a_sentence() -> None:
    _, _, _, found = exported("wine", "naive_bayes.CategoricalNB", {})
    reason = found.reason.rpartition("double precision: ")[2]
    assert reason.startswith("the converted file could not be run: ") and "[ONNXRuntimeError]" not in reason
