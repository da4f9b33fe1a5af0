"""A run's preparation: from data as people have them to arrays, and what is told of them."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from brinery.errors import DataInvalid
from brinery.loading.load import load
from brinery.loading.model_process import ModelProcess
from brinery.versions.store import open_store
from training.run import Prepared, Session, prepare, train
from training.spec import ModelSpec

ESTIMATOR = "sklearn.linear_model.LogisticRegression"


def prepared(folder: Path, data: bytes, **changes: Any) -> Prepared:
    (folder / "data").write_bytes(data)
    return prepare(
        ModelSpec.model_validate({"data": "data", "target": "ok", "estimator": ESTIMATOR, **changes}), folder
    )


def german(rows: int = 400) -> bytes:
    """Prices with German marks and days as Germans write them, and whether something was bought."""
    random = np.random.default_rng(1)
    prices, days = random.normal(5000, 2000, rows), random.integers(0, 300, rows)
    bought = prices / 2000 + days / 100 + random.normal(0, 1, rows) > 4
    lines = ["price;day;ok"]
    for price, day, answer in zip(prices, days, bought, strict=True):
        marked = f"{price:,.2f}".translate(str.maketrans(",.", ".,"))
        lines.append(
            f"{marked};{pd.Timestamp('2024-01-01') + pd.Timedelta(days=day):%d/%m/%Y};{'yes' if answer else 'no'}"
        )
    return "\n".join(lines).encode()


def test_columns_read_by_their_keys_give_what_scikit_learn_gives(tmp_path: Path) -> None:
    data = german()
    ours = prepared(tmp_path, data, decimal=",", thousands=".", dates="%d/%m/%Y")
    assert [feature.kind for feature in ours.features] == ["number", "date"]
    frame = pd.read_csv(io.BytesIO(data), sep=";", decimal=",", thousands=".")
    frame["day"] = pd.to_datetime(frame["day"], format="%d/%m/%Y").astype("datetime64[s]").astype(np.int64) / 86400
    train, test = train_test_split(frame, test_size=0.25, random_state=0, stratify=frame["ok"])
    model = make_pipeline(StandardScaler(), LogisticRegression())
    theirs = model.fit(train[["price", "day"]].to_numpy(), train["ok"]).predict(test[["price", "day"]].to_numpy())
    np.testing.assert_array_equal(ours.test_x, test[["price", "day"]].to_numpy())
    answers = ours.pipeline.fit(ours.train_x, ours.train_y).predict(ours.test_x)
    assert accuracy_score(ours.test_y, answers) == accuracy_score(test["ok"], theirs) > 0.7


def test_all_problems_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    lines = ["a,b,c,d,ok", *(f"1,{n},{n / 8},{'?' if n == 9 else n % 7},{'yes' if n % 2 else ''}" for n in range(30))]
    with pytest.raises(DataInvalid) as caught:
        prepared(tmp_path, "\n".join(lines).encode())
    told = str(caught.value).splitlines()
    assert told[0] == "4 columns of data cannot be used as they are:"
    assert [line.split(maxsplit=2)[:2] for line in told[1:]] == [
        ["column", f'"{name}"'] for name in ("a", "b", "d", "ok")
    ]


def test_target_that_cannot_be_learnt_is_told_beside_the_columns(tmp_path: Path) -> None:
    with pytest.raises(
        DataInvalid, match='column "a" of data has the same value .*\n  the target "ok" of data has one cl'
    ):
        prepared(tmp_path, b"a,b,ok\n1,2,u\n1,3,u\n")


def test_what_a_person_should_know_of_the_data_is_told(tmp_path: Path) -> None:
    rows = [f"{n / 8},{'paid' if n % 2 else 'open'},{'yes' if n % 2 else 'no'}" for n in range(100)]
    notes = prepared(tmp_path, "\n".join(["age,bill,ok", *rows, "5.01,paid,Yes", "7.01,paid,Yes"]).encode()).notes
    assert len(notes) == 1 and notes[0].startswith("the labels 'Yes', 'yes' of \"ok\" differ by blanks or case alone")
    (note,) = prepared(tmp_path, "\n".join(["age,bill,ok", *rows]).encode()).notes
    assert note.startswith('column "bill" tells the target by itself')


COLOURS = b"colour,size,ok\n" + b"red,s,yes\nblue,m,no\ngreen,s,yes\nblue,s,no\n" * 30


@pytest.mark.parametrize(
    ("changes", "accepting"),
    [
        ({}, []),
        ({"unknown_categories": "refuse"}, []),
        ({"unknown_categories": "accept"}, ["colour", "size"]),
        ({"kinds": {"size": {"kind": "category", "unknown_categories": "accept"}}}, ["size"]),
        ({"kinds": {"size": {"unknown_categories": "accept"}}}, ["size"]),
        (
            {
                "unknown_categories": "accept",
                "kinds": {"size": {"kind": "category", "unknown_categories": "refuse"}},
            },
            ["colour"],
        ),
    ],
)
def test_unknown_categories_are_taken_where_the_spec_says_so(
    tmp_path: Path, changes: dict[str, Any], accepting: list[str]
) -> None:
    features = prepared(tmp_path, COLOURS, **changes).features
    assert [feature.name for feature in features if feature.unknown_categories == "accept"] == accepting


def test_unknown_category_is_none_of_those_that_were_learnt_in_either_format(
    tmp_path: Path, serving_check: ModelProcess
) -> None:
    (tmp_path / "data").write_bytes(COLOURS)
    spec = {"data": "data", "target": "ok", "estimator": ESTIMATOR, "unknown_categories": "accept"}
    store = open_store(f"file://{tmp_path}/registry", create=True)
    result = train("colours", ModelSpec.model_validate(spec), Session(store, serving_check, folder=tmp_path))
    assert {*result.manifest.artifacts} == {"onnx", "pickle"}
    proof = result.manifest.artifacts["onnx"].faithful
    assert proof.rows["categories that no row has"] > 0
    answers: dict[str, Any] = {}
    for format in result.manifest.artifacts:
        model = load(store, result.reference, format=format)
        prediction = model.answer([["mauve", "s"], ["red", "xxl"]], 2)
        assert [warned.path for warned in prediction.warnings] == ["/data/0/0", "/data/1/1"]
        answers[format] = prediction.answers.probabilities
    np.testing.assert_allclose(answers["onnx"], answers["pickle"], atol=1e-6)


def test_what_held_out_rows_alone_have_is_told_in_the_manifest(tmp_path: Path) -> None:
    rows = [
        f"{i % 7},{'rare' if i == 17 else 'usual' if i % 2 else 'other'},{'yes' if i % 2 else 'no'}" for i in range(80)
    ]
    ours = [prepared(tmp_path, "\n".join(["x,c,ok", *rows]).encode(), random_state=seed) for seed in range(12)]
    unfitted = {run.features[1].unfitted for run in ours}
    assert unfitted == {(), ("rare",)}  # by whether that row was held out
    folds = prepared(tmp_path, "\n".join(["x,c,ok", *rows]).encode(), cv=4)
    assert folds.features[1].unfitted == ()


def test_rows_on_both_sides_of_the_split_are_counted(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    rows = [f"{n / 8},{n % 3},{random.choice(['yes', 'no'])}" for n in range(60)]
    data = "\n".join(["size,shop,ok", *rows, *rows[:30]]).encode()
    (note,) = prepared(tmp_path, data).notes
    _, held_out = train_test_split(np.arange(90), test_size=0.25, random_state=0, stratify=[
        row[-3:] for row in [*rows, *rows[:30]]
    ])  # fmt: skip
    twice = [n for n in held_out if (n < 30 or n >= 60) and not {n % 60, n % 60 + 60} <= set(held_out)]
    assert note.startswith(f"{len(twice)} of 23 held-out rows ({len(twice) / 23:.1%}) stand in the training part too")
    (note,) = prepared(tmp_path, data, cv=3).notes
    assert note.startswith("60 of 90 rows (66.7%) are there more than once, with the same features and target")


def test_unknown_categories_of_a_column_that_is_none_are_refused(tmp_path: Path) -> None:
    data = b"n,ok\n" + b"1,yes\n2,no\n5,yes\n2,no\n" * 9
    with pytest.raises(
        DataInvalid, match='gives column "n" unknown_categories, and it is taken as integer; only a "cat'
    ):
        prepared(tmp_path, data, kinds={"n": {"unknown_categories": "accept"}})


def test_category_that_keeps_its_texts_says_what_it_keeps_apart(tmp_path: Path) -> None:
    data = b"c,ok\n" + b"Rot,yes\nRot ,no\nblau,yes\nNA,no\n,no\n" * 9
    notes = prepared(tmp_path, data, kinds={"c": "category"}).notes
    assert 'column "c" keeps the blanks around its texts, as in "Rot " (line 3)' in notes
    assert 'column "c" keeps as values what else means missing, as in "NA" (line 5)' in notes
