"""The data of a spec: its columns, scikit-learn's sets, and what the spec names wrongly."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from brinery.assessment.columns.infer import infer_features
from brinery.assessment.columns.target import encode_target
from brinery.errors import DataInvalid
from tests.brinery.tables.reading import ROWS, parquet
from tests.conftest import ROOT
from training.dataset import Dataset, read_dataset
from training.spec import ModelSpec

PENGUINS = ROOT / "tests" / "data" / "penguins.csv"


def read(data: str, folder: Path = Path(), **changes: Any) -> Dataset:
    spec = {"data": data, "estimator": "sklearn.linear_model.LogisticRegression", **changes}
    return read_dataset(ModelSpec.model_validate(spec), folder)


def read_bytes(folder: Path, data: bytes, **changes: Any) -> Dataset:
    (folder / "data").write_bytes(data)
    return read("data", folder, **changes)


def test_penguins_read_as_they_are() -> None:
    dataset = read("penguins.csv", PENGUINS.parent, target="species")
    assert (len(dataset.features), dataset.columns, dataset.source) == (344, 8, "penguins.csv")
    assert dataset.sha256 == hashlib.sha256(PENGUINS.read_bytes()).hexdigest()
    features = infer_features(dataset.features, named=dataset.named)
    assert [(f.name, f.kind, f.nullable, f.range_text) for f in features] == [
        ("island", "category", False, "Biscoe, Dream, Torgersen"),
        ("bill_length_mm", "number", True, "32.1 to 59.6"),
        ("bill_depth_mm", "number", True, "13.1 to 21.5"),
        ("flipper_length_mm", "number", True, "172 to 231"),
        ("body_mass_g", "number", True, "2700 to 6300"),
        ("sex", "category", True, "female, male"),
        ("year", "integer", False, "2007 to 2009"),
    ]
    assert set(encode_target(dataset.target, dataset.source)) == {"Adelie", "Chinstrap", "Gentoo"}


def test_csv_of_a_category_keeps_what_is_written(tmp_path: Path) -> None:
    data = b"zip,deck,target\n01234,3.0,u\n00501,,v\n01234,1.0,u\n"
    dataset = read_bytes(tmp_path, data, kinds={"zip": "category", "deck": "category"})
    features = infer_features(dataset.features, kinds={"zip": "category", "deck": "category"})
    assert [feature.categories for feature in features] == [("00501", "01234"), ("1", "3")]


def test_columns_are_chosen_by_the_spec(tmp_path: Path) -> None:
    data = b",id,x,y,target\n0,1,2,3,u\n1,2,3,4,v\n"
    assert list(read_bytes(tmp_path, data, features=["y", "x"]).features) == ["y", "x"]
    dataset = read_bytes(tmp_path, data, exclude=["id", ""])
    assert (list(dataset.features), dataset.columns) == (["x", "y"], 5)


WRONG: dict[str, tuple[bytes, dict[str, Any], str]] = {
    "no name": (
        b",x,target\n0,1,u\n",
        {},
        'column 1 has no name, as where pandas writes its index; give it one, put ""',
    ),
    "long name": (b"x" * 201 + b",target\n1,u\n", {}, "the name of column 1 is longer than 200 letters"),
    "no such feature": (ROWS, {"features": ["z"]}, 'data has no column "z"; it has x, y, target'),
    "no such target": (ROWS, {"target": "z"}, 'data has no column "z"; it has x, y, target'),
    "nothing to exclude": (ROWS, {"exclude": ["z"]}, 'data has no column "z"; it has x, y, target'),
    "kinds of no column": (ROWS, {"kinds": {"z": "date"}}, 'kinds names "z", which is no feature that is used; those'),
    "kinds of the target": (ROWS, {"kinds": {"target": "category"}}, 'kinds names "target", which is no feature'),
    "nothing left": (ROWS, {"exclude": ["x", "y"]}, 'data has no column left besides the target "target"'),
}


@pytest.mark.parametrize(("data", "spec", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_gets_a_sentence(tmp_path: Path, data: bytes, spec: dict[str, Any], message: str) -> None:
    with pytest.raises(DataInvalid) as caught:
        read_bytes(tmp_path, data, **spec)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_data_set_that_scikit_learn_has_not_gets_a_sentence() -> None:
    with pytest.raises(
        DataInvalid, match="^data is 'sklearn:beer'; scikit-learn's data sets are breast_cancer, digits"
    ):
        read("sklearn:beer")


def test_sklearn_set_has_a_digest_of_its_own() -> None:
    dataset = read("sklearn:digits")
    assert (dataset.columns, len(dataset.features.columns), dataset.source) == (65, 64, "sklearn:digits")
    assert len(infer_features(dataset.features, named=dataset.named)) == 64  # 3 pixels are always 0
    assert read("sklearn:digits", features=["pixel_0_2"]).sha256 == dataset.sha256 != read("sklearn:wine").sha256


def test_columns_that_are_not_used_may_hold_anything(tmp_path: Path) -> None:
    data = parquet(x=[1, 2], nested=[[1], [2]], raw=[b"a", b"b"], target=["u", "v"])
    assert read_bytes(tmp_path, data, features=["x"]).columns == 4
    assert list(read_bytes(tmp_path, data, exclude=["nested", "raw"]).features) == ["x"]


@pytest.mark.parametrize(
    ("spec", "named"), [({}, set()), ({"features": ["y"]}, {"y"}), ({"kinds": {"x": "category"}}, {"x"})]
)
def test_columns_are_named_by_features_and_kinds(tmp_path: Path, spec: dict[str, Any], named: set[str]) -> None:
    assert read_bytes(tmp_path, ROWS, **spec).named == named
