"""Replay: what was answered, answered again by the same version, and how the two differ."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from brinery.errors import RowInvalid
from brinery.monitoring.captures import Request
from brinery.rows.parser import RowParser
from brinery.tasks.task import AnyAnswers
from brinery.versions.manifest import Manifest

Verdict = Literal["the same", "within the tolerance", "differs", "nothing to compare"]


@dataclass(frozen=True)
class Replayed:
    """How the answers of a replay are to those of the log.

    `numbers` differ in their last bits or more, at most by `largest`. `refused` are places of rows that were answered
    and would be refused now, or the reverse. `text` says it for people.
    """

    verdict: Verdict
    rows: int
    numbers: int
    largest: float
    refused: tuple[int, ...]
    text: str


def replay(request: Request, manifest: Manifest, predict: Callable[[np.ndarray], AnyAnswers]) -> Replayed:
    """Answer the rows of a request that were answered, all at once and in their order, as serving did.

    Args:
        predict: the version's answers to rows, shape (rows, features).
    """
    places = [place for place in sorted(request.answers) if "prediction" in request.answers[place]]
    if not places:
        return Replayed("nothing to compare", 0, 0, 0.0, (), "no row of it was answered")
    rows = [request.rows[place] for place in places]
    try:
        batch = RowParser(manifest.features).parse(rows[0] if request.single else rows, len(rows), True)
    except RowInvalid:
        return _refused(tuple(places))
    if batch.refused:
        return _refused(tuple(places[each] for each in batch.refused))
    task = manifest.task
    told = [request.answers[place] for place in places]
    try:
        theirs = task.read(told)
    except (KeyError, TypeError, ValueError):
        return Replayed("differs", len(rows), 0, 0.0, (), "it differs: the log has answers that are none of the model")
    ours = predict(batch.array)
    written = task.written(ours)
    if written == told:
        return Replayed("the same", len(rows), 0, 0.0, (), "the same answer, to the last bit")
    apart = _apart(task.packed(ours), task.packed(theirs))
    numbers, largest = int(np.count_nonzero(apart)), float(apart.max(initial=0.0))
    difference = task.difference(ours, theirs)
    # A label is compared as the log has it: where there is a threshold, it was read from the probabilities.
    labels = [[each["prediction"] for each in answers] for answers in (written, told)]
    relabelled = hasattr(task, "classes") and labels[0] != labels[1]
    if relabelled or not difference.alike:
        return Replayed("differs", len(rows), numbers, largest, (), f"it differs: {difference.text}")
    text = f"the same within the tolerance; {numbers:,} numbers differ in their last bits, at most by {largest:.2g}"
    return Replayed("within the tolerance", len(rows), numbers, largest, (), text)


def _refused(places: tuple[int, ...]) -> Replayed:
    shown = ", ".join(f"/{place}" for place in places[:10]) + (", …" if len(places) > 10 else "")
    return Replayed(
        "differs", 0, 0, 0.0, places, f"it differs: rows that were answered do not fit its features: {shown}"
    )


def _apart(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> np.ndarray:
    """How far each number is from that of the log, where both have numbers."""
    both = [name for name in ours if ours[name].dtype.kind == "f" and name in theirs]
    with np.errstate(invalid="ignore"):
        return np.concatenate([np.zeros(0), *(np.abs(ours[name] - theirs[name]).ravel() for name in both)])
