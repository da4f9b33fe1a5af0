"""One training run: data, split, fit, evaluate, export, publish."""

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter

import joblib
import numpy as np
from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
from sklearn.pipeline import Pipeline

from registry import Feature, Git, ManifestContent, Reference, Store, TrainingData, make_golden, publish
from registry.golden import COUNT
from registry.manifest import FileName
from training.card import render_card
from training.columns import encode_target, infer_features, to_array, to_rows
from training.data import Dataset, read_dataset
from training.errors import DataInvalid, FitFailed
from training.evaluate import evaluate, judge
from training.export import export_onnx
from training.lineage import libraries
from training.pipeline import make_pipeline_for
from training.spec import ModelSpec

FOLDS = 5
STAGES = ("data", "fit", "evaluate", "export", "publish")


@dataclass(frozen=True)
class Result:
    """A published version and the seconds it took."""

    reference: Reference
    content: ManifestContent
    seconds: float


@dataclass(frozen=True)
class _Split:
    train_x: np.ndarray
    test_x: np.ndarray
    train_y: np.ndarray
    test_y: np.ndarray


def train(
    name: str, spec: ModelSpec, store: Store, git: Git, report: Callable[[str], None] = lambda stage: None
) -> Result:
    """Train one model and publish it as a new version, whatever its gate says of it.

    Args:
        report: called with each stage's name as it begins.

    Raises:
        TrainingError: the spec, the data or the fit failed; nothing was published.
        RegistryError: the store failed; nothing was published.
    """
    started = perf_counter()
    timings: dict[str, float] = {}

    @contextmanager
    def stage(which: str) -> Iterator[None]:
        report(which)
        begun = perf_counter()
        yield
        timings[which] = round(perf_counter() - begun, 4)

    with stage("data"):
        dataset = read_dataset(name, spec)
        features = infer_features(name, dataset.features)
        pipeline = make_pipeline_for(name, spec, features)
        split = _split(name, spec, dataset, features)
    with stage("fit"):
        fitted, params = _fit(name, spec, pipeline, split)
    with stage("evaluate"):
        with _failures_of(name, spec, "predict the held-out rows"):
            predicted = fitted.predict(split.test_x)
            probabilities = fitted.predict_proba(split.test_x) if hasattr(fitted, "predict_proba") else None
        metrics = evaluate(split.test_y, predicted, probabilities, fitted.classes_)
        gate = judge(name, metrics, spec.gate)
    with stage("export"):
        pickle = io.BytesIO()
        joblib.dump(fitted, pickle)
        exported = export_onnx(fitted, features, split.test_x, predicted, probabilities)
        golden = _golden(split, features, predicted, probabilities)
    content = ManifestContent(
        name=name,
        description=spec.description,
        trained_at=datetime.now(UTC).replace(microsecond=0),
        classes=tuple(fitted.classes_.tolist()),
        features=features,
        metrics=metrics,
        gate=gate,
        data=TrainingData(
            source=dataset.source,
            sha256=dataset.sha256,
            rows=len(dataset.features),
            train_rows=len(split.train_x),
            test_rows=len(split.test_x),
        ),
        spec={**spec.model_dump(mode="json", exclude_none=True), "params": params},
        git=git,
        libraries=libraries(),
        timings=timings,
        onnx=exported.record,
    )
    files: dict[FileName, bytes] = {"model.joblib": pickle.getvalue(), "golden.json": golden}
    if exported.data is not None:
        files["model.onnx"] = exported.data
    files["card.html"] = render_card(content).encode()
    report("publish")
    reference = publish(store, content, files)
    return Result(reference, content, perf_counter() - started)


def _split(name: str, spec: ModelSpec, dataset: Dataset, features: tuple[Feature, ...]) -> _Split:
    """A stratified hold-out, the same for the same data and random_state."""
    try:
        return _Split(
            *train_test_split(
                to_array(dataset.features, features),
                encode_target(dataset),
                test_size=spec.test_size,
                random_state=spec.random_state,
                stratify=encode_target(dataset),
            )
        )
    except ValueError as exc:
        raise DataInvalid(
            f"{name}: {len(dataset.features)} rows cannot be split by test_size {spec.test_size}: {exc}"
        ) from exc


def _fit(name: str, spec: ModelSpec, pipeline: Pipeline, split: _Split) -> tuple[Pipeline, dict[str, object]]:
    """Fit, or search and refit; the parameters that were chosen come with it."""
    with _failures_of(name, spec, "fit"):
        if not spec.search:
            return _for_serving(pipeline.fit(split.train_x, split.train_y)), dict(spec.params)
        search = GridSearchCV(
            pipeline,
            {f"model__{key}": list(values) for key, values in spec.search.items()},
            cv=StratifiedKFold(FOLDS, shuffle=True, random_state=spec.random_state),
            error_score="raise",
        ).fit(split.train_x, split.train_y)
    chosen = {key.removeprefix("model__"): value for key, value in search.best_params_.items()}
    return _for_serving(search.best_estimator_), {**spec.params, **chosen}


def _for_serving(fitted: Pipeline) -> Pipeline:
    """Leave out of the pickle what is for training alone: Lambda has no processes to share, and nobody to talk to."""
    settings = {"n_jobs": None, "verbose": 0}
    known = [(key, key.rpartition("__")[2]) for key in fitted.get_params()]
    return fitted.set_params(**{key: settings[last] for key, last in known if last in settings})


@contextmanager
def _failures_of(name: str, spec: ModelSpec, doing: str) -> Iterator[None]:
    """Estimators raise whatever they like, and warn where they do not converge: what fits badly is not published."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            warnings.simplefilter("error", UserWarning)
            yield
    except Exception as exc:
        raise FitFailed(f"{name}: {spec.estimator} did not {doing}: {' '.join(str(exc).split())[:400]}") from exc


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
