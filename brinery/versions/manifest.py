"""The manifest: what a version is, and the digest that pins it."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    StringConstraints,
    model_validator,
)

from brinery.output.table import figure_text
from brinery.rows.feature import Feature
from brinery.tasks.task import AnyDetails, AnyTask

SCHEMA_VERSION = 2  # closed: a new key, or a new value of one, takes a new number
MAX_BYTES = 1024 * 1024
MOST_TRIALS = 20
GOLDEN, CARD, PROFILE = "golden.json", "card.html", "profile.json"

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
FileName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+([._-][a-z0-9]+)*$", max_length=63)]
Interval = tuple[FiniteFloat, FiniteFloat]
Encoding = Literal["identity", "gzip"]


class Part(BaseModel):
    """Part of a stored document: it knows its keys, and cannot be changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class File(Part):
    """Size in bytes and sha256 of one stored file."""

    size: Annotated[int, Field(ge=0)]
    sha256: Sha256

    @classmethod
    def of(cls, data: bytes) -> Self:
        return cls(size=len(data), sha256=hashlib.sha256(data).hexdigest())


class GateCheck(Part):
    """One rule of the gate, the metric's value, and whether it passed.

    `side` says whether the limit is the least or the most that is allowed. For `no_worse_than_promoted` the limit is
    the promoted version's value on the same rows and the allowance; it is null where there is nothing to compare
    with, and `reason` says why.
    """

    metric: str
    rule: Literal["min", "max", "no_worse_than_promoted"]
    side: Literal["least", "most"]
    limit: FiniteFloat | None
    value: FiniteFloat
    passed: bool
    reason: str | None = None

    @property
    def text(self) -> str:
        """The check as a sentence, for people."""
        if self.limit is None:
            return f"{self.metric} is {figure_text(self.value)}: {self.reason}"
        what = " (no worse than promoted)" if self.rule == "no_worse_than_promoted" else ""
        return f"{self.metric} is {figure_text(self.value)}, at {self.side} {self.limit:,.6g} is asked for{what}"


PASSING = ("passed", "none")  # verdicts by which a version may be served


class Gate(Part):
    passed: bool
    checks: tuple[GateCheck, ...]

    @property
    def verdict(self) -> str:
        """What came of it, in a word or two."""
        if self.passed:
            return "passed" if self.checks else "none"
        failed = [check for check in self.checks if not check.passed]
        return "FAILED" if any(check.limit is not None for check in failed) else "not compared"

    @property
    def told(self) -> dict[str, object]:
        """What came of it and of each check, for machines; where there is none, it was neither passed nor failed."""
        passed = self.passed if self.checks else None
        return {"verdict": self.verdict, "passed": passed, "checks": [check.model_dump() for check in self.checks]}


class TrainingData(Part):
    """Where the rows came from; `sha256` is of the source's bytes, as read.

    With cross-validation every row is both: `train_rows` and `test_rows` equal `rows`.
    """

    source: str
    sha256: Sha256
    rows: int
    columns: int
    train_rows: int
    test_rows: int


class PromotedMetrics(Part):
    """The version that was promoted when this one was trained, measured on the same held-out rows.

    `vouched` says that its digest came from outside the bucket.
    """

    reference: str
    vouched: bool
    metrics: Mapping[str, FiniteFloat]


class Evaluation(Part):
    """How the metrics were taken, and what stands beside them.

    `folds` are those of cross-validation, null for held-out rows. `intervals` are 95 % percentile bootstrap
    intervals; `baseline` is what a model reaches that looks at no feature. `not_compared` says why `promoted` is
    null. `details` are the task's own.
    """

    folds: int | None
    intervals: Mapping[str, Interval]
    baseline: Mapping[str, FiniteFloat]
    details: AnyDetails
    promoted: PromotedMetrics | None
    not_compared: str | None


class Trial(Part):
    """One set of parameters that a search tried: the mean of the metric over the folds, and its deviation there.

    Texts stand for values that are no JSON scalars, and for long ones. `rows` are those of its last round, where a
    search begins with few; null where all rows were used. `mean` is null where it is no number.
    """

    params: Mapping[str, str | int | FiniteFloat | bool | None]
    mean: FiniteFloat | None
    deviation: FiniteFloat | None
    rows: int | None
    chosen: bool


class Search(Part):
    """What a search tried, by which metric in how many folds: the best trials, and how many there were in all."""

    metric: str
    folds: int
    tried: int
    trials: Annotated[tuple[Trial, ...], Field(max_length=MOST_TRIALS)]


class Faithful(Part):
    """How closely an artifact answers as the fitted model.

    `largest_difference` is that of a number; null where none was compared. `rows` counts what was tried by kind, and
    `ties` the rows that were left out since the model ties with itself there. `tested` says it for people.
    """

    largest_difference: FiniteFloat | None
    rows: Mapping[str, int]
    ties: int
    tested: str


class Artifact(Part):
    """One format that the version can be loaded from.

    `libraries` are those that loading needs, by version; `modules` the top-level modules that it refers to; `runtimes`
    the serving images that have them; `unpacked_size` is in bytes, that of the file where `encoding` is identity.
    """

    file: FileName
    libraries: Mapping[str, str]
    modules: tuple[Annotated[str, StringConstraints(pattern=r"^[A-Za-z_]\w*$")], ...]
    runtimes: tuple[str, ...]
    encoding: Encoding = "identity"
    unpacked_size: Annotated[int, Field(ge=0)]
    faithful: Faithful


class Git(Part):
    commit: str | None
    dirty: bool | None


class ManifestContent(Part):
    """What is known of a model before it has a number.

    `artifacts` are by format; `omitted` says of formats that were tried why there is none. `libraries` are all that
    took part in training. `profile` names the file that has what training saw in bins, null where there is none.
    `search` has what was tried to find parameters, null where nothing was, and absent from older versions.
    """

    name: str
    description: str = ""
    trained_at: AwareDatetime
    task: AnyTask
    features: Annotated[tuple[Feature, ...], Field(min_length=1)]
    metrics: Mapping[str, FiniteFloat]
    evaluation: Evaluation
    gate: Gate
    data: TrainingData
    spec: Mapping[str, Any]
    git: Git
    libraries: Mapping[str, str]
    timings: Mapping[str, FiniteFloat]
    duration_seconds: FiniteFloat
    peak_memory_bytes: int | None
    artifacts: Annotated[Mapping[str, Artifact], Field(min_length=1)]
    omitted: Mapping[str, str]
    profile: Literal["profile.json"] | None
    search: Search | None = None


class Manifest(ManifestContent):
    """A version's manifest. Its stored bytes are hashed, so what it says cannot change.

    `schema_version` is that of the stored bytes; what was stored under an earlier number is read as this one.
    """

    schema_version: Literal[1, 2]
    version: int
    files: Mapping[FileName, File]

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        needed = {GOLDEN, *(artifact.file for artifact in self.artifacts.values()), *filter(None, [self.profile])}
        if missing := needed - set(self.files):
            raise ValueError(f"files lacks {', '.join(sorted(missing))}")
        if len({feature.name for feature in self.features}) != len(self.features):
            raise ValueError("features has a name twice")
        return self

    @property
    def runtimes(self) -> tuple[str, ...]:
        """The serving images that can serve it, in the order of its artifacts."""
        return tuple(dict.fromkeys(name for artifact in self.artifacts.values() for name in artifact.runtimes))

    @property
    def size(self) -> int:
        """Bytes of all files, the manifest apart."""
        return sum(file.size for file in self.files.values())


def digest_of(data: bytes) -> str:
    """The digest that pins a manifest: sha256 of its stored bytes, in hex."""
    return hashlib.sha256(data).hexdigest()


def utc_text(moment: datetime) -> str:
    """As in 2026-11-01T12:00:00Z; of every year with four digits."""
    return moment.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
