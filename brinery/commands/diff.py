"""What changed between two versions."""

import argparse
import json
from collections.abc import Callable
from typing import Any

import numpy as np

from brinery.errors import RegistryError, RowInvalid
from brinery.loading.load import load_files
from brinery.loading.model import VerifiedModel
from brinery.output.table import size_text, table
from brinery.rows.feature import Feature
from brinery.versions.catalog import find_manifest
from brinery.versions.manifest import Manifest
from brinery.versions.read import read_file
from brinery.versions.reference import Reference
from brinery.versions.store import Store

NO_CHANGE = "no change"


def diff_command(store: Store, arguments: argparse.Namespace) -> tuple[Any, str]:
    """`registry diff REF REF`."""
    found = [find_manifest(store, Reference.parse(text)) for text in (arguments.before, arguments.after)]
    (before, after), digests = [manifest for manifest, _ in found], [digest for _, digest in found]
    references = [
        Reference(manifest.name, manifest.version, digest)
        for manifest, digest in zip((before, after), digests, strict=True)
    ]
    result: dict[str, Any] = {
        "before": str(references[0]),
        "after": str(references[1]),
        "metrics": _metrics(before, after),
        "gate": [before.gate.passed, after.gate.passed],
        "spec": _changed(dict(before.spec), dict(after.spec)),
        "features": _features(before, after),
        "classes": _changed({"classes": list(before.classes)}, {"classes": list(after.classes)}),
        "libraries": _changed(dict(before.libraries), dict(after.libraries)),
        "data": _changed(before.data.model_dump(), after.data.model_dump()),
        "sizes": _changed(_sizes(before), _sizes(after)),
        "golden_rows": _golden_rows(store, (before, after), references),
    }
    return result, _text(result, f"{before.name}:{before.version}", f"{after.name}:{after.version}")


def _sizes(manifest: Manifest) -> dict[str, Any]:
    return {name: file.size for name, file in manifest.files.items()}


def _changed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, list[Any]]:
    """Values that differ, as [before, after]; None where there is none."""
    keys = dict.fromkeys([*before, *after])
    return {key: [before.get(key), after.get(key)] for key in keys if before.get(key) != after.get(key)}


def _metrics(before: Manifest, after: Manifest) -> dict[str, dict[str, Any]]:
    intervals = [each.evaluation.intervals if each.evaluation else {} for each in (before, after)]
    return {
        name: {
            "before": before.metrics.get(name),
            "before_interval": intervals[0].get(name),
            "after": after.metrics.get(name),
            "after_interval": intervals[1].get(name),
        }
        for name in dict.fromkeys([*before.metrics, *after.metrics])
    }


def _features(before: Manifest, after: Manifest) -> dict[str, list[str | None]]:
    old, new = ({f.name: _feature_text(f) for f in each.features} for each in (before, after))
    changed: dict[str, list[str | None]] = _changed(old, new)
    if not changed and list(old) != list(new):
        changed["(order)"] = [", ".join(old), ", ".join(new)]
    return changed


def _feature_text(feature: Feature) -> str:
    return f"{feature.kind}, {feature.range_text}" + (", may be missing" if feature.nullable else "")


def _golden_rows(store: Store, manifests: tuple[Manifest, Manifest], references: list[Reference]) -> dict[str, Any]:
    """How many golden rows get another answer from the other version; rows that lack its features are left out."""
    rows: list[dict[str, Any]] = []
    columns = [{feature.name for feature in manifest.features} for manifest in manifests]
    try:
        models = [load_files(store, *pair) for pair in zip(manifests, references, strict=True)]
        for manifest, theirs in zip(manifests, reversed(columns), strict=True):
            if not theirs <= {feature.name for feature in manifest.features}:
                continue
            names = [feature.name for feature in manifest.features]
            golden = json.loads(bytes(read_file(store, manifest, "golden.json")))["rows"]
            rows += [dict(zip(names, row, strict=True)) for row in golden]
        if not rows:
            return {"compared": 0, "reason": "each version has features that the other has not"}
        answers = [_answers(model, rows) for model in models]
    except RowInvalid as exc:
        return {"compared": 0, "reason": f"the rows of one do not fit the other: {str(exc)[:200]}"}
    except RegistryError as exc:
        return {"compared": 0, "reason": str(exc)}
    differ = sum(old != new for old, new in zip(answers[0][0], answers[1][0], strict=True))
    old, new = (probabilities for _, probabilities in answers)
    same_shape = old is not None and new is not None and manifests[0].classes == manifests[1].classes
    largest = float(np.abs(old - new).max()) if same_shape else None
    return {"compared": len(rows), "other_label": differ, "largest_difference_of_a_probability": largest}


def _answers(model: VerifiedModel, rows: list[dict[str, Any]]) -> tuple[list[Any], Any]:
    wanted = {feature.name for feature in model.manifest.features}
    fitting = [{name: value for name, value in row.items() if name in wanted} for row in rows]
    prediction = model.classify(fitting, len(fitting))
    return prediction.labels, prediction.probabilities


def _text(result: dict[str, Any], before: str, after: str) -> str:
    head = ["METRIC", before, after]
    rows = [
        [name, _value(each["before"], each["before_interval"]), _value(each["after"], each["after_interval"])]
        for name, each in result["metrics"].items()
    ]
    verdicts = ["passed" if passed else "FAILED" for passed in result["gate"]]
    parts = [table(head, [*rows, ["gate", *verdicts]])]
    for title in ("spec", "features", "classes", "libraries", "data", "sizes"):
        shown: Callable[[Any], str] = size_text if title == "sizes" else _short
        changes = [f"  {key}: {_change(old, new, shown)}" for key, (old, new) in result[title].items()]
        parts.append("\n".join([f"{title}: {'' if changes else NO_CHANGE}".rstrip(), *changes]))
    golden = result["golden_rows"]
    if golden["compared"]:
        largest = golden["largest_difference_of_a_probability"]
        also = "" if largest is None else f"; a probability differs by {largest:.4f} at most"
        parts.append(f"golden rows: {golden['other_label']} of {golden['compared']} get another label{also}")
    else:
        parts.append(f"golden rows: not compared: {golden['reason']}")
    return "\n\n".join(parts)


def _change(old: Any, new: Any, shown: Callable[[Any], str]) -> str:
    if old is None:
        return f"added: {shown(new)}"
    return f"removed: {shown(old)}" if new is None else f"{shown(old)} -> {shown(new)}"


def _value(value: float | None, interval: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" + (f" ({interval[0]:.4f} to {interval[1]:.4f})" if interval else "")


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 120 else text[:117] + "..."
