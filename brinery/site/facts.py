"""Facts: what the site keeps of a version and of a promotion, so that what cannot change is read once."""

from datetime import UTC, datetime

from pydantic import FiniteFloat

from brinery.assessment.metrics.table import BY_TASK, METRICS
from brinery.errors import ReferenceInvalid
from brinery.promotion.records import Record
from brinery.versions.manifest import Manifest, Part, utc_text
from brinery.versions.read import Published
from brinery.versions.reference import Reference

SHORT = 300  # letters of a description in a list
MOST_METRICS, MOST_FORMATS = 20, 10
MOST = 10**15  # a number that is larger is not believed
NAME, LONG = 100, 1000  # letters
Figure = tuple[FiniteFloat, FiniteFloat | None, FiniteFloat | None]


class Version(Part):
    """What lists and charts show of one version; metrics with the ends of their 95 % intervals, or without any."""

    number: int
    digest: str
    trained_at: str
    description: str
    kind: str
    gate: str
    metrics: dict[str, Figure]
    size: int
    rows: int
    data: str
    commit: str | None
    dirty: bool
    formats: tuple[str, ...]

    @classmethod
    def of(cls, published: Published) -> "Version":
        """What is kept of a version that was read."""
        manifest, spans = published.manifest, published.manifest.evaluation.intervals
        return cls(
            number=manifest.version,
            digest=published.reference.digest or "",
            trained_at=moment_text(manifest.trained_at),
            description=manifest.description[:SHORT],
            kind=manifest.task.kind,
            gate=gate_word(manifest),
            metrics={
                name[:NAME]: (manifest.metrics[name], *spans.get(name, (None, None)))
                for name in ordered_metrics(manifest)[:MOST_METRICS]
            },
            size=min(manifest.size, MOST),
            rows=min(manifest.data.rows, MOST),
            data=manifest.data.sha256,
            commit=manifest.git.commit and manifest.git.commit[:40],
            dirty=bool(manifest.git.dirty),
            formats=tuple(name[:30] for name in manifest.artifacts)[:MOST_FORMATS],
        )


class Promotion(Part):
    """A record of a promotion, as its bytes say; `version` is None where it is not of this model."""

    name: str
    at: str
    action: str
    to: str
    was: str | None
    challenger: str | None
    share: float | None
    by: str
    reason: str
    environment: str
    forced: tuple[str, ...]

    @classmethod
    def of(cls, name: str, record: Record) -> "Promotion":
        """What is kept of a record."""
        kept = {key: getattr(record, key) for key in cls.model_fields if key not in ("name", "at")}
        kept = {key: value[:LONG] if isinstance(value, str) else value for key, value in kept.items()}
        return cls(name=name, at=moment_text(record.at), **kept)

    @property
    def version(self) -> int | None:
        """The number of what was promoted, as the record's action says it: of a challenge the challenger's."""
        return number_of(self.challenger or self.to)


def number_of(reference: str | None) -> int | None:
    """The version that a reference names, or None where it is none."""
    try:
        return Reference.parse(reference or "").version
    except ReferenceInvalid:
        return None


def moment_text(moment: datetime) -> str:
    """A time in UTC, or as it was written where that has none: in the first or the last hours that there are."""
    try:
        return utc_text(moment.astimezone(UTC))
    except OverflowError:
        return utc_text(moment)


def ordered_metrics(manifest: Manifest) -> list[str]:
    """The names of a version's metrics, the main one of its task first."""
    known = [metric.name for metric in BY_TASK[manifest.task.kind] if metric.name in manifest.metrics]
    return [*known, *(name for name in manifest.metrics if name not in known)]


def less_is_better(metric: str) -> bool:
    return metric in METRICS and METRICS[metric].better == "lower"


def gate_word(manifest: Manifest) -> str:
    """The gate's verdict in words of a page."""
    words = {"none": "not set", "FAILED": "failed"}
    return words.get(manifest.gate.verdict, manifest.gate.verdict)
