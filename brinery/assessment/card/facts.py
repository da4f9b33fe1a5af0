"""The card's facts: where the data came from, and how the version was made."""

from datetime import UTC

from brinery.assessment.card.curves import label_text
from brinery.assessment.card.limits import names_of
from brinery.output.page import Html, table
from brinery.versions.manifest import ManifestContent, utc_text

NAMED = 30


def data_part(content: ManifestContent) -> Html:
    """Where the rows came from, and which of them measured the model."""
    data, evaluation, seed = content.data, content.evaluation, content.spec.get("random_state")
    seeded = "" if seed is None else f", random_state {seed}"
    split = f"{data.train_rows:,} rows to fit, {data.test_rows:,} held out, stratified by class{seeded}"
    if evaluation and evaluation.folds:
        split = f"{evaluation.folds} folds, stratified by class{seeded}: each row was held out once"
    facts: list[tuple[str, str]] = [("source", data.source), ("sha256", data.sha256), ("rows", f"{data.rows:,}")]
    if data.columns is not None:
        facts.append(("columns", f"{data.columns:,}"))
    target = content.spec.get("target")
    if target is not None:
        facts.append(("target", str(target)))
    return table((), [*facts, ("split", split), ("classes", names_of(map(label_text, content.classes), NAMED))])


def lineage_part(content: ManifestContent) -> Html:
    """What the version was made with, and what that took."""
    spec = content.spec
    params = ", ".join(f"{key}={value!r}" for key, value in dict(spec.get("params", {})).items())
    facts = [
        ("trained at", trained_at(content)),
        ("git commit", _commit(content)),
        ("estimator", str(spec.get("estimator", "unknown"))),
        ("parameters", params or "defaults"),
        ("random_state", str(spec.get("random_state", "unknown"))),
        ("onnx", _onnx(content)),
        ("libraries", ", ".join(f"{name} {version}" for name, version in content.libraries.items())),
    ]
    if spec.get("search"):
        facts.insert(4, ("searched", f"{', '.join(spec['search'])}, by {spec.get('scoring', 'accuracy')}"))
    if spec.get("class_weight"):
        facts.insert(4, ("class_weight", str(spec["class_weight"])))
    if content.duration_seconds is not None:
        facts.append(("duration", f"{content.duration_seconds:,.1f} s"))
    if content.peak_memory_bytes is not None:
        facts.append(("peak memory", f"{content.peak_memory_bytes / 1e6:,.0f} MB"))
    return table((), facts)


def trained_at(content: ManifestContent) -> str:
    """The moment in UTC."""
    return utc_text(content.trained_at.astimezone(UTC))


def _commit(content: ManifestContent) -> str:
    if content.git.commit is None:
        return "unknown"
    return content.git.commit + (" with uncommitted changes" if content.git.dirty else "")


def _onnx(content: ManifestContent) -> str:
    onnx = content.onnx
    if onnx is None:
        return "not converted"
    if onnx.reason is not None:
        return f"no model.onnx: {onnx.reason}"
    difference = "" if onnx.largest_difference is None else f", probabilities within {onnx.largest_difference:.1g}"
    return f"model.onnx answers as the pickle does: the same labels{difference}"
