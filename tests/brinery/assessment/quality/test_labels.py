"""Labels are read as the version's training data were, so that they are spelled as its classes are."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from brinery.assessment.columns.infer import infer_features
from brinery.assessment.quality.labels import read_labels
from brinery.errors import DataInvalid
from brinery.tasks.classification import Classification
from brinery.tasks.regression import Regression
from brinery.versions.manifest import Manifest
from tests.examples import content, frame

FEATURES = infer_features(frame("alcohol")[0])


def version(*classes: Any, **spec: Any) -> Manifest:
    """One that answers with these classes, or without any, with numbers."""
    task: Any = Classification(classes=classes) if classes else Regression(mean=0.0, deviation=1.0)
    small = content("wine", FEATURES, (0, 1), task=task, spec=spec)
    return Manifest.model_construct(**dict(small), schema_version=2, version=1, files={})


def read(folder: Path, manifest: Manifest, *labels: str) -> Any:
    lines = [f"r{number},{label}" for number, label in enumerate(labels)]
    (folder / "labels.csv").write_text("\n".join(["id,label", *lines, ""]))
    return read_labels(manifest, "labels.csv", folder)


@pytest.mark.parametrize(
    ("manifest", "labels", "truth"),
    [
        (version("bad", "good"), ["good", "bad", "good"], ["good", "bad", "good"]),
        (version(0, 1, 2), ["1", "2", "0"], [1, 2, 0]),
        (version(0, 1), ["1.0", "0.0"], [1, 0]),
        (version(False, True), ["true", "FALSE", "1"], [True, False, True]),
        (version("1", "2"), ["1", "2"], ["1", "2"]),  # texts, whatever they look like
        (version(), ["1", "2"], [1.0, 2.0]),
        (version(decimal=",", target="price"), ['"1,5"', '"2,25"'], [1.5, 2.25]),
    ],
    ids=["texts", "numbers", "with a fraction", "truths", "digits as texts", "numbers to predict", "a decimal comma"],
)
def test_labels_are_spelled_as_in_training(
    tmp_path: Path, manifest: Manifest, labels: list[str], truth: list[Any]
) -> None:
    found = read(tmp_path, manifest, *labels)
    assert list(found.truth.values()) == truth and list(map(type, found.truth.values())) == list(map(type, truth))


def test_ids_are_texts_as_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("label,id\n1,007\n0,NA\n")
    assert read_labels(version(0, 1), "labels.csv", tmp_path).truth == {"007": 1, "NA": 0}


def test_labels_that_are_none_of_the_classes_are_counted_and_not_guessed(tmp_path: Path) -> None:
    found = read(tmp_path, version("bad", "good"), "good", "Good", "", " good", "ugly", "ugly")
    assert (found.truth, found.missing, found.unknown) == ({"r0": "good"}, 1, 4)
    assert found.examples == ("'Good'", "' good'", "'ugly'")
    assert read(tmp_path, version(0, 1), "1", "7").unknown == 1


@pytest.mark.parametrize(
    ("manifest", "labels", "said"),
    [
        (version(0, 1), ["1", "x"], r'column "label" of labels.csv holds "x" \(line 3\)'),
        (version(0, 1), ["1", "0.5"], "holds fractions"),
        (version(), ["1.5", "x"], r'holds "x" \(line 3\)'),
    ],
)
def test_labels_of_another_kind_are_refused(tmp_path: Path, manifest: Manifest, labels: list[str], said: str) -> None:
    with pytest.raises(DataInvalid, match=said):
        read(tmp_path, manifest, *labels)


def test_numbers_of_parquet_are_ids_too(tmp_path: Path) -> None:
    pd.DataFrame({"id": [17, 18], "label": ["bad", None]}).to_parquet(tmp_path / "labels.parquet")
    found = read_labels(version("bad", "good"), "labels.parquet", tmp_path)
    assert (found.truth, found.missing) == ({"17": "bad"}, 1)
