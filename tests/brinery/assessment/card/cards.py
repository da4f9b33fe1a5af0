"""Cards of models that were fitted to small data, for tests to look at."""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from sklearn import datasets
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from brinery.assessment.assessor import ASSESSORS
from brinery.assessment.card.card import make_card
from brinery.assessment.columns.histogram import Histogram, histograms
from brinery.assessment.evaluate import evaluate, measure
from brinery.assessment.inspection.dependence import Dependence, dependences
from brinery.assessment.inspection.importance import Importance
from brinery.assessment.predictions import Predictions
from brinery.rows.feature import Feature
from brinery.versions.manifest import Gate, GateCheck, Git, ManifestContent, PromotedMetrics, TrainingData
from brinery.versions.reference import Reference
from tests.examples import answering, artifact, content

LONG_NAME = "consumption_of_the_" + "very" * 40 + "_long_column"
HEBREW, CHINESE = "גיל המטופל", "年龄段分类"
NAMES = ("two", "wine", "digits", "hundred", "more", "mixed", "unsure", "single")
Table = tuple[np.ndarray, np.ndarray, tuple[Feature, ...]]


@dataclass(frozen=True)
class Card:
    """The arguments of `make_card`."""

    content: ManifestContent
    predictions: Predictions
    rows: np.ndarray
    histograms: tuple[Histogram, ...]
    importance: tuple[Importance, ...]
    dependence: tuple[Dependence, ...] = ()
    notes: tuple[str, ...] = ()
    fitted: Any = None

    def render(self) -> str:
        made = make_card(
            self.content,
            self.predictions,
            self.rows,
            self.histograms,
            self.importance,
            self.dependence,
            self.notes,
        )
        return made(Reference(self.content.name, 8))

    def but(self, **changes: Any) -> "Card":
        """With other facts in its content."""
        return replace(self, content=self.content.model_copy(update=changes))


@cache
def card(name: str) -> Card:
    """One of NAMES: 2, 3, 10, 100 and 120 classes, mixed columns, no probabilities, a single feature."""
    logistic = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    match name:
        case "two":
            return _card(name, _table(datasets.load_breast_cancer()), logistic)
        case "digits":
            return _card(
                name, _table(datasets.load_digits()), make_pipeline(RandomForestClassifier(50, random_state=0))
            )
        case "hundred" | "more":
            forest = RandomForestClassifier(10, max_depth=9, random_state=0)
            return _card(name, _blobs(100 if name == "hundred" else 120), make_pipeline(forest))
        case "mixed":
            return _card(name, _mixed(), _mixed_pipeline())
        case "unsure":
            return _card(name, _table(datasets.load_wine()), make_pipeline(RidgeClassifier()))
        case "single":
            array, target, features = _table(datasets.load_wine())
            return _card(name, (array[:, :1], target, features[:1]), logistic)
    return _card(name, _table(datasets.load_wine()), logistic)


def _card(name: str, table: Table, pipeline: Pipeline) -> Card:
    array, target, features = table
    split = train_test_split(array, target, test_size=0.25, random_state=0, stratify=target)
    train_x, test_x, train_y, test_y = split
    pipeline.fit(train_x, train_y)
    assessor = ASSESSORS["classification"]
    predictions = Predictions(test_y, answering(pipeline, test_x)[1])
    metrics = measure(assessor, predictions)
    lesser = {metric: value - 0.0213 if metric != "log_loss" else value + 0.05 for metric, value in metrics.items()}
    promoted = PromotedMetrics(vouched=True, reference=f"{name}:6", metrics=lesser)
    accuracy = metrics["accuracy"]
    checks = (
        GateCheck(metric="accuracy", rule="min", side="least", limit=0.9, value=accuracy, passed=accuracy >= 0.9),
        GateCheck(
            metric="accuracy",
            rule="no_worse_than_promoted",
            side="least",
            limit=lesser["accuracy"],
            value=accuracy,
            passed=True,
        ),
    )
    described = content(
        name,
        features,
        tuple(pipeline.classes_.tolist()),
        description="Which of three cultivars of one region a wine comes from, by a chemical analysis of it.",
        metrics=metrics,
        evaluation=evaluate(assessor, predictions, train_y, 0, promoted=None if name == "single" else promoted),
        gate=Gate(passed=all(check.passed for check in checks), checks=checks),
        data=TrainingData(
            source=f"s3://bucket/tables/{name}.parquet",
            sha256="3f" * 32,
            rows=len(array),
            columns=array.shape[1] + 1,
            train_rows=len(train_x),
            test_rows=len(test_x),
        ),
        spec={
            "estimator": "sklearn.linear_model.LogisticRegression",
            "params": {"max_iter": 1000, "C": 0.1},
            "random_state": 0,
            "target": "target",
        },
        git=Git(commit="1b48523c4d1c3a4bb3d2f1c0ffee000011112222", dirty=name == "two"),
        duration_seconds=4.231,
        peak_memory_bytes=312_000_000,
        artifacts={each: artifact(each, 7e-7) for each in ("pickle", *(["onnx"] if name != "mixed" else []))},
        omitted={"onnx": "a probability differs by 0.02 on the held-out rows"} if name == "mixed" else {},
    )
    important = tuple(Importance(feature.name, 0.3 / (j + 1) - 0.02, 0.02, 45) for j, feature in enumerate(features))
    depends = dependences(
        assessor, lambda rows: answering(pipeline, rows)[1], features, train_x, train_y, test_x, important, 0
    )
    return Card(described, predictions, test_x, histograms(array, features), important, depends, fitted=pipeline)


def _table(bunch: Any) -> Table:
    """Numbers, with whole-number or text classes."""
    names = [str(name) for name in bunch.feature_names]
    whole = (bunch.data == bunch.data.round()).all(axis=0)
    features = tuple(
        Feature(name=name, kind="integer" if whole[j] else "number", minimum=column.min(), maximum=column.max())
        for j, (name, column) in enumerate(zip(names, bunch.data.T, strict=True))
    )
    target = bunch.target if len(bunch.target_names) != 2 else np.asarray(bunch.target_names)[bunch.target]
    return bunch.data, target, features


def _blobs(classes: int) -> Table:
    """Many classes of uneven size that run into each other, some of them too rare to be answered."""
    random = np.random.default_rng(0)
    shares = np.where(np.arange(classes) % 9 == 4, 0.1, 1) / classes
    target = np.concatenate([np.repeat(np.arange(classes), 4), random.choice(classes, 4000, p=shares / shares.sum())])
    array = random.normal(scale=2.0, size=(classes, 20))[target] + random.normal(scale=1.6, size=(len(target), 20))
    bounds = zip(array.min(axis=0), array.max(axis=0), strict=True)
    features = tuple(
        Feature(name=f"x{j}", kind="number", minimum=low, maximum=high) for j, (low, high) in enumerate(bounds)
    )
    return array, np.array([f"segment-{label:03d}" for label in target]) if classes == 100 else target, features


def _mixed() -> Table:
    """Every kind of column, with missing values, long names, and names in other scripts."""
    random = np.random.default_rng(0)
    rows = 900
    mass, age, joined = random.normal(4000, 800, rows), random.integers(0, 9, rows), random.integers(15000, 20000, rows)
    array = np.empty((rows, 7), dtype=object)
    array[:, 0] = np.where(random.random(rows) < 0.1, np.nan, mass)
    array[:, 1], array[:, 2] = age.astype(float), (random.random(rows) < 0.3).astype(float)
    islands = ["Biscoe", "Dream", "<Torgersen & Co>", HEBREW, LONG_NAME]
    towns = [f"town {k}" for k in range(60)]
    array[:, 3] = random.choice(np.array(islands, dtype=object), rows, p=[0.4, 0.3, 0.15, 0.1, 0.05])
    array[:, 4] = random.choice(np.array([*towns, None], dtype=object), rows)
    array[:, 5], array[:, 6] = joined.astype(float), random.exponential(1e6, rows)
    features = (
        Feature(name=LONG_NAME, kind="number", nullable=True, minimum=np.nanmin(mass), maximum=np.nanmax(mass)),
        Feature(name=HEBREW, kind="integer", minimum=0, maximum=8),
        Feature(name="tagged", kind="boolean"),
        Feature(name=CHINESE, kind="category", categories=tuple(sorted(islands))),
        Feature(name="<b>town</b>", kind="category", nullable=True, categories=tuple(sorted(towns))),
        Feature(name="joined", kind="date", minimum=15000, maximum=19999),
        Feature(name="income", kind="number", minimum=array[:, 6].min(), maximum=array[:, 6].max()),
    )
    classes = np.array([LONG_NAME, HEBREW, "Adélie <i>", "Adélie penguins of the south", "年龄段"])
    noise = random.normal(0, 300, rows)
    return array, classes[np.digitize(mass + noise + 200 * age, [3800, 4500, 5200, 6000])], features


def _mixed_pipeline() -> Pipeline:
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    words = OneHotEncoder(handle_unknown="ignore")
    columns = ColumnTransformer([("numbers", numbers, [0, 1, 2, 5, 6]), ("words", words, [3, 4])])
    return make_pipeline(columns, RandomForestClassifier(30, random_state=0))
