"""Cards of regressors: few rows and many, far-off ones, counts; what is shown, and that no label meets another."""

import re
from functools import cache

import numpy as np
import pytest

from brinery.assessment.card.card import make_card
from brinery.assessment.columns.histogram import histograms
from brinery.assessment.evaluate import evaluate, measure
from brinery.assessment.predictions import Predictions
from brinery.assessment.regression import RegressionAssessor
from brinery.output.table import figure_text
from brinery.rows.feature import Feature
from brinery.tasks.regression import Estimates, Regression
from brinery.versions.manifest import TrainingData
from brinery.versions.reference import Reference
from tests.brinery.assessment.card.pictures.test_plots import check, pictures
from tests.examples import content

REGRESSION = RegressionAssessor()
FEATURES = (
    Feature(name="size", kind="number", minimum=-5, maximum=5, nullable=True),
    Feature(name="<b>town</b>", kind="category", categories=("a", "b", "c")),
    Feature(name="new", kind="boolean"),
    Feature(name="sold", kind="date", minimum=19000, maximum=20000),
)
TARGETS = {
    "few": 8,
    "some": 400,
    "many": 5_000,
    "far off": 2_000,
    "counts": 900,
    "one value": 30,
}


def target(name: str, random: np.random.Generator, x: np.ndarray) -> np.ndarray:
    match name:
        case "some":
            return 1e6 * x + 5e6
        case "many":
            return 1e-7 * x
        case "far off":
            return random.standard_cauchy(len(x)) * 1e3
        case "counts":
            return random.poisson(np.exp(x)).astype(float)
        case "one value":
            return np.full(len(x), 3.0)
    return x


@cache
def page(name: str) -> tuple[str, Predictions]:
    count = TARGETS[name]
    random = np.random.default_rng(0)
    rows = np.empty((count, 4), dtype=object)
    rows[:, 0] = random.normal(size=count)
    truth = target(name, random, rows[:, 0].astype(float))
    rows[::7, 0] = np.nan
    rows[:, 1] = random.choice(np.array(["a", "b", "c"], dtype=object), count)
    rows[:, 2], rows[:, 3] = (
        random.integers(0, 2, count).astype(float),
        random.integers(19000, 20001, count).astype(float),
    )
    spread = truth.std() or 1.0
    answered = truth + random.normal(scale=0.3 * spread, size=count) + np.where(rows[:, 1] == "b", 2 * spread, 0.0)
    predictions = Predictions(truth, Estimates(answered))
    described = content(
        "price",
        FEATURES,
        (0, 1),
        task=Regression(mean=0.0, deviation=spread),
        metrics=measure(REGRESSION, predictions),
        evaluation=evaluate(REGRESSION, predictions, truth, 0),
        data=TrainingData(
            source="x.csv", sha256="0" * 64, rows=2 * count, columns=5, train_rows=count, test_rows=count
        ),
        spec={"target": "price", "test_size": 0.5},
    )
    made = make_card(described, predictions, rows, histograms(rows, FEATURES), ())
    return made(Reference("price", 8)), predictions


@pytest.mark.parametrize("name", TARGETS)
def test_card_is_whole_and_small_and_its_labels_do_not_meet(name: str) -> None:
    text, predictions = page(name)
    assert len(text.encode()) < 100_000 and "nan" not in text.lower().replace("brinery-nan", "")
    found = pictures(text)
    assert [picture.findtext("title") for picture in found][:2] == ["Answers over the truth", "Errors"]
    for picture in found:
        check(picture)
    for metric, value in measure(REGRESSION, predictions).items():
        assert re.search(rf">{metric.replace('_', '_<wbr>')}<.*?{re.escape(figure_text(value))}", text, re.S), metric


def test_card_names_the_group_with_the_largest_errors() -> None:
    text, _ = page("some")
    rows = re.findall(r"<tr>.*?</tr>", text.partition("Errors by feature")[2], re.S)
    worst = " ".join(re.sub("<wbr>", "", re.sub("<(?!wbr)[^>]*>", " ", rows[1])).split())
    assert worst.startswith("&lt;b&gt;town&lt;/b&gt; b , "), worst
    assert "<b>town" not in text
    groups = re.findall(r"<small><bdi>(.*?)</bdi>, ", text)
    assert any(re.fullmatch(r"20\d\d-\d\d-\d\d to 20\d\d-\d\d-\d\d", group) for group in groups)


def test_card_says_what_holds_of_numbers() -> None:
    text, predictions = page("some")
    for sentence in (
        "it always answers the mean of the training rows, or their median where that is better",
        "Less is better of",
        "stratified by quantiles of the target",
        "answers beyond were not measured",
    ):
        assert sentence in " ".join(text.split()), sentence
    assert "A number from 4" in text and "picture leaves it out" not in text
    deciles = re.findall(r"<tr>", text.partition("Errors by the size of the target")[2].partition("</table>")[0])
    assert len(deciles) == 1 + 10
    assert "too high" in text  # by the answers of town b
    few = page("few")[0].partition("Errors by the size of the target")[2].partition("</table>")[0]
    assert few.count("<tr>") == 1 + 1


def test_far_off_rows_do_not_squeeze_the_others_and_are_counted() -> None:
    text, predictions = page("far off")
    beyond = re.search(r"([\d,]+) rows lie beyond", text)
    assert beyond and 0 < int(beyond[1].replace(",", "")) < 0.02 * len(predictions.truth)
    assert "beyond</text>" not in page("some")[0]
