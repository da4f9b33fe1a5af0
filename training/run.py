"""One training run: prepare the rows, fit, assess and publish."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from brinery.assessment.assessor import Assessor, assessor_of
from brinery.assessment.candidate import Candidate, Report, Stages, say_nothing
from brinery.assessment.columns.arrays import to_array
from brinery.assessment.columns.fitted import fitted_on
from brinery.assessment.columns.histogram import Histogram, histograms
from brinery.assessment.columns.infer import infer_features
from brinery.assessment.columns.problems import ColumnsInvalid
from brinery.assessment.columns.repeats import notes_on_repeats, notes_on_repeats_in_folds
from brinery.assessment.evaluate import notes_on_figures
from brinery.assessment.gate import Beside
from brinery.assessment.lineage import reset_peak_memory
from brinery.assessment.note import Note
from brinery.assessment.publish_candidate import Asked, publish_candidate
from brinery.errors import DataInvalid
from brinery.loading.isolation import secrets_hidden
from brinery.rows.feature import Feature
from brinery.versions.manifest import Git, Manifest, TrainingData
from brinery.versions.read import Published
from brinery.versions.reference import Reference
from brinery.versions.store import Store
from training.dataset import Dataset, read_dataset
from training.errors import SpecInvalid
from training.fit.estimator import make_estimator
from training.fit.fit import Fitting
from training.fit.pipeline import is_scaled, make_pipeline_for
from training.fit.search import scored_by
from training.fit.task import FITS
from training.fit.threshold import with_threshold
from training.interrupt import held_back
from training.kinds import KindSpec
from training.spec import ModelSpec


@dataclass(frozen=True)
class Session:
    """What all runs of one command share.

    `folder` is that of models.json; `cluster` a context in which many fits run on a cluster; `baselines` are the pins
    of what is promoted, by model, as they were given from outside the bucket.
    """

    store: Store
    check: Asked
    git: Git = Git(commit=None, dirty=None)
    folder: Path = Path()
    cluster: Callable[[], Any] = nullcontext
    report: Report = say_nothing
    baselines: Mapping[str, Reference] = field(default_factory=dict)
    trust_bucket: bool = False

    def reporting(self, report: Report) -> "Session":
        return replace(self, report=report)


@dataclass(frozen=True)
class Prepared:
    """Arrays to fit on and to measure on, and the measured rows as they came; with folds, all are the same rows."""

    pipeline: Pipeline
    assessor: Assessor
    features: tuple[Feature, ...]
    histograms: tuple[Histogram, ...]
    data: TrainingData
    train_x: np.ndarray
    test_x: np.ndarray
    train_y: np.ndarray
    test_y: np.ndarray
    test_rows: pd.DataFrame
    notes: tuple[Note, ...]


@dataclass(frozen=True)
class Result:
    """A published version, the seconds it took, and sentences about it that a person should read."""

    published: Published
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def reference(self) -> Reference:
        return self.published.reference

    @property
    def manifest(self) -> Manifest:
        return self.published.manifest


def train(name: str, spec: ModelSpec, session: Session) -> Result:
    """Train one model and publish it as a new version, whatever its gate says of it.

    Raises:
        TrainingError, BrineryError: the spec, the data, the fit or the store failed, or serving could not load it;
            nothing was published.
    """
    stages = Stages(session.report)
    reset_peak_memory()
    with stages("data"):
        prepared = prepare(spec, session.folder)
    fitting = Fitting(spec, prepared.pipeline, prepared.assessor, session.cluster, stages.progress)
    with stages("fit"), secrets_hidden():
        fit = fitting.fit(prepared.train_x, prepared.train_y)
    with stages("fit"), secrets_hidden():
        fitting = replace(fitting, assessor=with_threshold(spec, fitting, prepared.train_x, prepared.train_y))
    with stages("evaluate"), secrets_hidden():
        held_out = (
            fitting.cross_validate(prepared.train_x, prepared.train_y, spec.cv)
            if spec.cv
            else fitting.predict(fit.pipeline, prepared.test_x, prepared.test_y)
        )
    candidate = Candidate(
        name=name,
        description=spec.description,
        fitted=fit.pipeline,
        assessor=fitting.assessor,
        features=prepared.features,
        train_x=prepared.train_x,
        train_y=prepared.train_y,
        test_x=prepared.test_x,
        test_y=prepared.test_y,
        test_rows=prepared.test_rows,
        held_out=held_out,
        folds=spec.cv,
        histograms=prepared.histograms,
        data=prepared.data,
        # The source as it may be shown: an address can carry a password or a signature.
        spec={
            **spec.model_dump(mode="json", exclude_none=True),
            "data": prepared.data.source,
            "scale": is_scaled(spec, prepared.pipeline.named_steps["model"]),
            "params": dict(fit.params),
            **({"scoring": scored_by(spec, prepared.assessor.kind).name} if spec.search else {}),
        },
        interval=spec.interval,
        gate=spec.gate,
        beside=Beside(session.baselines.get(name), session.trust_bucket),
        random_state=spec.random_state,
        git=session.git,
        notes=prepared.notes,
        search=fit.search,
    )
    published = publish_candidate(candidate, session.store, session.check, stages, held_back)
    return Result(published, stages.seconds, (*notes_on_figures(published.manifest), *prepared.notes))


def prepare(spec: ModelSpec, folder: Path) -> Prepared:
    """Read the data, infer the features, and split: the same for the same data and random_state.

    Raises:
        DataInvalid, SpecInvalid: the data or the spec cannot be used.
    """
    task = assessor_of(make_estimator(spec, folder)).kind
    dataset = read_dataset(spec, folder, numeric_target=task == "regression")
    features = features_of(spec, dataset, folder)
    pipeline = make_pipeline_for(spec, features, folder)
    assessor = assessor_of(pipeline)
    array, target = to_array(dataset.features, features), assessor.target(dataset.target, dataset.source)
    _check_kind_of_target(spec, assessor, target)
    every = np.arange(len(target))  # with folds, all rows are both
    train, test = (every, every) if spec.cv else FITS[assessor.kind].hold_out(spec, target)
    train_x, test_x = (array, array) if spec.cv else (array.take(train, axis=0), array.take(test, axis=0))
    repeats = (
        notes_on_repeats_in_folds(features, array, target)
        if spec.cv
        else notes_on_repeats(features, train_x, target[train], test_x, target[test])
    )
    return Prepared(
        pipeline=pipeline,
        assessor=assessor,
        features=features if spec.cv else fitted_on(features, train_x, dataset.features.dtypes),
        histograms=histograms(array, features),
        data=_data(dataset, len(target), len(train), len(test)),
        train_x=train_x,
        test_x=test_x,
        train_y=target[train],
        test_y=target[test],
        test_rows=dataset.features if spec.cv else dataset.features.iloc[test],
        notes=(*dataset.notes, *assessor.notes(dataset.target, array, features, target), *repeats),
    )


def _check_kind_of_target(spec: ModelSpec, assessor: Assessor, target: np.ndarray) -> None:
    """What `kinds` calls the numbers of a regressor must be so."""
    kind = spec.declared_kinds.get(spec.target)
    if assessor.kind != "regression" or kind in (None, "number"):
        return
    if kind != "integer":
        raise SpecInvalid(f'kinds calls the target "{spec.target}" {kind}; a regressor predicts a number or an integer')
    fractions = target[target != np.round(target)]
    if len(fractions):
        raise DataInvalid(f'kinds calls the target "{spec.target}" integer, and it holds {fractions[0]:g}')


def features_of(spec: ModelSpec, dataset: Dataset, folder: Path) -> tuple[Feature, ...]:
    """The features.

    Raises:
        DataInvalid: what is wrong with the names and with any of the columns, the target among them.
    """
    faults = [*dataset.faults]
    try:
        features = _inferred(spec, dataset)
        faults += _not_of_categories(spec, features)
    except ColumnsInvalid as exc:
        faults.append(str(exc))
    if not faults:
        return features
    if spec.target not in dataset.problems and dataset.target.notna().any():
        try:
            assessor_of(make_estimator(spec, folder)).target(dataset.target, dataset.source)
        except DataInvalid as exc:
            faults.append(str(exc))
    raise DataInvalid("\n  ".join(faults))


def _inferred(spec: ModelSpec, dataset: Dataset) -> tuple[Feature, ...]:
    return infer_features(
        dataset.features,
        source=dataset.source,
        kinds={name: kind for name, kind in spec.declared_kinds.items() if name != spec.target},
        named=dataset.named,
        problems=dataset.problems,
        written=dataset.written,
        accepting=[*filter(spec.accepts_unknown, dataset.features.columns)],
    )


def _not_of_categories(spec: ModelSpec, features: tuple[Feature, ...]) -> list[str]:
    """Sentences about columns that say what becomes of other categories, and have none."""
    kinds = {name: kind for name, kind in spec.kinds.items() if isinstance(kind, KindSpec) and kind.unknown_categories}
    return [
        f'kinds gives column "{feature.name}" unknown_categories, and it is taken as {feature.kind}; only a "category" '
        "has them"
        for feature in features
        if feature.name in kinds and feature.kind != "category"
    ]


def _data(dataset: Dataset, rows: int, train_rows: int, test_rows: int) -> TrainingData:
    return TrainingData(
        source=dataset.source,
        sha256=dataset.sha256,
        rows=rows,
        columns=dataset.columns,
        train_rows=train_rows,
        test_rows=test_rows,
    )
