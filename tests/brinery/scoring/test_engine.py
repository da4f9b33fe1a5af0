"""Engines: a forest is asked by its pickle where that loads here, and all else by its ONNX file."""

from typing import Any

import pytest
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

from brinery.scoring.engine import Engine, choose_engine
from brinery.scoring.plan import batch_rows
from brinery.versions.publish import publish
from brinery.versions.store import Store
from tests.brinery.scoring.runs import parts, rows_of, run, write_rows
from tests.examples import example, publish_files, tiny


def manifest_of(store: Store, estimator: str, formats: tuple[str, ...], **libraries: str) -> Any:
    """That of a version in some formats, whose pickle was made with other libraries where these are named."""
    content, files = example("wine")
    artifacts = {name: content.artifacts[name] for name in formats}
    if libraries:
        theirs = {**artifacts["pickle"].libraries, **libraries}
        artifacts["pickle"] = artifacts["pickle"].model_copy(update={"libraries": theirs})
    kept = {"pickle": "model.joblib", "onnx": "model.onnx"}
    files = {name: data for name, data in files.items() if name not in kept.values()} | {
        kept[name]: files[kept[name]] for name in formats
    }
    changed = content.model_copy(update={"spec": {"estimator": estimator}, "artifacts": artifacts})
    return publish(store, changed, files, lambda *_: None).manifest


@pytest.mark.parametrize(
    ("estimator", "formats", "chosen", "why"),
    [
        (
            "sklearn.ensemble.RandomForestClassifier",
            ("pickle", "onnx"),
            "pickle",
            "a forest (RandomForestClassifier) answers",
        ),
        (
            "sklearn.ensemble._forest.ExtraTreesRegressor",
            ("pickle", "onnx"),
            "pickle",
            "a forest (ExtraTreesRegressor) answers",
        ),
        ("sklearn.ensemble.RandomForestClassifier", ("onnx",), "onnx", "the version has it"),
        ("sklearn.linear_model.LogisticRegression", ("pickle", "onnx"), "onnx", "the version has it"),
        ("sklearn.linear_model.LogisticRegression", ("pickle",), "pickle", "the version has no ONNX file that runs"),
    ],
)
def test_engine_is_the_faster_format_that_there_is(
    folder_store: Store, estimator: str, formats: tuple[str, ...], chosen: str, why: str
) -> None:
    found = choose_engine(manifest_of(folder_store, estimator, formats))
    assert found.format == chosen and found.why.startswith(why)


def test_pickle_of_other_libraries_is_not_chosen(folder_store: Store) -> None:
    forest = "sklearn.ensemble.RandomForestClassifier"
    found = choose_engine(manifest_of(folder_store, forest, ("pickle", "onnx"), numpy="1.0.0"))
    assert found.format == "onnx" and "which does not load here: wine:1 was made with numpy 1.0.0" in found.why


@pytest.mark.parametrize("kind", [RandomForestClassifier, ExtraTreesClassifier])
def test_forest_answers_from_its_pickle(folder_store: Store, tmp_path: Any, kind: Any) -> None:
    content, files = tiny(estimator=kind(5, random_state=0).fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1]))
    named = content.model_copy(update={"spec": {"estimator": f"{kind.__module__}.{kind.__qualname__}"}})
    reference = publish_files(folder_store, named, files)
    write_rows(rows_of("alcohol").rename(columns={"alcohol": "x"}), tmp_path / "rows.csv")
    done = run(folder_store, reference, tmp_path / "rows.csv", tmp_path / "out").manifest
    assert done["engine"]["format"] == "pickle" and done["counts"] is None and len(parts(tmp_path / "out")) == 1
    assert done["libraries"]["scikit-learn"]


@pytest.mark.parametrize(
    ("features", "rows"), [(1, 16384), (13, 16384), (16, 16384), (17, 8192), (1000, 256), (10**6, 64)]
)
def test_batches_have_fewer_rows_where_they_are_wide(features: int, rows: int) -> None:
    assert batch_rows(features) == rows


def test_run_goes_on_with_the_engine_that_it_was_begun_with(folder_store: Store) -> None:
    manifest = manifest_of(folder_store, "sklearn.ensemble.RandomForestClassifier", ("pickle", "onnx"))
    assert choose_engine(manifest, "onnx") == Engine("onnx", "the run was begun with it")
    assert choose_engine(manifest, "pickle") == choose_engine(manifest) == choose_engine(manifest, "None")
