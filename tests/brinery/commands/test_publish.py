"""`registry publish`: a model that was fitted elsewhere, and rows in files, become a version."""

import json
import re
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from brinery.commands.registry import main
from brinery.loading.by_name import load
from tests.conftest import ROOT

random = np.random.default_rng(0)
ROWS = pd.DataFrame(
    {"id": range(300), "age": random.integers(18, 80, 300), "city": random.choice(["Bern", "Zug"], 300)}
)
ROWS["churned"] = np.where((ROWS.age > 40) & (ROWS.city == "Bern"), "yes", "no")
ROWS["spent"] = ROWS.age * 10.5 + random.normal(size=300)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with rows as CSV and as Parquet, that of the command."""
    ROWS[:200].to_csv(tmp_path / "train.csv", index=False)
    ROWS[200:].to_parquet(tmp_path / "held_out.parquet")
    ROWS.loc[200:, ["age", "spent"]].to_csv(tmp_path / "ages.csv", index=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MODEL_REGISTRY", raising=False)
    return tmp_path


def pickled(model: Any) -> str:
    joblib.dump(model, "model.joblib")
    return "model.joblib"


def by_names() -> Pipeline:
    columns = ColumnTransformer([("age", StandardScaler(), ["age"]), ("city", OneHotEncoder(), ["city"])])
    return make_pipeline(columns, LogisticRegression()).fit(ROWS[["age", "city"]][:200], ROWS.churned[:200])


@pytest.mark.slow
def test_pipeline_of_a_frame_becomes_a_version(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [pickled(by_names()), "--rows", "held_out.parquet", "--train-rows", "train.csv", "--target", "churned"]
    gate = json.dumps({"accuracy": {"min": 0.6}})
    assert main(["publish", "churn", *arguments, "--gate", gate, "--description", "Who leaves"]) == 0
    out, err = capsys.readouterr()
    left_out, overlap = err.splitlines()
    assert left_out == "registry: columns that the model does not know are left out: id, spent"
    assert overlap.startswith("registry: 85 of 100 held-out rows (85.0%) stand in the training part too")
    assert "formats   pickle (RUNTIME=full), onnx (RUNTIME=onnx)\n" in out
    assert "gate      accuracy is " in out
    reference, run = re.escape(out.split()[1]), f"uv run --project {re.escape(str(ROOT))} "  # to be pasted as it is
    assert re.search(f"promote it  {run}registry promote {reference} --env-file .env\n", out)
    assert re.search(
        f"serve it with  RUNTIME=onnx MODEL_NAME=churn MODEL_VERSION=1@sha256:[0-9a-f]{{64}} {run}serve\n", out
    )
    served = load(out.split()[1], registry=(folder / ".registry").as_uri())
    answers = served.predict(ROWS[["age", "city"]][200:])
    assert [answer["prediction"] for answer in answers] == by_names().predict(ROWS[["age", "city"]][200:]).tolist()
    assert served.manifest.description == "Who leaves" and served.manifest.data.train_rows == 200


@pytest.mark.slow
def test_regressor_of_arrays_with_intervals_and_a_gate_that_it_fails(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = pickled(Ridge().fit(ROWS[["age"]][:200].to_numpy(), ROWS.spent[:200]))
    arguments = ["publish", "spent", model, "--rows", "ages.csv", "--target", "spent", "--interval", "0.9", "--json"]
    assert main([*arguments, "--gate", '{"rmse": {"max": 0.01}}']) == 3
    result = json.loads(capsys.readouterr().out)
    assert result["formats"] == ["pickle", "onnx"] and result["gate"]["verdict"] == "FAILED"
    assert (
        main([*arguments, "--baseline", result["reference"], "--gate", '{"no_worse_than_promoted": {"rmse": 0}}']) == 0
    )
    served = load(json.loads(capsys.readouterr().out)["reference"], registry=(folder / ".registry").as_uri())
    low, high = served.predict([50])["interval"]
    assert low < 525 < high


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"file": "nothing.joblib"}, "nothing.joblib does not exist; it must be a pickle of a fitted model"),
        ({"file": "train.csv"}, "train.csv cannot be loaded as a pickle: "),
        ({"--rows": "nothing.csv"}, "nothing.csv"),
        ({"--target": "churn"}, "held_out.parquet lacks churn; it has id, age, city, churned, spent"),
        ({"--rows": "ages.csv"}, "ages.csv lacks city, churned; it has age, spent"),
        ({"--gate": '{"rmse": {"max": 1}}'}, "gate.rmse is no metric of a classifier"),
        ({"--interval": "0.999"}, "interval is 0.999, for which at least 999 rows must be held out; 100 are"),
        ({"--baseline": "other:1"}, "baseline is other:1; it must be a version of churn with its digest"),
    ],
    ids=str,
)
def test_what_is_wrong_is_a_sentence_and_publishes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], change: dict[str, str], message: str
) -> None:
    given = {"file": pickled(by_names()), "--rows": "held_out.parquet", "--target": "churned", **change}
    options = [part for option, value in given.items() if option != "file" for part in (option, value)]
    assert main(["publish", "churn", given["file"], *options]) == 1
    out, err = capsys.readouterr()
    assert out == "" and message in err and err.startswith("registry: ") and "Traceback" not in err
    assert not list(folder.glob(".registry/churn/versions/*/manifest.json"))
