"""`registry publish` of an ONNX file, and what is served of it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits

from brinery.commands.registry import main
from brinery.loading.by_name import load
from tests.brinery.assessment.given.graphs import FLOAT, INT64, NAMES, PLACES, POINTS, STRING, WEIGHTS, by_name, linear
from tests.conftest import ROOT

DIGITS = str(ROOT / "tests/data/digits.onnx")
ROWS = load_digits(as_frame=True).frame


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The command's folder, with rows as CSV."""
    ROWS[:200].to_csv(tmp_path / "digits.csv", index=False)
    ROWS[200:400].to_csv(tmp_path / "train.csv", index=False)
    pd.DataFrame(POINTS, columns=["east", "north"]).assign(colour=NAMES[PLACES]).to_csv(tmp_path / "c.csv", index=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MODEL_REGISTRY", raising=False)
    return tmp_path


@pytest.mark.slow
def test_network_is_published_and_answers(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = ["--rows", "digits.csv", "--train-rows", "train.csv", "--target", "target"]
    assert main(["publish", "digits", DIGITS, *rows, "--gate", '{"accuracy": {"min": 0.9}}']) == 0
    out, err = capsys.readouterr()
    assert err == "" and "formats   onnx (RUNTIME=onnx)\n" in out
    assert "onnx      the file that was given; nothing in it is changed\n" in out
    assert "no pickle: the model was given as an ONNX file\n" in out
    served = load(out.split()[1], registry=(folder / ".registry").as_uri())
    answers = served.predict(ROWS.drop(columns="target")[:200])
    assert np.mean([answer["prediction"] for answer in answers] == ROWS.target[:200]) > 0.95


@pytest.mark.parametrize("classes", ["red,blue, green", '["red", "blue", "green"]'])
def test_classes_name_the_outputs(folder: Path, capsys: pytest.CaptureFixture[str], classes: str) -> None:
    Path("given.bin").write_bytes(linear(WEIGHTS).SerializeToString())  # known by what it holds
    arguments = ["publish", "colours", "given.bin", "--rows", "c.csv", "--target", "colour"]
    assert main(arguments) == 1
    assert "name the classes in the order of the outputs: --classes NAME,NAME,…" in capsys.readouterr().err
    assert main([*arguments, "--classes", classes]) == 0
    served = load(capsys.readouterr().out.split()[1], registry=(folder / ".registry").as_uri())
    assert [answer["prediction"] for answer in served.predict(POINTS)] == NAMES[PLACES].tolist()


def test_columns_that_the_file_does_not_name_are_left_out(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = pd.DataFrame({"age": [20, 30, 40, 50], "id": range(4), "city": list("abab"), "income": [0.5, 1.5, 2.5, 4]})
    rows.assign(spent=rows.age + rows.income + np.arange(4) / 10).to_csv("people.csv", index=False)
    Path("given.onnx").write_bytes(by_name({"income": FLOAT, "city": STRING, "age": INT64}).SerializeToString())
    assert main(["publish", "spent", "given.onnx", "--rows", "people.csv", "--target", "spent"]) == 0
    out, err = capsys.readouterr()
    assert err == "registry: columns that the model does not know are left out: id\n"
    served = load(out.split()[1], registry=(folder / ".registry").as_uri())
    assert [feature.name for feature in served.manifest.features] == ["income", "city", "age"]
    assert served.predict({"age": 33, "city": "a", "income": 1})["prediction"] == 34


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--classes", ""], "argument --classes: it is empty"),
        (["--classes", "[1,"], "argument --classes: it is not JSON"),
    ],
)
def test_classes_that_are_none_are_a_usage_error(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["publish", "digits", DIGITS, "--rows", "digits.csv", "--target", "target", *arguments])
    assert caught.value.code == 2 and message in capsys.readouterr().err


def test_file_with_several_faults_is_refused_in_lines(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = linear(WEIGHTS, input=("x", FLOAT, [1, 2, 1]))
    Path("given.onnx").write_bytes(model.SerializeToString())
    assert main(["publish", "digits", "given.onnx", "--rows", "c.csv", "--target", "colour"]) == 1
    first, *faults = capsys.readouterr().err.splitlines()
    assert first == "registry: given.onnx cannot be published:" and len(faults) == 2
    assert not list(folder.glob(".registry/*/versions/*/manifest.json"))
