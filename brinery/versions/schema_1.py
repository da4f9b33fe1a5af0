"""Schema 1: manifests and golden rows as they were stored before there were tasks and artifacts, read as schema 2."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, Field, FiniteFloat, model_validator

from brinery.rows.feature import Feature
from brinery.tasks.classification import Bounds, ClassMetrics, Label
from brinery.versions.manifest import File, Git, Manifest, Part, Sha256

Files = Literal["model.joblib", "model.onnx", "golden.json", "card.html"]
LOWER_IS_BETTER = ("log_loss",)
PICKLE_LIBRARIES = ("python", "scikit-learn", "numpy", "joblib")
UNKNOWN = "nothing is recorded"


class _Check(Part):
    metric: str
    rule: Literal["min", "max", "no_worse_than_promoted"]
    limit: FiniteFloat | None
    value: FiniteFloat
    passed: bool
    reason: str | None = None


class _Gate(Part):
    passed: bool
    checks: tuple[_Check, ...]


class _Data(Part):
    source: str
    sha256: Sha256
    rows: int
    columns: int | None = None
    train_rows: int
    test_rows: int


class _Promoted(Part):
    reference: str
    metrics: Mapping[str, FiniteFloat]


class _Evaluation(Part):
    folds: int | None = None
    intervals: Mapping[str, Bounds] = {}
    baseline: Mapping[str, FiniteFloat] = {}
    classes: tuple[ClassMetrics, ...] = ()
    confusion: tuple[tuple[int, ...], ...] | None = None
    promoted: _Promoted | None = None
    not_compared: str | None = None


class _Onnx(Part):
    largest_difference: FiniteFloat | None = None
    reason: str | None = None


class Manifest1(Part):
    """The manifest of schema 1, as strict as its own reader was."""

    schema_version: Literal[1]
    name: str
    version: int
    description: str = ""
    trained_at: AwareDatetime
    classes: Annotated[tuple[Label, ...], Field(min_length=2)]
    features: Annotated[tuple[Feature, ...], Field(min_length=1)]
    metrics: Mapping[str, FiniteFloat]
    evaluation: _Evaluation | None = None
    gate: _Gate
    data: _Data
    spec: Mapping[str, Any]
    git: Git
    libraries: Mapping[str, str]
    timings: Mapping[str, FiniteFloat]
    duration_seconds: FiniteFloat | None = None
    peak_memory_bytes: int | None = None
    onnx: _Onnx | None = None
    files: Mapping[Files, File]

    @model_validator(mode="after")
    def _has_a_pickle(self) -> Self:
        if "model.joblib" not in self.files:
            raise ValueError("files lacks model.joblib")
        return self


def read_as_2(data: bytes) -> Manifest:
    """The manifest that the stored bytes say, in today's form.

    What they do not say stays unsaid: no interval, no class's metrics, 0 columns and seconds.

    Raises:
        pydantic.ValidationError: they are no manifest of schema 1.
    """
    old = Manifest1.model_validate_json(data, strict=True)
    evaluation = (old.evaluation or _Evaluation()).model_dump()
    if evaluation["promoted"]:
        evaluation["promoted"]["vouched"] = False
    same = old.model_dump(exclude={"classes", "evaluation", "gate", "data", "onnx", "duration_seconds"})
    details = {"kind": "classification", "classes": evaluation.pop("classes"), "confusion": evaluation.pop("confusion")}
    checks = [{**check.model_dump(), "side": _side(check)} for check in old.gate.checks]
    why_no_onnx = old.onnx.reason if old.onnx else None
    return Manifest.model_validate(
        {
            **same,
            "task": {"kind": "classification", "classes": old.classes},
            "evaluation": {**evaluation, "details": details},
            "gate": {"passed": old.gate.passed, "checks": checks},
            "data": {**old.data.model_dump(), "columns": old.data.columns or 0},
            "duration_seconds": old.duration_seconds or 0.0,
            "artifacts": _artifacts(old),
            "omitted": {"onnx": why_no_onnx} if why_no_onnx else {},
            "profile": None,
        }
    )


def golden_as_2(golden: Mapping[str, Any], manifest: Manifest) -> dict[str, Any]:
    """The contents of a golden.json of schema 1, with its answers as they are written today."""
    task: Any = manifest.task
    keys = task.keys  # in the order of the stored probabilities
    answers: list[dict[str, Any]] = [{"prediction": label} for label in golden["predictions"]]
    if golden["probabilities"] is not None:
        for answer, row in zip(answers, golden["probabilities"], strict=True):
            answer["probabilities"] = dict(zip(keys, row, strict=True))
    return {"rows": golden["rows"], "answers": answers}


def _side(check: _Check) -> str:
    most = check.metric in LOWER_IS_BETTER if check.rule == "no_worse_than_promoted" else check.rule == "max"
    return "most" if most else "least"


def _artifacts(old: Manifest1) -> dict[str, Any]:
    found = {}
    if "model.onnx" in old.files:
        difference = old.onnx.largest_difference if old.onnx else None
        onnx = {name: version for name, version in old.libraries.items() if name == "onnxruntime"}
        found["onnx"] = _artifact(old, "model.onnx", "onnxruntime", "onnx", onnx, difference)
    pickle = {name: version for name, version in old.libraries.items() if name in PICKLE_LIBRARIES}
    found["pickle"] = _artifact(old, "model.joblib", "sklearn", "sklearn", pickle, None)
    return found


def _artifact(
    old: Manifest1, file: Files, module: str, runtime: str, libraries: Mapping[str, str], difference: float | None
) -> dict[str, Any]:
    return {
        "file": file,
        "libraries": libraries,
        "modules": (module,),
        "runtimes": (runtime,),
        "unpacked_size": old.files[file].size,
        "faithful": {
            "largest_difference": difference,
            "rows": {},
            "ties": 0,
            "tested": UNKNOWN if difference is None else "held-out rows",
        },
    }
