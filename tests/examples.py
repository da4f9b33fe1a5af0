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
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression

from brinery.assessment.columns.infer import infer_features, to_array, to_rows
from brinery.assessment.export import export_onnx
from brinery.formats.pickle import libraries
from brinery.loading.golden import make_golden
from brinery.rows.feature import Feature
from brinery.versions.manifest import FileName, Gate, Git, ManifestContent, TrainingData
from brinery.versions.publish import publish
from brinery.versions.reference import Reference
from brinery.versions.store import Store
from training.fit.pipeline import make_pipeline_for
from training.spec import ModelSpec


def pickled(estimator: object) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(estimator, buffer)
    return buffer.getvalue()


def content(name: str, features: tuple[Feature, ...], classes: tuple[Any, ...], **changes: Any) -> ManifestContent:
    """The smallest manifest that describes a model."""
    small: dict[str, Any] = {
        "name": name,
        "trained_at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "classes": classes,
        "features": features,
        "metrics": {"accuracy": 0.9},
        "gate": Gate(passed=True, checks=()),
        "data": TrainingData(source="test", sha256="0" * 64, rows=9, train_rows=6, test_rows=3),
        "spec": {},
        "git": Git(commit=None, dirty=None),
        "libraries": libraries(),
        "timings": {},
    }
    return ManifestContent(**{**small, **changes})


def frame(name: str) -> tuple[pd.DataFrame, np.ndarray]:
    """The feature columns and the target of an example."""
    return _mixed() if name == "mixed" else _wine(["alcohol"] if name == "alcohol" else None)


@cache
def example(name: str) -> tuple[ManifestContent, Mapping[FileName, bytes]]:
    """One of: wine (13 numbers, 3 whole-number classes), alcohol (one number), mixed (a number that may be
    missing, a whole number, a boolean and two categories, text classes)."""
    columns, target = frame(name)
    features = infer_features(name, columns)
    spec = ModelSpec(
        data="sklearn:wine", estimator="sklearn.linear_model.LogisticRegression", params={"max_iter": 1000}
    )
    array = to_array(columns, features)
    fitted = make_pipeline_for(name, spec, features).fit(array, target)
    labels, probabilities = fitted.predict(array), fitted.predict_proba(array)
    golden = make_golden(to_rows(array[::10][:20], features), labels[::10][:20].tolist(), probabilities[::10][:20])
    exported = export_onnx(fitted, features, array, labels, probabilities)
    files: dict[FileName, bytes] = {
        "model.joblib": pickled(fitted),
        "golden.json": golden,
        "card.html": f"<!doctype html><title>{name}</title>".encode(),
    }
    if exported.data is not None:
        files["model.onnx"] = exported.data
    return content(name, features, tuple(fitted.classes_.tolist()), onnx=exported.record), files


def publish_example(store: Store, name: str) -> Reference:
    described, files = example(name)
    return publish(store, described, files)


def tiny(
    name: str = "tiny", estimator: BaseEstimator | None = None
) -> tuple[ManifestContent, Mapping[FileName, bytes]]:
    """The smallest model: one feature, two classes, a pickle of a kilobyte, no card and no ONNX."""
    rows, labels = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 0, 1, 1])
    fitted: Any = estimator if hasattr(estimator, "classes_") else (estimator or LogisticRegression()).fit(rows, labels)
    golden = make_golden(rows.tolist(), fitted.predict(rows).tolist(), fitted.predict_proba(rows))
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
