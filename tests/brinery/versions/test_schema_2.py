"""Schema 2 is closed: its keys stay as they are, and the versions stored under it load and answer for ever."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from brinery.loading.load import load
from brinery.monitoring.sketch import Profile
from brinery.versions.catalog import find_version, models, versions
from brinery.versions.manifest import GOLDEN, PROFILE, SCHEMA_VERSION, Manifest
from brinery.versions.read import read_file
from brinery.versions.reference import Reference
from brinery.versions.store import open_store
from tests.conftest import ROOT
from tests.examples import classes_of

STORED = ROOT / "tests/brinery/versions/stored/schema_2"
STORE = open_store(STORED.as_uri())
VERSIONS = [Reference(name, version) for name in models(STORE) for version in versions(STORE, name)]
KEYS = ROOT / "tests/brinery/versions/stored/schema_2_keys.json"


def manifests() -> list[Manifest]:
    return [find_version(STORE, reference).manifest for reference in VERSIONS]


def test_keys_are_those_that_it_was_closed_with() -> None:
    """A key, or a value that a key may have, is added with another number alone: older readers know none but these."""
    assert SCHEMA_VERSION == 2
    assert {"manifest": keys(Manifest), "profile": keys(Profile)} == json.loads(KEYS.read_text())


def keys(stored: type[BaseModel]) -> dict[str, dict[str, list[Any]]]:
    """Each part's keys, and the values that they may have where those are counted."""
    schema = stored.model_json_schema()
    parts = {stored.__name__: schema, **schema.get("$defs", {})}
    return {
        name: {key: sorted(_values(value), key=str) for key, value in sorted(part.get("properties", {}).items())}
        for name, part in sorted(parts.items())
    }


def _values(schema: Any) -> Iterator[Any]:
    if isinstance(schema, dict):
        yield from schema.get("enum", ())
        if "const" in schema:
            yield schema["const"]
        for key, part in schema.items():
            if key not in ("enum", "const", "default"):
                yield from _values(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _values(part)


def test_one_of_all_that_it_can_say_is_kept() -> None:
    found = manifests()
    tasks = [manifest.task for manifest in found]
    assert {feature.kind for manifest in found for feature in manifest.features} == {
        *("number", "integer", "boolean", "category", "date", "text")
    }
    assert any(feature.unknown_categories == "accept" for manifest in found for feature in manifest.features)
    assert any(feature.nullable for manifest in found for feature in manifest.features)
    assert {type(classes_of(task)[0]) for task in tasks if task.kind == "classification"} == {int, str, bool}
    assert any(getattr(task, "threshold", None) is not None for task in tasks)
    assert {task.kind for task in tasks if getattr(task, "interval", None) is not None} == {
        "classification",
        "regression",
    }
    assert {frozenset(manifest.artifacts) for manifest in found} == {
        frozenset(formats) for formats in (("onnx", "pickle"), ("pickle",), ("onnx",))
    }
    assert {artifact.encoding for manifest in found for artifact in manifest.artifacts.values()} == {"identity", "gzip"}
    assert {runtime for manifest in found for runtime in manifest.runtimes} == {"onnx", "sklearn", "full"}
    assert {manifest.gate.verdict for manifest in found} == {"passed", "none", "FAILED"}
    assert any(manifest.evaluation.folds for manifest in found)
    assert any(manifest.evaluation.promoted for manifest in found)
    assert any(manifest.search for manifest in found)


@pytest.mark.parametrize("format", ["pickle", "onnx"])
@pytest.mark.parametrize("reference", VERSIONS, ids=str)
def test_stored_version_loads_and_answers_as_it_did(reference: Reference, format: str) -> None:
    published = find_version(STORE, reference)
    if format not in published.manifest.artifacts:
        assert format in published.manifest.omitted
        return
    model = load(STORE, published.reference, format=format, require_pin=True, profile=True)
    golden = json.loads(bytes(read_file(STORE, published, GOLDEN)))
    answers = model.task.written(model.answer(golden["rows"], 100).answers)
    assert len(answers) == len(golden["answers"]) > 0
    for answer, was in zip(answers, golden["answers"], strict=True):
        assert list(answer) == list(was)
        for key in was:
            numbers = isinstance(was[key], float | dict) or key == "interval"
            assert answer[key] == (pytest.approx(was[key], rel=1e-4, abs=1e-4) if numbers else was[key])
    assert Profile.read(read_file(STORE, published, PROFILE)).rows > 0


@pytest.mark.parametrize("reference", VERSIONS, ids=str)
def test_stored_manifest_says_what_it_said(reference: Reference) -> None:
    published = find_version(STORE, reference)
    said = json.loads(published.manifest.model_dump_json())
    assert published.manifest.schema_version == 2 and json.loads(published.stored) == said
    for name in published.manifest.files:
        read_file(STORE, published, name)
