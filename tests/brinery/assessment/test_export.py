"""What converts to ONNX, and that only what answers alike is kept."""

import numpy as np
import pandas as pd
import pytest
from obstore.store import MemoryStore
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline

from brinery.assessment.columns.arrays import to_array, to_rows
from brinery.assessment.columns.infer import infer_features
from brinery.assessment.export import export_onnx
from brinery.loading.golden import make_golden
from brinery.loading.load import load
from brinery.versions.store import Store
from tests.examples import answering, artifact, content, pickled, publish_files
from tests.examples import frame as example_frame
from training.fit.pipeline import make_pipeline_for
from training.spec import ModelSpec

ESTIMATORS = {
    "linear_model.LogisticRegression": {"max_iter": 5000},
    "ensemble.RandomForestClassifier": {"n_estimators": 50, "random_state": 0},
    "ensemble.ExtraTreesClassifier": {"n_estimators": 50, "random_state": 0},
    "tree.DecisionTreeClassifier": {"random_state": 0},
    "ensemble.GradientBoostingClassifier": {"n_estimators": 20, "random_state": 0},
    "ensemble.HistGradientBoostingClassifier": {"max_iter": 20, "random_state": 0},
    "svm.SVC": {},
    "svm.LinearSVC": {},
    "neighbors.KNeighborsClassifier": {},
    "neural_network.MLPClassifier": {"max_iter": 1000, "random_state": 0},
    "naive_bayes.GaussianNB": {},
}
# All others convert on all data. These are served as pickles, and the manifest says why.
LEFT_OUT = {
    ("mixed", "neural_network.MLPClassifier"): "single precision: 0 of 150 get another label; a probability differs by",
    **{(name, "svm.LinearSVC"): "Option 'zipmap' not in" for name in ("wine", "breast_cancer", "digits", "mixed")},
}


def data(name: str) -> tuple[pd.DataFrame, np.ndarray]:
    if name in ("wine", "mixed"):
        return example_frame(name)
    loaded = {"breast_cancer": load_breast_cancer, "digits": load_digits}[name](as_frame=True)
    return loaded.data, np.asarray(loaded.target)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("name", ["wine", "breast_cancer", "digits", "mixed"])
def test_export_is_kept_where_it_answers_alike(name: str, estimator: str) -> None:
    frame, target = data(name)
    features = infer_features(frame)
    spec = ModelSpec(data="sklearn:wine", estimator=f"sklearn.{estimator}", params=ESTIMATORS[estimator])
    array = to_array(frame, features)
    held_out, array = array[1::2], array[::2]
    fitted = make_pipeline_for(spec, features).fit(array, target[::2])
    task, answers = answering(fitted, held_out)

    exported = export_onnx(fitted, features, task, held_out, answers)

    files = {
        "model.joblib": pickled(fitted),
        "golden.json": make_golden(to_rows(held_out[:20], features), task, answers[:20]),
    }
    artifacts = {"pickle": artifact("pickle")}
    if (name, estimator) in LEFT_OUT:
        assert exported.data is None
        assert LEFT_OUT[name, estimator] in exported.reason
    else:
        assert exported.reason == "" and exported.data is not None
        assert exported.difference is not None and (exported.difference.largest or 0) <= 1e-5
        files["model.onnx"] = exported.data
        artifacts["onnx"] = artifact("onnx")
    store = Store(MemoryStore(), "memory:")
    described = content(name, features, task.classes, artifacts=artifacts)
    reference = publish_files(store, described, files)
    served = load(store, reference)
    assert served.format == ("pickle" if exported.data is None else "onnx")
    for model in (served, load(store, reference, format="pickle")):
        found = model.answer(to_rows(held_out, features), 10_000).answers
        assert found.labels.tolist() == answers.labels.tolist()


def test_export_breaks_ties_as_the_pickle_does() -> None:
    """Where half the trees vote for each class, scikit-learn takes the first; single precision must too."""
    frame, target = data("breast_cancer")
    features = infer_features(frame)
    array = to_array(frame, features)
    forest = RandomForestClassifier(n_estimators=50, random_state=0).fit(array[::2], target[::2])
    task, answers = answering(forest, array[1::2])
    assert answers.probabilities is not None and (answers.probabilities == 0.5).any(), "there is no tie to break"
    pipeline = Pipeline([("model", forest)])
    assert export_onnx(pipeline, features, task, array[1::2], answers).data is not None


def test_export_of_a_model_that_answers_otherwise_is_dropped() -> None:
    frame, target = data("wine")
    features = infer_features(frame)
    spec = ModelSpec(
        data="sklearn:wine", estimator="sklearn.linear_model.LogisticRegression", params={"max_iter": 1000}
    )
    array = to_array(frame, features)
    fitted = make_pipeline_for(spec, features).fit(array, target)
    task, answers = answering(fitted, array)

    other = task.answers((answers.labels + 1) % 3, answers.probabilities)
    other_labels = export_onnx(fitted, features, task, array, other)
    assert other_labels.data is None
    assert other_labels.reason.startswith("single precision: 178 of 178 get another label; ")
    assert "; double precision: 178 of 178 get another label; " in other_labels.reason
    assert answers.probabilities is not None
    other_probabilities = export_onnx(
        fitted, features, task, array, task.answers(answers.labels, answers.probabilities + 2e-5)
    )
    assert other_probabilities.data is None
    assert "single precision: 0 of 178 get another label; a probability differs by 2e-05" in other_probabilities.reason
