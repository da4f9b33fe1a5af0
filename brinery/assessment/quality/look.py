"""A look at quality: captures of a window, joined with labels and judged by version; or estimated without them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from brinery.assessment.classification import sureness
from brinery.assessment.predictions import Predictions
from brinery.assessment.quality.answers import usable_answers
from brinery.assessment.quality.estimate import calibration_of, estimate
from brinery.assessment.quality.join import Ids, Joined, Row, join
from brinery.assessment.quality.judge import FALSE_ALARMS, Day, Judged, Measured, judge_all, measured
from brinery.assessment.quality.labels import Labels, read_labels
from brinery.errors import DataInvalid
from brinery.monitoring.captures import Request
from brinery.tasks.classification import Classification
from brinery.versions.manifest import Interval, Manifest
from brinery.versions.read import Published
from brinery.versions.reference import Reference


@dataclass(frozen=True)
class Version:
    """What is told of one version in the window; without a row that has a label nothing is judged."""

    reference: Reference
    rows: int
    without_label: int
    unusable: int
    notes: tuple[str, ...]
    judged: tuple[Judged, ...] = ()
    days: tuple[Day, ...] = ()
    first: datetime | None = None
    last: datetime | None = None


@dataclass(frozen=True)
class Look:
    """The versions, the newest first, and what became of the labels."""

    versions: tuple[Version, ...]
    labels: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """What comes of it, in a sentence."""
        judged = [(version, each) for version in self.versions for each in version.judged]
        worse = [_name(*each) for each in judged if each[1].verdict == "worse"]
        broken = [_name(*each) for each in judged if each[1].broken]
        told = [f"gate broken: {', '.join(broken)}, by its whole interval"] if broken else []
        if worse:
            told.append(f"worse: {', '.join(worse)}; by chance this is seen once in {round(1 / FALSE_ALARMS):,} looks")
        if told:
            return "\n".join(told)
        unsure = [_name(*each) for each in judged if each[1].verdict == "cannot tell"]
        if unsure:
            return f"cannot tell: {', '.join(unsure)}; nothing is seen to be worse"
        return "no worse: a drop that matters would have been seen in each"


@dataclass(frozen=True)
class Expected:
    """The accuracy that is expected of one version's rows without labels: an estimate."""

    reference: Reference
    rows: int
    unusable: int
    accuracy: float
    interval: Interval
    held_out: float
    held_out_interval: Interval | None
    notes: tuple[str, ...]


def look(versions: Sequence[Published], requests: Sequence[Request], labels: str, folder: Path) -> Look:
    """Join captured rows with labels, and judge each version.

    Args:
        requests: of all versions of the model in the window.
        labels: a path below `folder`, or a URL, of CSV or Parquet with the columns `id` and `label`.

    Raises:
        DataInvalid: the labels cannot be used, or none is of a captured row.
    """
    ids, by_id = Ids(requests), {request.id: request for request in requests}
    found: list[tuple[Published, Labels, Joined, list[Row]]] = []
    for published in versions:
        read = read_labels(published.manifest, labels, folder)
        joined = join(ids, read.truth)
        rows = [row for row in joined.labels if by_id[row[0]].reference == published.reference]
        found.append((published, read, joined, sorted(rows, key=lambda row: (by_id[row[0]].at, row))))
    _, read, joined, _ = found[0]
    counts = {
        "used": sum(len(rows) for *_, rows in found),
        "without_capture": joined.without_capture,
        "ambiguous": joined.ambiguous,
        "of_refused_rows": joined.refused,
        "missing": read.missing,
        "of_no_class": read.unknown,
    }
    notes = _notes(counts, read)
    if not counts["used"]:
        raise DataInvalid(
            "no label is of a captured row that was answered" + (f": {'; '.join(notes)}" if notes else "")
        )
    parts = [_part(published.manifest, rows, each.labels, by_id) for published, _, each, rows in found]
    judged = iter(judge_all([part for part, _ in parts if part is not None]))
    told = []
    for (published, *_, rows), (part, unusable) in zip(found, parts, strict=True):
        answered = sum(
            "prediction" in answer
            for request in requests
            if request.reference == published.reference
            for answer in request.answers.values()
        )
        moments = [by_id[row[0]].at for row in rows]
        told.append(
            Version(
                published.reference,
                len(rows) - unusable,
                answered - len(rows),
                unusable,
                _unusable(unusable),
                tuple(next(judged)) if part else (),
                part.days if part else (),
                min(moments, default=None),
                max(moments, default=None),
            )
        )
    return Look(tuple(told), counts, tuple(notes))


def expected(versions: Sequence[Published], requests: Sequence[Request]) -> list[Expected]:
    """Estimate the accuracy of each version's captured rows.

    Raises:
        DataInvalid: there is nothing to estimate it from; of several versions, for none of them.
    """
    told, failed = [], []
    for published in versions:
        try:
            told.append(_expected(published, requests))
        except DataInvalid as exc:
            failed.append(exc)
    if not told:
        raise failed[0]
    told[0] = Expected(**{**vars(told[0]), "notes": (*told[0].notes, *(f"left out: {exc}" for exc in failed))})
    return told


def _expected(published: Published, requests: Sequence[Request]) -> Expected:
    manifest, reference = published.manifest, published.reference
    calibration = calibration_of(manifest)
    of_it = sorted((each for each in requests if each.reference == reference), key=lambda each: (each.at, each.id))
    written = [each.answers[place] for each in of_it for place in sorted(each.answers)]
    written = [each for each in written if "prediction" in each]
    usable = usable_answers(manifest, written)
    kept = [each for each, usable in zip(written, usable, strict=True) if usable]
    if not kept:
        raise DataInvalid(f"the log has no answer of {reference.name}:{reference.version} that could be estimated")
    sure = sureness(manifest.task.read(kept))
    assert sure is not None  # noqa: S101  (it has a calibration)
    found, unusable = estimate(calibration, sure), len(written) - len(kept)
    held_out = manifest.metrics["accuracy"], manifest.evaluation.intervals.get("accuracy")
    return Expected(reference, found.rows, unusable, found.accuracy, found.interval, *held_out, _unusable(unusable))


def _part(
    manifest: Manifest, rows: Sequence[Row], labels: dict[Row, Any], by_id: dict[str, Request]
) -> tuple[Measured | None, int]:
    """The rows of one version, measured, and how many answers were of no use."""
    written = [by_id[id].answers[place] for id, place in rows]
    usable = usable_answers(manifest, written)
    kept = [row for row, usable in zip(rows, usable, strict=True) if usable]
    if not kept:
        return None, len(rows)
    answers = manifest.task.read([by_id[id].answers[place] for id, place in kept])
    task = manifest.task
    kind: Any = task.labels.dtype if isinstance(task, Classification) else np.float64
    truth = np.array([labels[row] for row in kept], dtype=kind)
    moments = [by_id[id].at for id, _ in kept]
    return measured(manifest, Predictions(truth, answers), moments), len(rows) - len(kept)


def _notes(counts: dict[str, int], read: Labels) -> list[str]:
    told = (
        (counts["without_capture"], "labels are of no captured row"),
        (counts["ambiguous"], "labels are left out whose id callers gave to several requests that differ"),
        (counts["of_refused_rows"], "labels are of rows that were not answered"),
        (counts["missing"], "rows of the labels have an id alone"),
        (counts["of_no_class"], f"labels are left out that are none of the classes: {', '.join(read.examples)}"),
    )
    return [f"{count:,} {what}" for count, what in told if count]


def _unusable(count: int) -> tuple[str, ...]:
    return (f"{count:,} answers of the log are none of the version's, and are left out",) if count else ()


def _name(version: Version, judged: Judged) -> str:
    return f"{judged.metric.name} of {version.reference.name}:{version.reference.version}"
