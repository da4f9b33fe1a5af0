"""From a candidate to a published version: measured, judged, exported, described, checked."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import numpy as np

from brinery.assessment.candidate import Candidate, Stages
from brinery.assessment.card.card import make_card
from brinery.assessment.columns.arrays import to_rows
from brinery.assessment.conformal import calibrated
from brinery.assessment.evaluate import evaluate, measure, notes_on_figures
from brinery.assessment.faithful.export import Export, export_onnx
from brinery.assessment.gate import Comparison, compare_with_promoted, judge
from brinery.assessment.given.model import GivenModel
from brinery.assessment.inspection.dependence import dependences
from brinery.assessment.inspection.importance import importances
from brinery.assessment.lineage import libraries, peak_memory
from brinery.assessment.predictions import Predictions
from brinery.assessment.profile import make_profile
from brinery.errors import DataInvalid, NotServable, words_of
from brinery.formats.choice import FORMATS
from brinery.formats.packed import pack
from brinery.formats.pickle import dump
from brinery.formats.runtimes import RUNTIMES
from brinery.loading.golden import COUNT, make_golden
from brinery.tasks.task import AnyAnswers, AnyTask
from brinery.versions.manifest import CARD, GOLDEN, PROFILE, Artifact, Faithful, ManifestContent
from brinery.versions.publish import publish
from brinery.versions.read import Published
from brinery.versions.reference import Reference
from brinery.versions.store import Store

OF_THESE = "models are built from classes of scikit-learn, XGBoost and LightGBM, whatever function puts them together"
GIVEN = "the model was given as an ONNX file"
CROSS_VALIDATED = "with cross-validation there are no rows that both models have not seen"
Asked = Callable[[Store, Published], str | None]


def publish_candidate(
    candidate: Candidate,
    store: Store,
    check: Asked,
    stages: Stages,
    writing: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Published:
    """Assess a candidate, and publish it as a new version.

    Args:
        check: loads the stored files as serving will; gives the error as a sentence, or None.
        writing: a context in which the version is written.

    Raises:
        GateInvalid: a rule of the gate is for a metric that the model does not have; nothing was published.
        DataInvalid: the model cannot be pickled; nothing was published.
        NotServable: the check found an error; nothing was published.
        BrineryError: the store failed; nothing was published.
    """
    assessor, fitted, test_x = candidate.assessor, candidate.fitted, candidate.test_x
    task = _with_interval(candidate, assessor.task(fitted, candidate.train_y))
    with stages("export"):
        answers = assessor.answers(fitted, test_x) if candidate.folds else candidate.held_out.answers
        exported = _exported(candidate, task)
        made = _made(fitted, exported)
        files = made.files
        picked = _golden_rows(candidate, answers)
        files[GOLDEN] = make_golden(to_rows(test_x[picked], candidate.features), task, answers[picked])
    with stages("evaluate"):
        comparison = _compared(candidate, store, "pickle" in made.entries, exported)
        metrics = measure(assessor, candidate.held_out)
        gate = judge(metrics, candidate.gate, comparison)
        evaluation = evaluate(
            assessor,
            candidate.held_out,
            candidate.train_y,
            candidate.random_state,
            candidate.folds,
            comparison.promoted,
            comparison.reason,
        )

        def predict(rows: np.ndarray) -> AnyAnswers:
            return exported.predict(rows) if exported.predict else assessor.answers(fitted, rows)

        important = importances(assessor, predict, test_x, candidate.test_y, candidate.features, candidate.random_state)
        depends = dependences(
            assessor,
            predict,
            candidate.features,
            candidate.train_x,
            candidate.train_y,
            test_x,
            important,
            candidate.random_state,
        )
    content = ManifestContent(
        name=candidate.name,
        description=candidate.description,
        trained_at=datetime.now(UTC).replace(microsecond=0),
        task=task,
        features=candidate.features,
        metrics=metrics,
        evaluation=evaluation,
        gate=gate,
        data=candidate.data,
        spec=candidate.spec,
        git=candidate.git,
        libraries=libraries(made.modules),
        timings=stages.timings,
        duration_seconds=round(stages.seconds, 3),
        peak_memory_bytes=peak_memory(),
        artifacts=made.entries,
        omitted=made.omitted,
        profile=PROFILE,
        search=candidate.search,
    )
    files[PROFILE] = make_profile(candidate.train_x, candidate.features, task, candidate.held_out.answers)
    notes = [*notes_on_figures(content), *candidate.notes]
    card = make_card(content, candidate.held_out, test_x, candidate.histograms, important, depends, notes)

    def numbered(reference: Reference) -> dict[str, bytes]:
        return {CARD: card(reference).encode()}

    stages.report("publish")
    with writing():
        return publish(store, content, files, refusing(check), numbered=numbered)


def refusing(check: Asked) -> Callable[[Store, Published], None]:
    """The check as `publish` takes it: a sentence becomes a NotServable."""

    def run(store: Store, published: Published) -> None:
        error = check(store, published)
        if error is not None:
            raise NotServable(f"it is not published, as it could not be served: {error}")

    return run


def _golden_rows(candidate: Candidate, answers: AnyAnswers) -> np.ndarray:
    """Positions of held-out rows that stand for all, but those on which the model ties with itself, where there are."""
    tied = np.logical_or(*candidate.assessor.ties(candidate.fitted, candidate.test_x, answers))
    clear = np.flatnonzero(~tied) if not tied.all() else np.arange(len(tied))
    return clear[candidate.assessor.golden_rows(answers[clear], COUNT)]


@dataclass(frozen=True)
class _Made:
    """What a candidate is published as, and what it is not: data and entries by format, and why there is no other."""

    data: dict[str, bytes] = field(default_factory=dict)
    entries: dict[str, Artifact] = field(default_factory=dict)
    omitted: dict[str, str] = field(default_factory=dict)
    modules: set[str] = field(default_factory=set)  # that the pickle refers to

    def add(self, format: str, data: bytes, entry: Artifact) -> None:
        self.data[format], self.entries[format] = data, entry

    @property
    def files(self) -> dict[str, bytes]:
        return {FORMATS[format].file: data for format, data in self.data.items()}


def _made(fitted: Any, exported: Export) -> _Made:
    """The formats of a fitted model; a pickle that no serving image can load is left out.

    Raises:
        DataInvalid: it cannot be pickled.
        NotServable: there is neither a pickle nor an ONNX file.
    """
    made = _Made()
    if isinstance(fitted, GivenModel):
        made.omitted["pickle"] = GIVEN
    else:
        _add_pickle(fitted, made)
    if exported.data is not None:
        made.add("onnx", exported.data, FORMATS["onnx"].artifact(len(exported.data), exported.faithful))
    else:
        made.omitted["onnx"] = exported.reason
    if not made.entries:
        raise NotServable(
            f"it is not published: {made.omitted['pickle']}; {OF_THESE}, and no ONNX file: {exported.reason}"
        )
    return made


def _add_pickle(fitted: Any, made: _Made) -> None:
    try:
        pickle, modules = dump(fitted)
    except Exception as exc:  # a model raises whatever it likes
        raise DataInvalid(f"the model cannot be pickled: {words_of(exc)}") from exc
    made.modules.update(modules)
    itself = Faithful(largest_difference=None, rows={}, ties=0, tested="the fitted model itself")
    packed, encoding = pack(pickle)
    entry = FORMATS["pickle"].artifact(len(pickle), itself, modules, encoding)
    if entry.runtimes:
        made.add("pickle", packed, entry)
    else:
        foreign = sorted({*entry.modules} - RUNTIMES["full"])
        made.omitted["pickle"] = f"its pickle refers to {', '.join(foreign)}, which no serving image has"


def _with_interval(candidate: Candidate, task: AnyTask) -> AnyTask:
    """The task with the interval that is asked for, if any."""
    if candidate.interval is None:
        return task
    scores = candidate.assessor.scores(candidate.held_out)
    if scores is None:
        raise DataInvalid("interval needs probabilities, which this estimator does not give")
    interval = calibrated(scores, candidate.interval, candidate.random_state)
    widened: AnyTask = cast(Any, task).model_copy(update={"interval": interval})
    return widened


def _exported(candidate: Candidate, task: AnyTask) -> Export:
    """The ONNX file: the one that was given, or a conversion that is tried."""
    if isinstance(candidate.fitted, GivenModel):
        return candidate.fitted.export(task)
    return export_onnx(
        candidate.assessor,
        task,
        candidate.fitted,
        candidate.features,
        candidate.train_x,
        candidate.test_x,
        candidate.random_state,
    )


def _compared(candidate: Candidate, store: Store, pickled: bool, exported: Export) -> Comparison:
    if candidate.folds:
        return Comparison(reason=CROSS_VALIDATED)
    by_format: dict[str, Callable[[], Predictions]] = {"pickle": lambda: candidate.held_out} if pickled else {}
    if exported.predict is not None:
        predict = exported.predict
        by_format["onnx"] = lambda: Predictions(candidate.test_y, predict(candidate.test_x))
    return compare_with_promoted(
        candidate.assessor, store, candidate.name, candidate.test_rows, by_format, candidate.beside
    )
