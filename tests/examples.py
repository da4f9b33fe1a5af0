"""Small models for tests: trained in memory by the project's own code, and published."""

import io
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import joblib
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.datasets import load_diabetes, load_wine
from sklearn.linear_model import LogisticRegression

from brinery.assessment.assessor import assessor_of
from brinery.assessment.classification import ClassificationAssessor
from brinery.assessment.columns.arrays import to_array, to_rows
from brinery.assessment.columns.infer import infer_features
from brinery.assessment.faithful.export import export_onnx
from brinery.assessment.predictions import Predictions
from brinery.assessment.profile import make_profile
from brinery.formats.choice import FORMATS
from brinery.loading.golden import make_golden
from brinery.loading.load import load_files
from brinery.rows.feature import Feature
from brinery.tasks.classification import Answers, Classification, ClassificationDetails
from brinery.tasks.task import AnyAnswers, AnyTask
from brinery.versions.manifest import PROFILE, Artifact, Evaluation, Faithful, Gate, Git, ManifestContent, TrainingData
from brinery.versions.publish import publish
from brinery.versions.read import Published
from brinery.versions.reference import Reference
from brinery.versions.store import Store
from training.fit.pipeline import make_pipeline_for
from training.spec import ModelSpec

WINE = [
    13.2,
    1.78,
    2.14,
    11.2,
    100.0,
    2.65,
    2.76,
    0.26,
    1.28,
    4.38,
    1.05,
    3.4,
    1050.0,
]  # a row for the model of that name

Files = Mapping[str, bytes]


def pickled(estimator: object) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(estimator, buffer)
    return buffer.getvalue()


def artifact(format: str, difference: float | None = None) -> Artifact:
    """A manifest's entry for a file of that format, whatever its size."""
    return FORMATS[format].artifact(1, Faithful(largest_difference=difference, rows={}, ties=0, tested="0 rows differ"))


def content(name: str, features: tuple[Feature, ...], classes: tuple[Any, ...], **changes: Any) -> ManifestContent:
    """The smallest manifest that describes a model with a pickle."""
    small: dict[str, Any] = {
        "name": name,
        "trained_at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "task": Classification(classes=classes),
        "features": features,
        "metrics": {"accuracy": 0.9},
        "evaluation": Evaluation(
            folds=None,
            intervals={},
            baseline={},
            details=ClassificationDetails(classes=(), confusion=None),
            promoted=None,
            not_compared=None,
        ),
        "gate": Gate(passed=True, checks=()),
        "data": TrainingData(source="test", sha256="0" * 64, rows=9, columns=2, train_rows=6, test_rows=3),
        "spec": {},
        "git": Git(commit=None, dirty=None),
        "libraries": FORMATS["pickle"].implementation().libraries(()),
        "timings": {},
        "duration_seconds": 1.0,
        "peak_memory_bytes": None,
        "artifacts": {"pickle": artifact("pickle")},
        "omitted": {},
        "profile": None,
    }
    return ManifestContent(**{**small, **changes})


def frame(name: str) -> tuple[pd.DataFrame, np.ndarray]:
    """The feature columns and the target of an example."""
    if name == "progress":
        found = load_diabetes(as_frame=True, scaled=False)
        return found.data, found.target.to_numpy(np.float64)
    return _mixed() if name == "mixed" else _wine(["alcohol"] if name == "alcohol" else None)


@cache
def example(name: str, estimator: str | None = None, rows: int | None = None) -> tuple[ManifestContent, Files]:
    """One of: wine (13 numbers, 3 whole-number classes), alcohol (one number), mixed (a number that may be
    missing, a whole number, a boolean and two categories, text classes), progress (10 numbers, a number).

    Args:
        estimator: another than the linear one.
        rows: of the first of which it is made.
    """
    columns, target = frame(name)
    columns, target = columns[:rows], target[:rows]
    features = infer_features(columns)
    linear = {"estimator": "sklearn.linear_model.LogisticRegression", "params": {"max_iter": 1000}}
    usual = {"estimator": "sklearn.linear_model.Ridge"} if name == "progress" else linear
    spec = ModelSpec(data="sklearn:wine", **({"estimator": estimator} if estimator else usual))
    array = to_array(columns, features)
    fitted = make_pipeline_for(spec, features).fit(array, target)
    assessor = assessor_of(fitted)
    task, answers = assessor.task(fitted, target), assessor.answers(fitted, array)
    exported = export_onnx(assessor, task, fitted, features, array, array, 0)
    files: dict[str, bytes] = {
        "model.joblib": pickled(fitted),
        "golden.json": make_golden(
            to_rows(array[::10][:20], features), task, answers[np.arange(0, len(array), 10)[:20]]
        ),
        "card.html": f"<!doctype html><title>{name}</title>".encode(),
        PROFILE: make_profile(array, features, task, answers),
    }
    artifacts = {"pickle": artifact("pickle")}
    if exported.data is not None:
        files["model.onnx"] = exported.data
        artifacts["onnx"] = artifact("onnx", 1e-7)
    return content(name, features, (0, 1), task=task, artifacts=artifacts, profile=PROFILE), files


def predicted(truth: Any, labels: Any, probabilities: Any, classes: Any) -> Predictions:
    """Predictions of a classifier as arrays say them."""
    return Predictions(np.asarray(truth), Answers(np.asarray(classes), probabilities, given_labels=np.asarray(labels)))


def answering(fitted: Any, rows: np.ndarray) -> tuple[AnyTask, AnyAnswers]:
    """The task of a fitted classifier, and its answers to rows."""
    assessor = ClassificationAssessor()
    return assessor.task(fitted), assessor.answers(fitted, rows)


def classes_of(task: AnyTask) -> tuple[Any, ...]:
    """The labels of a classifier's task."""
    assert isinstance(task, Classification)
    return task.classes


def loads(store: Store, published: Published) -> None:
    """The check before publishing, in this process: every format loads and reproduces the golden rows."""
    for name in published.manifest.artifacts:
        load_files(store, published, format=name)


def publish_files(store: Store, described: ManifestContent, files: Mapping[str, bytes]) -> Reference:
    return publish(store, described, files, loads).reference


def publish_example(store: Store, name: str, **other: Any) -> Reference:
    return publish_files(store, *example(name, **other))


def tiny(name: str = "tiny", estimator: BaseEstimator | None = None) -> tuple[ManifestContent, Mapping[str, bytes]]:
    """The smallest model: one feature, two classes, a pickle of a kilobyte, no card and no ONNX."""
    rows, labels = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 0, 1, 1])
    fitted: Any = estimator if hasattr(estimator, "classes_") else (estimator or LogisticRegression()).fit(rows, labels)
    golden = make_golden(rows.tolist(), *answering(fitted, rows))
    features = (Feature(name="x", kind="number", minimum=0, maximum=3),)
    return content(name, features, (0, 1)), {"model.joblib": pickled(fitted), "golden.json": golden}


def _wine(columns: list[str] | None) -> tuple[pd.DataFrame, np.ndarray]:
    data = load_wine(as_frame=True)
    return data.data[columns or list(data.data.columns)], np.asarray(data.target)


def _mixed() -> tuple[pd.DataFrame, np.ndarray]:
    random = np.random.default_rng(0)
    count = 300
    mass = random.normal(4000, 800, count).round()
    frame = pd.DataFrame(
        {
            "mass": np.where(random.random(count) < 0.1, np.nan, mass),
            "year": random.integers(2007, 2010, count),
            "tagged": random.random(count) < 0.5,
            "island": random.choice(["Biscoe", "Dream", "Torgersen"], count),
            "sex": pd.Series(random.choice(["female", "male"], count), dtype=object).mask(random.random(count) < 0.1),
        }
    )
    return frame, np.where(mass > 4000, "Gentoo", "Adélie")
