"""From a candidate to a published version: measured, judged, exported, described, checked."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import Any, cast

import numpy as np

from brinery.assessment.candidate import Candidate, Stages
from brinery.assessment.card.card import render_card
from brinery.assessment.columns.arrays import to_rows
from brinery.assessment.conformal import calibrated
from brinery.assessment.evaluate import evaluate, measure, notes_on_figures
from brinery.assessment.faithful.export import Export, export_onnx
from brinery.assessment.gate import Comparison, compare_with_promoted, judge
from brinery.assessment.given.model import GivenModel
from brinery.assessment.importance import importances
from brinery.assessment.lineage import libraries, peak_memory
from brinery.assessment.predictions import Predictions
from brinery.errors import DataInvalid, NotServable
from brinery.formats.choice import FORMATS
from brinery.formats.pickle import dump
from brinery.formats.runtimes import RUNTIMES
from brinery.loading.golden import COUNT, make_golden
from brinery.tasks.task import AnyAnswers, AnyTask
from brinery.versions.manifest import CARD, GOLDEN, Artifact, Faithful, ManifestContent
from brinery.versions.publish import publish
from brinery.versions.read import Published
from brinery.versions.store import Store

NO_IMAGE = "its pickle refers to {modules}, which no serving image has"
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
        pickle, modules = _pickled(fitted)
        exported = _exported(candidate, task)
        files, artifacts, omitted = _files(pickle, modules, exported)
        picked = _golden_rows(candidate, answers)
        files[GOLDEN] = make_golden(to_rows(test_x[picked], candidate.features), task, answers[picked])
    with stages("evaluate"):
        comparison = _compared(candidate, store, "pickle" in artifacts, exported)
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

        important = importances(
            assessor, fitted, predict, test_x, candidate.test_y, candidate.features, candidate.random_state
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
        libraries=libraries(modules),
        timings=stages.timings,
        duration_seconds=round(stages.seconds, 3),
        peak_memory_bytes=peak_memory(),
        artifacts=artifacts,
        omitted=omitted,
        profile=None,
    )
    notes = [*notes_on_figures(content), *candidate.notes]
    files[CARD] = render_card(content, candidate.held_out, test_x, candidate.histograms, important, notes).encode()
    stages.report("publish")
    with writing():
        return publish(store, content, files, refusing(check))


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


def _pickled(fitted: Any) -> tuple[bytes, set[str]]:
    """The pickle, and the top-level modules that it refers to; nothing of a model that was given as an ONNX file."""
    if isinstance(fitted, GivenModel):
        return b"", set()
    try:
        return dump(fitted)
    except Exception as exc:  # a model raises whatever it likes
        raise DataInvalid(f"the model cannot be pickled: {' '.join(str(exc).split())[:300]}") from exc


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
    by_format = {"pickle": candidate.held_out} if pickled else {}
    if exported.predict is not None:
        by_format["onnx"] = Predictions(candidate.test_y, exported.predict(candidate.test_x))
    return compare_with_promoted(
        candidate.assessor, store, candidate.name, candidate.test_rows, by_format, candidate.beside
    )


def _files(
    pickle: bytes, modules: set[str], exported: Export
) -> tuple[dict[str, bytes], dict[str, Artifact], dict[str, str]]:
    """The artifacts by file, the manifest's entries of them by format, and by format why there is none.

    A pickle that no serving image can load is left out.

    Raises:
        NotServable: and there is no ONNX file either.
    """
    itself = Faithful(largest_difference=None, rows={}, ties=0, tested="the fitted model itself")
    entry = FORMATS["pickle"].artifact(len(pickle), itself, modules)
    foreign = () if entry.runtimes else sorted({*entry.modules} - RUNTIMES["full"])
    made, entries, omitted = {FORMATS["pickle"].file: pickle}, {"pickle": entry}, {}
    if foreign or not pickle:
        made, entries = {}, {}
        omitted = {"pickle": NO_IMAGE.format(modules=", ".join(foreign)) if foreign else GIVEN}
    if exported.data is not None:
        made[FORMATS["onnx"].file] = exported.data
        entries["onnx"] = FORMATS["onnx"].artifact(len(exported.data), exported.faithful)
        return made, entries, omitted
    if omitted:
        raise NotServable(f"it is not published: {omitted['pickle']}; {OF_THESE}, and no ONNX file: {exported.reason}")
    return made, entries, {"onnx": exported.reason}
