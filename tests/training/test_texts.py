"""Columns of texts: named so in kinds, learnt from by their words, and asked for as they are."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brinery.errors import RowInvalid
from brinery.loading.load import load
from brinery.loading.model import VerifiedModel
from brinery.rows.feature import LONGEST_PROSE
from brinery.versions.manifest import CARD
from brinery.versions.read import read_file
from brinery.versions.reference import Reference
from brinery.versions.store import open_store
from tests.conftest import python
from tests.models_file import write

RANDOM = np.random.default_rng(0)
GOOD, BAD = ["kind helpful quick friendly clean", "rude slow dirty broken late"]
ROWS = 300
STARS = RANDOM.integers(1, 6, ROWS)
NOTES = [" ".join([*RANDOM.choice((GOOD if each > 3 else BAD).split(), 4), "the", "and"]) for each in STARS]
FRAME = pd.DataFrame({"notes": NOTES, "rooms": RANDOM.integers(1, 9, ROWS), "liked": np.where(STARS > 3, "yes", "no")})
FRAME.loc[::37, "notes"] = None
SPEC = {"data": "rows.csv", "target": "liked", "kinds": {"notes": "text"}}
LOGISTIC = "sklearn.linear_model.LogisticRegression"


@pytest.fixture(scope="module")
def logistic(tmp_path_factory: pytest.TempPathFactory) -> VerifiedModel:
    return trained(tmp_path_factory.mktemp("logistic"), estimator=LOGISTIC)


def trained(folder: Path, **keys: Any) -> VerifiedModel:
    FRAME.to_csv(folder / "rows.csv", index=False)
    write(folder, {"mine": {**SPEC, **keys}})
    done = python("-m", "training", "--json", "--models", str(folder / "models.json"))
    assert (done.returncode, done.stderr) == (0, "")
    reference = Reference.parse(json.loads(done.stdout)["reference"])
    return load(open_store((folder / ".registry").as_uri()), reference, format="pickle", require_pin=True)


@pytest.mark.campaign
@pytest.mark.parametrize("estimator", ["xgboost.XGBClassifier", "sklearn.svm.SVC"])
def test_words_tell_the_answer_of_others(tmp_path: Path, estimator: str) -> None:
    test_words_tell_the_answer(trained(tmp_path, estimator=estimator))


@pytest.mark.slow
def test_words_tell_the_answer(logistic: VerifiedModel) -> None:
    model = logistic
    (notes, rooms) = model.manifest.features
    assert (notes.kind, notes.nullable, rooms.kind) == ("text", True, "integer")
    asked = [{"notes": GOOD, "rooms": 3}, {"notes": f"  {BAD.upper()}!", "rooms": 3}, {"notes": None, "rooms": 3}]
    assert [answer["prediction"] for answer in model.predict(asked)][:2] == ["yes", "no"]
    empty, missing = model.predict([{"notes": "", "rooms": 3}, asked[2]])
    assert empty == missing
    assert model.manifest.metrics["accuracy"] > 0.9
    assert model.manifest.omitted == {"onnx": 'ONNX Runtime finds the words of "notes" otherwise than scikit-learn'}
    assert b"any text of at most 10000 letters" in bytes(read_file(model.store, model.published, CARD))


def test_what_is_no_text_or_too_long_is_refused_by_its_path(logistic: VerifiedModel) -> None:
    model = logistic
    assert model.predict({"notes": "x" * LONGEST_PROSE, "rooms": 3})["prediction"] in ("yes", "no")
    for wrong in (7, True, ["a"], "x" * (LONGEST_PROSE + 1)):
        with pytest.raises(RowInvalid) as caught:
            model.predict({"notes": wrong, "rooms": 3})
        assert caught.value.errors == [("/data/notes", "notes must be a text of at most 10000 letters or null")]
    schema = model.parser.json_schema()
    assert {"maxLength": LONGEST_PROSE, "type": "string"} in schema["anyOf"][0]["properties"]["notes"]["anyOf"]


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "the target": ({"kinds": {"liked": "text"}}, 'calls its target "liked" text in kinds; of texts to answer the kind'),
    "not named": ({"kinds": {}, "exclude": []}, 'name it in kinds as "text" if its words shall count'),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_a_text_is_a_sentence(tmp_path: Path, name: str) -> None:
    keys, message = WRONG[name]
    FRAME.assign(notes=[f"{note} {i}" for i, note in enumerate(FRAME.notes)]).to_csv(tmp_path / "rows.csv", index=False)
    write(tmp_path, {"mine": {**SPEC, "estimator": LOGISTIC, **keys}})
    done = python("-m", "training", "--models", str(tmp_path / "models.json"))
    assert done.returncode == 1 and message in done.stderr


@pytest.mark.slow
def test_a_text_that_is_too_long_is_told_with_its_row(tmp_path: Path) -> None:
    FRAME.assign(notes=["a" * 10_001, *FRAME.notes[1:]]).to_csv(tmp_path / "rows.csv", index=False)
    write(tmp_path, {"mine": {**SPEC, "estimator": LOGISTIC}})
    done = python("-m", "training", "--models", str(tmp_path / "models.json"))
    assert 'column "notes" of rows.csv holds a text of 10001 letters in row 1; at most 10000 are allowed' in done.stderr
