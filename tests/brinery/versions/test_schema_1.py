"""Versions that earlier code stored: they are read, verified, loaded and answered by for ever."""

import json
from typing import Any

import pytest

from brinery.errors import FormatMissing
from brinery.loading.load import load
from brinery.versions.catalog import find_version, models, versions
from brinery.versions.read import read_file
from brinery.versions.reference import Reference
from brinery.versions.store import open_store
from tests.conftest import ROOT
from tests.examples import classes_of

STORED = ROOT / "tests/brinery/versions/stored"
STORE = open_store((STORED / "schema_1").as_uri())
VERSIONS = [Reference(name, version) for name in models(STORE) for version in versions(STORE, name)]


def stored(reference: Reference, name: str) -> Any:
    return json.loads((STORED / "schema_1" / reference.folder / name).read_text())


def test_one_of_each_format_and_kind_of_column_and_label_is_kept() -> None:
    manifests = [find_version(STORE, reference).manifest for reference in VERSIONS]
    kinds = {(feature.kind, feature.nullable) for manifest in manifests for feature in manifest.features}
    assert {kind for kind, _ in kinds} == {"number", "integer", "boolean", "category", "date"}
    assert {("number", True), ("category", True)} <= kinds
    assert {type(classes_of(manifest.task)[0]) for manifest in manifests} == {int, str, bool}
    assert {tuple(manifest.artifacts) for manifest in manifests} == {("onnx", "pickle"), ("pickle",)}
    assert {manifest.gate.passed for manifest in manifests} == {True, False}
    assert any(manifest.evaluation.folds for manifest in manifests)
    assert any(manifest.evaluation.promoted for manifest in manifests)


@pytest.mark.parametrize("format", ["pickle", "onnx"])
@pytest.mark.parametrize("reference", VERSIONS, ids=str)
def test_stored_version_loads_and_answers_as_it_did(reference: Reference, format: str) -> None:
    published = find_version(STORE, reference)
    if format not in published.manifest.artifacts:
        with pytest.raises(FormatMissing, match="has no model.onnx .*it has pickle"):
            load(STORE, published.reference, format=format)
        return
    model = load(STORE, published.reference, format=format, require_pin=True)
    golden = stored(reference, "golden.json")
    answers = model.task.written(model.answer(golden["rows"], 100).answers)
    assert [answer["prediction"] for answer in answers] == golden["predictions"]
    for answer, row in zip(answers, golden["probabilities"] or [], strict=False):
        assert list(answer["probabilities"].values()) == pytest.approx(row, abs=1e-5)


@pytest.mark.parametrize("reference", VERSIONS, ids=str)
def test_stored_manifest_says_what_it_said(reference: Reference) -> None:
    published, old = find_version(STORE, reference), stored(reference, "manifest.json")
    manifest = published.manifest
    assert manifest.schema_version == 1 and json.loads(published.stored) == old
    assert list(classes_of(manifest.task)) == old["classes"]
    assert dict(manifest.metrics) == old["metrics"] and dict(manifest.libraries) == old["libraries"]
    details = manifest.evaluation.details.model_dump(mode="json")
    assert details == {
        "kind": "classification",
        "classes": old["evaluation"]["classes"],
        "confusion": old["evaluation"]["confusion"],
        "calibration": None,  # which there was not then
    }
    for check, was in zip(manifest.gate.checks, old["gate"]["checks"], strict=True):
        assert check.model_dump(exclude={"side"}) == was
        assert check.side == ("most" if was["rule"] == "max" else "least")
    assert {artifact.file for artifact in manifest.artifacts.values()} == {
        name for name in old["files"] if name.startswith("model.")
    }
    for name in manifest.files:
        read_file(STORE, published, name)
