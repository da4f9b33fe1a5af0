"""One training run: data, fit, evaluate, export, publish."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import joblib
import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from brinery.assessment.card.card import render_card
from brinery.assessment.columns.histogram import Histogram, histograms
from brinery.assessment.columns.infer import encode_target, infer_features, to_array, to_rows
from brinery.assessment.evaluate import Predictions, evaluate, importances, measure
from brinery.assessment.export import export_onnx
from brinery.assessment.gate import judge, measure_promoted
from brinery.loading.golden import COUNT, make_golden
from brinery.loading.servable import ServingCheck
from brinery.rows.feature import Feature
from brinery.versions.manifest import FileName, Git, Manifest, ManifestContent, PromotedMetrics, TrainingData
from brinery.versions.publish import publish
from brinery.versions.reference import Reference
from brinery.versions.store import Store
from training.dataset import Dataset, read_dataset
from training.errors import DataInvalid, NotServable
from training.fit.fit import Fitting
from training.fit.pipeline import make_pipeline_for
from training.interrupt import held_back
from training.lineage import libraries, peak_memory, reset_peak_memory
from training.spec import ModelSpec

STAGES = ("data", "fit", "evaluate", "export", "publish")


@dataclass(frozen=True)
class Result:
    """A published version and the seconds it took."""

    reference: Reference
    content: ManifestContent
    seconds: float


def _say_nothing(stage: str, done: int = 0, total: int = 0) -> None:
    pass


@dataclass(frozen=True)
class Session:
    """What all runs of one command share.

    `folder` is that of models.json; `cluster` a context in which many fits run on a cluster; `report` is called with
    each stage's name as it begins, and with the fits done and to do in it.
    """

    store: Store
    check: ServingCheck
    git: Git = Git(commit=None, dirty=None)
    folder: Path = Path()
    cluster: Callable[[], Any] = nullcontext
    report: Callable[..., None] = _say_nothing


@dataclass(frozen=True)
class _Split:
    """Arrays to fit on and to measure on, and the measured rows as they came; with folds, all are the same rows."""

    train_x: np.ndarray
    test_x: np.ndarray
    train_y: np.ndarray
    test_y: np.ndarray
    test_rows: pd.DataFrame


def train(name: str, spec: ModelSpec, session: Session) -> Result:
    """Train one model and publish it as a new version, whatever its gate says of it.

    Raises:
        TrainingError: the spec, the data or the fit failed, or serving could not load it; nothing was published.
        RegistryError: the store failed; nothing was published.
    """
    started = perf_counter()
    timings: dict[str, float] = {}
    current = ""

    @contextmanager
    def stage(which: str) -> Iterator[None]:
        nonlocal current
        current = which
        session.report(which)
        begun = perf_counter()
        yield
        timings[which] = round(perf_counter() - begun, 4)

    reset_peak_memory()
    with stage("data"):
        dataset = read_dataset(name, spec, session.folder)
        features = infer_features(name, dataset.features, source=dataset.source, kinds=spec.kinds, named=dataset.named)
        pipeline = make_pipeline_for(name, spec, features, session.folder)
        source = {"source": dataset.source, "sha256": dataset.sha256, "columns": dataset.columns}
        pictures, split = _split(name, spec, dataset, features)
        del dataset  # the frame of a large data set is not needed beside its arrays
    fitting = Fitting(name, spec, pipeline, session.cluster, lambda done, total: session.report(current, done, total))
    with stage("fit"):
        fitted, params = fitting.fit(split.train_x, split.train_y)
    with stage("evaluate"):
        answers = fitting.predict(fitted, split.test_x, split.test_y)
        held_out = fitting.cross_validate(split.train_x, split.train_y, spec.cv) if spec.cv else answers
        promoted, why_not = _promoted(name, spec, session.store, split, held_out)
        metrics = measure(held_out)
        gate = judge(name, metrics, spec.gate, promoted, why_not)
        evaluation = evaluate(held_out, split.train_y, spec.random_state, spec.cv, promoted, why_not)
    with stage("export"):
        pickle = io.BytesIO()
        joblib.dump(fitted, pickle)
        exported = export_onnx(fitted, features, split.test_x, answers.labels, answers.probabilities)
        golden = _golden(split, features, answers.labels, answers.probabilities)
        predict = exported.predict or fitted.predict
        important = importances(fitted, predict, split.test_x, split.test_y, features, spec.random_state)
    content = ManifestContent(
        name=name,
        description=spec.description,
        trained_at=datetime.now(UTC).replace(microsecond=0),
        classes=tuple(fitted.classes_.tolist()),
        features=features,
        metrics=metrics,
        evaluation=evaluation,
        gate=gate,
        data=TrainingData(
            **source,
            rows=len(split.test_x) if spec.cv else len(split.train_x) + len(split.test_x),
            train_rows=len(split.train_x),
            test_rows=len(split.test_x),
        ),
        # The source as it may be shown: an address can carry a password or a signature.
        spec={**spec.model_dump(mode="json", exclude_none=True), "data": source["source"], "params": params},
        git=session.git,
        libraries=libraries(),
        timings=timings,
        duration_seconds=round(perf_counter() - started, 3),
        peak_memory_bytes=peak_memory(),
        onnx=exported.record,
    )
    files: dict[FileName, bytes] = {"model.joblib": pickle.getvalue(), "golden.json": golden}
    if exported.data is not None:
        files["model.onnx"] = exported.data
    files["card.html"] = render_card(content, held_out, pictures, important).encode()
    session.report("publish")
    with held_back():
        reference = publish(session.store, content, files, _servable(session.check))
    return Result(reference, content, perf_counter() - started)


def _servable(check: ServingCheck) -> Callable[[Store, Manifest, Reference], None]:
    def run(store: Store, manifest: Manifest, reference: Reference) -> None:
        error = check(store, manifest, reference)
        if error is not None:
            raise NotServable(f"{reference.name} was trained and is not published, as it could not be served: {error}")

    return run


def _promoted(
    name: str, spec: ModelSpec, store: Store, split: _Split, held_out: Predictions
) -> tuple[PromotedMetrics | None, str]:
    if spec.cv:
        return None, "with cross-validation there are no rows that both models have not seen"
    return measure_promoted(store, name, split.test_rows, split.test_y, held_out.classes)


def _split(
    name: str, spec: ModelSpec, dataset: Dataset, features: tuple[Feature, ...]
) -> tuple[tuple[Histogram, ...], _Split]:
    """The columns' histograms, and a stratified hold-out: the same for the same data and random_state."""
    array, target = to_array(dataset.features, features), encode_target(dataset)
    pictures = histograms(array, features)
    if spec.cv:
        return pictures, _Split(array, array, target, target, dataset.features)
    try:
        train, test = train_test_split(
            np.arange(len(target)), test_size=spec.test_size, random_state=spec.random_state, stratify=target
        )
    except ValueError as exc:
        raise DataInvalid(f"{name}: {len(target)} rows cannot be split by test_size {spec.test_size}: {exc}") from exc
    return pictures, _Split(array[train], array[test], target[train], target[test], dataset.features.iloc[test])


def _golden(
    split: _Split, features: tuple[Feature, ...], predicted: np.ndarray, probabilities: np.ndarray | None
) -> bytes:
    """The first held-out rows of each predicted class, and then the first of all."""
    firsts = [int(np.flatnonzero(predicted == label)[0]) for label in np.unique(predicted)]
    picked = list(dict.fromkeys([*firsts[:COUNT], *range(len(predicted))]))[:COUNT]
    return make_golden(
        to_rows(split.test_x[picked], features),
        predicted[picked].tolist(),
        None if probabilities is None else probabilities[picked],
    )
