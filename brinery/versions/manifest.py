"""The manifest: what a version is, and the digest that pins it."""

import hashlib
import json
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
    ValidationError,
    model_validator,
)

from brinery.errors import IdentityMismatch, ManifestInvalid, SchemaUnknown
from brinery.rows.feature import Feature
from brinery.versions.reference import Reference

SCHEMA_VERSION = 1
MAX_BYTES = 1024 * 1024

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
FileName = Literal["model.joblib", "model.onnx", "golden.json", "card.html"]
Label = bool | int | str
Interval = tuple[FiniteFloat, FiniteFloat]
LOWER_IS_BETTER = ("log_loss",)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class File(_Part):
    """Size in bytes and sha256 of one stored file."""

    size: Annotated[int, Field(ge=0)]
    sha256: Sha256

    @classmethod
    def of(cls, data: bytes) -> Self:
        return cls(size=len(data), sha256=hashlib.sha256(data).hexdigest())


class GateCheck(_Part):
    """One rule of the gate, the metric's value, and whether it passed.

    For `no_worse_than_promoted` the limit is the promoted version's value on the same rows less the allowance;
    it is absent where there is nothing to compare with, and `reason` says why.
    """

    metric: str
    rule: Literal["min", "max", "no_worse_than_promoted"]
    limit: FiniteFloat | None
    value: FiniteFloat
    passed: bool
    reason: str | None = None

    @property
    def text(self) -> str:
        """The check as a sentence, for people."""
        if self.limit is None:
            return f"{self.metric} is {self.value:.4f}: {self.reason}"
        lower = self.metric in LOWER_IS_BETTER if self.rule == "no_worse_than_promoted" else self.rule == "max"
        side = "at most" if lower else "at least"
        what = " (no worse than promoted)" if self.rule == "no_worse_than_promoted" else ""
        return f"{self.metric} is {self.value:.4f}, {side} {self.limit:.6g} is asked for{what}"


class Gate(_Part):
    passed: bool
    checks: tuple[GateCheck, ...]


class TrainingData(_Part):
    """Where the rows came from; `sha256` is of the source's bytes, as read.

    With cross-validation every row is both: `train_rows` and `test_rows` equal `rows`.
    """

    source: str
    sha256: Sha256
    rows: int
    columns: int | None = None
    train_rows: int
    test_rows: int


class ClassMetrics(_Part):
    """Precision and recall of one class with their 95 % intervals, and its rows among the held-out ones."""

    precision: FiniteFloat
    precision_interval: Interval
    recall: FiniteFloat
    recall_interval: Interval
    support: int


class PromotedMetrics(_Part):
    """The version that was promoted when this one was trained, measured on the same held-out rows."""

    reference: str
    metrics: Mapping[str, FiniteFloat]


class Evaluation(_Part):
    """How the metrics were taken, and what stands beside them.

    `intervals` are 95 % percentile bootstrap intervals; `baseline` always answers the training rows' most frequent
    class, with the classes' shares as probabilities. `not_compared` says why `promoted` is absent. `classes` is in
    the order of the manifest's; `confusion[i][j]` counts rows of class i answered with class j, and is absent above
    100 classes.
    """

    folds: int | None = None
    intervals: Mapping[str, Interval]
    baseline: Mapping[str, FiniteFloat]
    classes: tuple[ClassMetrics, ...]
    confusion: tuple[tuple[int, ...], ...] | None = None
    promoted: PromotedMetrics | None = None
    not_compared: str | None = None


class Git(_Part):
    commit: str | None
    dirty: bool | None


class Onnx(_Part):
    """Why there is no model.onnx, or the largest difference of a probability from the pickle's."""

    largest_difference: FiniteFloat | None = None
    reason: str | None = None


class ManifestContent(_Part):
    """What training knows of a model before it has a number."""

    name: str
    description: str = ""
    trained_at: AwareDatetime
    classes: Annotated[tuple[Label, ...], Field(min_length=2)]
    features: Annotated[tuple[Feature, ...], Field(min_length=1)]
    metrics: Mapping[str, FiniteFloat]
    evaluation: Evaluation | None = None
    gate: Gate
    data: TrainingData
    spec: Mapping[str, Any]
    git: Git
    libraries: Mapping[str, str]
    timings: Mapping[str, FiniteFloat]
    duration_seconds: FiniteFloat | None = None
    peak_memory_bytes: int | None = None
    onnx: Onnx | None = None


class Manifest(ManifestContent):
    """A version's manifest. Its stored bytes are hashed, so what it says cannot change."""

    schema_version: Literal[1] = 1
    version: int
    files: Mapping[FileName, File]

    @model_validator(mode="after")
    def _has_artifacts(self) -> Self:
        missing = {"model.joblib", "golden.json"} - set(self.files)
        if missing:
            raise ValueError(f"files lacks {', '.join(sorted(missing))}")
        if len({feature.name for feature in self.features}) != len(self.features):
            raise ValueError("features has a name twice")
        return self

    def to_bytes(self) -> bytes:
        return self.model_dump_json(indent=2).encode() + b"\n"

    @property
    def size(self) -> int:
        """Bytes of all files, the manifest apart."""
        return sum(file.size for file in self.files.values())


def digest_of(data: bytes) -> str:
    """The digest that pins a manifest: sha256 of its stored bytes, in hex."""
    return hashlib.sha256(data).hexdigest()


def parse_manifest(data: bytes, reference: Reference) -> Manifest:
    """Read the bytes of `reference`'s manifest, in the contract's order.

    Raises:
        ManifestInvalid: not JSON, or not a manifest.
        IdentityMismatch: it names another model or version.
        SchemaUnknown: a format this code does not know.
    """
    try:
        raw = json.loads(data)
    except (ValueError, RecursionError) as exc:
        raise ManifestInvalid(f"the manifest of {reference} is not JSON") from exc
    if not isinstance(raw, dict):
        raise ManifestInvalid(f"the manifest of {reference} is not a JSON object")
    if (raw.get("name"), raw.get("version")) != (reference.name, reference.version):
        found = ascii(f"{raw.get('name')}:{raw.get('version')}"[:120])
        raise IdentityMismatch(f"the manifest stored for {reference.name}:{reference.version} is that of {found}")
    if raw.get("schema_version") != SCHEMA_VERSION:
        found = ascii(raw.get("schema_version"))[:40]
        raise SchemaUnknown(
            f"the manifest of {reference} has schema_version {found}; this code knows {SCHEMA_VERSION}: "
            "update Brinery, or choose an older version"
        )
    try:
        return Manifest.model_validate_json(data, strict=True)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the manifest"
        raise ManifestInvalid(f"the manifest of {reference} is not valid: {where}: {first['msg']}") from exc


def utc_text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
