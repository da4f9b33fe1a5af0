"""The data of a spec: its columns, scikit-learn's sets, and what the spec names wrongly."""

import hashlib
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from brinery.assessment.columns.infer import infer_features
from brinery.assessment.columns.target import encode_target
from brinery.errors import DataInvalid
from tests.brinery.tables.reading import ROWS, parquet
from tests.conftest import ROOT
from training.dataset import Dataset, read_dataset
from training.run import features_of
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


def test_index_of_a_frame_is_left_out_unless_it_is_named(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": [1, 2], "y": [3, 4], "target": ["u", "v"]}, index=pd.Index([7, 8], name="id"))
    data = frame.to_parquet()
    dataset = read_bytes(tmp_path, data)
    assert list(dataset.features) == ["x", "y"]
    assert dataset.notes == ('column "id" is left out: it was the index of a frame; name it in kinds to use it',)
    assert list(read_bytes(tmp_path, data, kinds={"id": "category"}).features) == ["x", "y", "id"]
    chosen = read_bytes(tmp_path, data, features=["id"])
    assert (list(chosen.features), chosen.notes) == (["id"], ())
    assert read_bytes(tmp_path, data, target="id").target.tolist() == [7, 8]
    assert read_bytes(tmp_path, data, exclude=["id"]).notes == ()


GAPS = b"x,target\n1,u\n2,\n3,None\n4,v\n"


def test_rows_without_a_target_are_refused_unless_they_are_to_be_dropped(tmp_path: Path) -> None:
    assert read_bytes(tmp_path, GAPS).problems == {
        "target": 'is the target, and is missing in 2 rows; it has 1 cells such as "None" (line 4), taken as missing; '
        'named in kinds as "category", it keeps them as a value; fill them in, or leave these rows out by '
        '"drop_missing_target": true'
    }
    dropped = read_bytes(tmp_path, GAPS, drop_missing_target=True)
    assert (dropped.features["x"].tolist(), dropped.target.tolist(), dropped.problems) == ([1, 4], ["u", "v"], {})
    assert '2 of 4 rows are left out: their target "target" is missing' in dropped.notes
    kept = read_bytes(tmp_path, GAPS, drop_missing_target=True, kinds={"target": "category"})
    assert kept.target.tolist() == ["u", "None", "v"]


def test_target_that_is_a_category_is_of_texts(tmp_path: Path) -> None:
    assert read_bytes(tmp_path, b"x,target\n1,07\n2,1\n", kinds={"target": "category"}).target.tolist() == ["07", "1"]
    data = parquet(x=[1, 2], target=pa.array([2**64 - 1, 1], pa.uint64()))
    texts = read_bytes(tmp_path, data, kinds={"target": "category"}).target.tolist()
    assert texts == ["18446744073709551615", "1"]


def test_spelling_of_a_csv_is_that_of_the_spec(tmp_path: Path) -> None:
    dataset = read_bytes(
        tmp_path,
        b"when;seen;x;target\n28/03/2024;28.03.24;1.500,5;u\n?;01.04.24;-;v\n",
        missing=["?", "-"],
        decimal=",",
        thousands=".",
        dates="%d/%m/%Y",
        kinds={"seen": {"kind": "date", "format": "%d.%m.%y"}},
    )
    assert not dataset.problems
    assert dataset.features["x"].dropna().tolist() == [1500.5]
    assert dataset.features["when"].dropna().tolist() == [pd.Timestamp("2024-03-28")]
    assert dataset.features["seen"].tolist() == [pd.Timestamp("2024-03-28"), pd.Timestamp("2024-04-01")]


WRONG: dict[str, tuple[bytes, dict[str, Any], str]] = {
    "no name": (
        b",x,target\n0,1,u\n",
        {},
        'column 1 has no name, as where pandas writes its index; give it one, put ""',
    ),
    "long name": (b"x" * 201 + b",target\n1,u\n", {}, "the name of column 1 is longer than 200 letters"),
    "no such feature": (ROWS, {"features": ["z"]}, 'data has no column "z"; it has x, y, target'),
    "no such target": (ROWS, {"target": "z"}, 'data has no column "z"; it has x, y, target'),
    "no target named": (
        b"x,y\n1,2\n",
        {},
        'data has no column "target", which is the target where the model names none; it has x, y',
    ),
    "no header": (
        b"1.5,-2,3\n.5,2e3,4\n",
        {"target": "z"},
        'no column "z"; it has 1.5, -2, 3; these are numbers, and the first line of a CSV must name its columns',
    ),
    "nothing to exclude": (ROWS, {"exclude": ["z"]}, 'data has no column "z"; it has x, y, target'),
    "kinds of no column": (ROWS, {"kinds": {"z": "date"}}, 'kinds names "z", which is no feature that is used; those'),
    "nothing left": (ROWS, {"exclude": ["x", "y"]}, 'data has no column left besides the target "target"'),
}


@pytest.mark.parametrize(("data", "spec", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_gets_a_sentence(tmp_path: Path, data: bytes, spec: dict[str, Any], message: str) -> None:
    (fault,) = read_bytes(tmp_path, data, **spec).faults
    assert message in fault
    assert "\n" not in fault


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    """Of the header, of names in the spec, of columns and of the target."""
    data = b",x,y,n,target\n0,1,1/2/2024,12,a\n1,2,30/1/2024,x,a\n2,4,12/1/2024,13,a\n"
    spec = {
        "estimator": "sklearn.linear_model.LogisticRegression",
        "data": "data",
        "exclude": ["z", "w"],
        "kinds": {"v": "date", "x": {"unknown_categories": "accept"}},
    }
    (tmp_path / "data").write_bytes(data)
    for change, last in (({}, "has one class only"), ({"target": "u"}, 'column "target" has the same value')):
        parsed = ModelSpec.model_validate({**spec, **change})
        with pytest.raises(DataInvalid) as caught:
            features_of(parsed, read_dataset(parsed, tmp_path), tmp_path)
        told = str(caught.value)
        for part in (
            *('no column "z"', 'no column "w"', 'kinds names "v"', "column 1 has no name", 'column "y" holds'),
            *('column "n" is mostly numbers', last, *(['no column "u"'] if change else [])),
        ):
            assert told.count(part) == 1, part


def test_unknown_categories_of_numbers_are_told_beside_the_target(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"x,y,target\n1,2,a\n2,5,a\n")
    kinds = {name: {"unknown_categories": "accept"} for name in "xy"}
    spec = ModelSpec.model_validate({"estimator": "sklearn.svm.SVC", "data": "data", "kinds": kinds})
    with pytest.raises(DataInvalid, match='(?s)column "x" unknown_cat.*column "y" unknown_cat.*has one class only'):
        features_of(spec, read_dataset(spec, tmp_path), tmp_path)


def test_what_cannot_be_read_is_told_beside_names(tmp_path: Path) -> None:
    with pytest.raises(DataInvalid, match='(?s)no column "z".*line 3 has 2 fields'):
        read_bytes(tmp_path, b"x,y,target\n1,2,a\n1,2\n", exclude=["z"])


def test_data_set_that_scikit_learn_has_not_gets_a_sentence() -> None:
    with pytest.raises(
        DataInvalid, match="^data is 'sklearn:beer'; scikit-learn's data sets are breast_cancer, diabetes, digits"
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
