"""A version measured again, on rows of one's own that are read as its training data were."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score

from brinery.assessment.remeasure import remeasure
from brinery.errors import DataInvalid
from brinery.loading.load import load
from brinery.loading.model import VerifiedModel
from brinery.loading.model_process import ModelProcess
from brinery.tasks.classification import Classification
from brinery.tasks.task import AnyAnswers
from brinery.versions.store import open_store
from training.run import Session, train
from training.spec import ModelSpec

SPEC = {
    "data": "data.csv",
    "target": "ok",
    "decimal": ",",
    "thousands": ".",
    "dates": "%d/%m/%Y",
    "estimator": "sklearn.linear_model.LogisticRegression",
    "gate": {"accuracy": {"min": 0.8}, "log_loss": {"max": 9}},
}
PRICE = {"kind": "number", "decimal": ",", "thousands": "."}
OWN = {**SPEC, "decimal": ".", "thousands": ",", "kinds": {"price": PRICE}}


def table(rows: int, seed: int) -> str:
    """Prices as Germans write them, colours between blanks, days, and whether a price is high, now and then wrong."""
    random = np.random.default_rng(seed)
    lines = ["price;colour;day;ok"]
    for price, colour, day in zip(
        random.uniform(0, 9000, rows),
        random.choice([" red", "blue "], rows),
        random.integers(0, 360, rows),
        strict=True,
    ):
        written = f"{price:,.2f}".translate(str.maketrans(",.", ".,"))
        yes = (price > 4500) != (random.random() < 0.1)
        moment = pd.Timestamp("2024-01-01") + pd.Timedelta(days=int(day))
        lines.append(f"{written};{colour};{moment:%d/%m/%Y};{'yes' if yes else 'no'}")
    return "\n".join(lines) + "\n"


@pytest.fixture(params=[SPEC, OWN], ids=["a file", "a column"])
def model(tmp_path: Path, serving_check: ModelProcess, request: pytest.FixtureRequest) -> VerifiedModel:
    (tmp_path / "data.csv").write_text(table(300, 0))
    store = open_store((tmp_path / "registry").as_uri(), create=True)
    result = train("m", ModelSpec.model_validate(request.param), Session(store, serving_check, folder=tmp_path))
    return load(store, result.reference)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("labels", "classes", "mine"),
    [
        (["FALSE", "TRUE"], ("FALSE", "TRUE"), ["FALSE", "TRUE"]),
        (["-1", "+1"], ("+1", "-1"), ["-1", "+1"]),
        (["false", "true"], (False, True), ["False", "TRUE"]),
        (["-1", "1"], (-1, 1), ["-1", "+1"]),
    ],
)
def test_labels_are_those_that_the_file_spells(
    tmp_path: Path, serving_check: ModelProcess, labels: list[str], classes: tuple[Any, ...], mine: list[str]
) -> None:
    """Rows of one's own are read by the labels of the version, however they spell them."""
    text = "x;ok\n" + "".join(f"{i},5;{{{int(i > 20)}}}\n" for i in range(40))
    (tmp_path / "data.csv").write_text(text.format(*labels))
    store = open_store((tmp_path / "registry").as_uri(), create=True)
    result = train(
        "m", ModelSpec.model_validate({**SPEC, "dates": None}), Session(store, serving_check, folder=tmp_path)
    )
    model = load(store, result.reference)
    assert isinstance(model.task, Classification) and model.task.classes == classes
    assert str(model.predict({"x": 39})["prediction"]).lower() == labels[1].lower()
    found, _ = asked(model, tmp_path, text.format(*mine))
    assert found["accuracy"] > 0.8


def asked(model: VerifiedModel, folder: Path, text: str, target: str = "ok") -> Any:
    (folder / "mine.csv").write_text(text)

    def answers(array: np.ndarray) -> AnyAnswers:
        return model.predictor.predict(array)

    return remeasure(model.manifest, answers, "mine.csv", folder, target)


@pytest.mark.slow
def test_rows_are_read_as_those_of_training_and_the_gate_is_held_against_them(
    model: VerifiedModel, tmp_path: Path
) -> None:
    text = table(200, 1)
    found, gate = asked(model, tmp_path, text)
    rows = [line.split(";") for line in text.splitlines()[1:]]
    predicted = model.answer([row[:3] for row in rows], 1000).answers.labels
    assert found["accuracy"] == accuracy_score([row[3] for row in rows], predicted) > 0.8
    assert {check.metric: check.value for check in gate.checks} == {key: found[key] for key in ("accuracy", "log_loss")}
    assert gate.passed
    swapped = text.replace("yes", "?").replace("no", "yes").replace("?", "no")
    found, gate = asked(model, tmp_path, swapped)
    assert (found["accuracy"] < 0.2, gate.passed) == (True, False)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("colour", "color"), "mine.csv lacks colour; it has price, color, day, ok"),
        (
            lambda text: text.replace(" red", "mauve", 1),
            r"row \d+ is none that the version answers: colour must be one",
        ),
        (lambda text: text.replace("yes", "maybe", 1), "has the label 'maybe', which is none of the model's classes"),
        (lambda text: text + "x;red;01/01/2024;no\n", 'column "price" of mine.csv holds "x"'),
    ],
)
def test_rows_that_are_none_of_the_versions_are_refused(
    model: VerifiedModel, tmp_path: Path, change: Any, message: str
) -> None:
    with pytest.raises(DataInvalid, match=message):
        asked(model, tmp_path, change(table(50, 2)))
