"""Counts of what a process answers, printed now and then as a line of JSON: bins and counts alone, never a value.

The line carries CloudWatch's metrics, too, in its embedded metric format. `registry drift` reads the bins.
"""

import json
import logging
import random
import secrets
import sys
import time
from collections import Counter
from collections.abc import Buffer, Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import batched
from threading import Lock
from typing import TYPE_CHECKING, Any

from brinery.errors import words_of
from brinery.loading.model import Prediction, VerifiedModel
from brinery.monitoring.metrics import embedded
from brinery.monitoring.sketch import Profile, Sketch, Values, labels_of
from brinery.tasks.task import AnyAnswers
from brinery.versions.reference import Reference

if TYPE_CHECKING:
    from brinery.monitoring.agreement import Agreement

SECONDS = 60.0  # from one line to the next, or …
ROWS = 1000
LEAST_ROWS = 20  # of which bins are told; with fewer they wait
LATENCIES = 100  # of a line, an even sample
# CloudWatch takes money for each metric: with the rest, and those of the stack's log filters, these are at most 30.
LABELS = 12
FEATURES = 200  # of a line; a model with more has more lines
COLD_STARTS = {"import": "ColdStartImport", "fetch": "ColdStartFetch", "load": "ColdStartLoad"}
TIMED = ("Latency", "ColdStart", *COLD_STARTS.values())

log = logging.getLogger("brinery.serving")


def print_line(line: str) -> None:
    """Print a line on standard output, or say in the log that this cannot be done."""
    try:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    except (OSError, ValueError) as exc:
        log.warning("counts could not be printed: %s", exc, extra={"error": type(exc).__name__})


class Counts:
    """What one process answered from one version; any thread may use it."""

    def __init__(
        self,
        model: VerifiedModel,
        service: str | None = None,
        start: Mapping[str, float] | None = None,
        out: Callable[[str], None] = print_line,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is counted yet.

        Args:
            service: what the metrics are of, where that is not the model's name.
            start: seconds of the cold start by its parts, told by the first line.
            out: takes each line.
        """
        self._model, self._out, self._clock = model, out, clock
        self._service = service or model.manifest.name
        self._labels: Sequence[str] = ()
        self._sketch: Sketch | None = None
        if model.profile is not None:
            self._open(model.profile)
        self._start = start
        self._agreement: Agreement | None = None
        self._challenger: dict[str, Any] = {}
        self._champion: dict[str, Any] = {}
        self._not_compared = Counter[str]()
        self._lock = Lock()
        self._process = ""  # named by the first answer: what a snapshot holds is the same in all its copies
        self._lines = self._all_requests = self._all_rows = 0
        self._begin()

    def compare_with(self, challenger: VerifiedModel, share: float) -> None:
        """Count from now on how a challenger's answers agree, where its `share` is 0, and tell of it in each line."""
        from brinery.monitoring.agreement import Agreement  # of those that are challenged

        with self._lock:
            self._agreement = Agreement(self._model.task, challenger.task)
            self._challenger = {**_pinned(challenger.reference), "share": share}

    def in_place_of(self, champion: VerifiedModel, share: float) -> None:
        """Tell in each line that this version answers that share of the requests in a champion's place."""
        self._champion = {"in_place_of": {**_pinned(champion.reference), "share": share}}

    def compared(self, ours: AnyAnswers, theirs: AnyAnswers, refused: int) -> None:
        """Count the champion's and the challenger's answers to rows, beside others that the challenger refuses."""
        with self._lock:
            self._not_compared["refused"] += refused
            if self._agreement is not None:
                self._agreement.add(ours, theirs)

    def not_compared(self, refused: int = 0, failed: int = 0) -> None:
        """Count rows, or where it answers a share of requests these, that a challenger refuses or fails to answer."""
        with self._lock:
            self._not_compared.update({"refused": refused, "failed": failed})

    def answered(self, prediction: Prediction, data: Any = None) -> None:
        """Count the rows of a request that were answered, and those that were not."""
        with self._lock:
            rows = len(prediction.rows)
            self._rows += rows
            self._warnings += len(prediction.warnings)
            if rows and self._sketch is not None:
                self._count(self._sketch, prediction)
            for errors in prediction.refused.values():
                self._count_unfit(errors)

    def refused(self, errors: Sequence[tuple[str, str]]) -> None:
        """Count what did not fit in a request that was refused."""
        with self._lock:
            self._count_unfit(errors)

    def request(self, status: int, seconds: float) -> None:
        """Count a request, and print a line where it is time for one."""
        with self._lock:
            now = self._clock()
            if not self._process:
                self._process, self._since = secrets.token_hex(8), now
            self._requests += 1
            if status != 200:
                self._statuses[status] += 1
            self._sample(seconds)
            if self._lines == 0 or self._rows >= ROWS or now - self._since >= SECONDS:
                self._print(now)

    def end(self) -> None:
        """Print what has not been told yet."""
        with self._lock:
            if self._requests:
                self._print(self._clock())

    def _open(self, data: Buffer) -> None:
        try:
            profile = Profile.read(data)
            labels = profile.answers.values if isinstance(profile.answers, Values) else None
            if labels != labels_of(self._model.task):
                raise ValueError("its answers are not the task's")
            self._sketch = Sketch(profile, self._model.manifest.features)
        except (ValueError, KeyError) as exc:
            log.error("%s has a profile that cannot be used: %s", self._model.reference, words_of(exc))
            return
        # A metric's name is of plain characters.
        if labels and len(labels) <= LABELS and all(label.isascii() and label.isprintable() for label in labels):
            self._labels = labels

    def _begin(self) -> None:
        """What the next line tells, apart from the bins."""
        self._requests = self._rows = self._warnings = 0
        self._statuses, self._unfit = Counter[int](), Counter[str]()
        self._latencies: list[float] = []
        self._since, self._from = self._clock(), datetime.now(UTC)

    def _count(self, sketch: Sketch, prediction: Prediction) -> None:
        """Whatever a profile is, no answer fails for it."""
        try:
            sketch.add(prediction.rows, prediction.answers)
        except Exception as exc:
            self._sketch, self._labels = None, ()
            log.error(
                "rows cannot be counted in the bins of the profile", exc_info=exc, extra={"error": type(exc).__name__}
            )

    def _count_unfit(self, errors: Sequence[tuple[str, str]]) -> None:
        """Count the features that errors are about, by the last step of each path."""
        features = self._model.manifest.features
        names = {feature.name for feature in features}
        for path, _ in errors:
            last = path.rpartition("/")[2].replace("~1", "/").replace("~0", "~")
            if last not in names and last.isdecimal() and len(last) < 6 and int(last) < len(features):
                last = features[int(last)].name
            if last in names:
                self._unfit[last] += 1

    def _sample(self, seconds: float) -> None:
        if len(self._latencies) < LATENCIES:
            self._latencies.append(seconds)
        elif (place := int(random.random() * self._requests)) < LATENCIES:  # noqa: S311 (no secret)
            self._latencies[place] = seconds

    def _print(self, now: float) -> None:
        self._all_requests, self._all_rows = self._all_requests + self._requests, self._all_rows + self._rows
        metrics, bins = self._metrics(), self._bins()
        for label, count in zip(self._labels, bins[0]["answers"] if bins else (), strict=False):
            metrics[f"Answers {label}"] = count
        about = self._about()
        for part, each in enumerate(bins or [{}]):
            about["part"] = part
            told = {**about, **({} if part else self._once(metrics))}
            self._out(json.dumps({**told, "bins": each} if each else told, separators=(",", ":")))
        self._lines += 1
        self._start = None
        self._begin()

    def _once(self, metrics: dict[str, float | list[float]]) -> dict[str, Any]:
        """What the first part of a line tells, beside its bins."""
        challenge = {**self._challenge(), **self._champion}
        return {**embedded(self._service, metrics, TIMED), **self._refusals(), **challenge}

    def _challenge(self) -> dict[str, Any]:
        """Which version challenges this one, and how they compare where there are enough rows."""
        if not self._challenger:
            return {}
        told = {**self._challenger, **{name: count for name, count in self._not_compared.items() if count}}
        self._not_compared.clear()
        if self._agreement is not None and self._agreement.rows >= LEAST_ROWS:
            told |= self._agreement.take()
        return {"challenger": told}

    def _about(self) -> dict[str, Any]:
        return {
            "brinery": "counts",
            **_pinned(self._model.reference),
            "process": self._process,
            "line": self._lines,
            "from": _text(self._from),
            "to": _text(datetime.now(UTC)),
            "all_requests": self._all_requests,
            "all_rows": self._all_rows,
        }

    def _metrics(self) -> dict[str, float | list[float]]:
        told: dict[str, float | list[float]] = {
            "Requests": self._requests,
            "Rows": self._rows,
            "Refusals": self._statuses.total(),
            "Warnings": self._warnings,
            "Latency": [round(1000 * seconds, 3) for seconds in self._latencies],
        }
        if self._start:
            parts = {name: round(1000 * self._start.get(part, 0.0), 1) for part, name in COLD_STARTS.items()}
            told |= {"ColdStart": round(1000 * sum(self._start.values()), 1), **parts}
        return told

    def _refusals(self) -> dict[str, Any]:
        return {
            "refused": {str(status): count for status, count in self._statuses.items()},
            "unfit": dict(self._unfit),
        }

    def _bins(self) -> list[dict[str, Any]]:
        """The bins of so many features a line; none where there are too few rows."""
        if self._sketch is None or self._sketch.rows < LEAST_ROWS:
            return []
        rows, counts, answers = self._sketch.take()
        names = [feature.name for feature in self._model.manifest.features]
        parts = batched(zip(names, counts, strict=True), FEATURES, strict=False)
        told: list[dict[str, Any]] = [{"rows": rows, "features": dict(part)} for part in parts]
        told[0]["answers"] = answers
        return told


def _pinned(reference: Reference) -> dict[str, str]:
    return {"model": f"{reference.name}:{reference.version}", "digest": f"sha256:{reference.digest}"}


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
