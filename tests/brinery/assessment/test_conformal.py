"""Intervals: as wide as the method says, and so often right as its law has it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from brinery.assessment.classification import ClassificationAssessor
from brinery.assessment.conformal import calibrated
from brinery.assessment.predictions import Predictions
from brinery.assessment.regression import RegressionAssessor
from brinery.errors import DataInvalid
from brinery.tasks.classification import Classification
from brinery.tasks.regression import Estimates, Regression

TRIALS, HELD_OUT, ASKED = 3_000, 40, 20


@pytest.mark.parametrize(
    ("level", "rows", "place"),
    [
        (0.9, 9, 9),
        (0.9, 10, 10),
        (0.9, 19, 18),
        (0.9, 99, 90),
        (0.5, 1, 1),
        (0.8, 4, 4),
        (0.95, 19, 19),
        (0.99, 99, 99),
    ],
)
def test_quantile_is_the_score_that_the_method_names(level: float, rows: int, place: int) -> None:
    """⌈(rows + 1) · level⌉ of the rows have a score up to it."""
    scores = np.random.default_rng(0).permutation(np.arange(1.0, rows + 1))
    found = calibrated(scores, level, 0)
    assert (found.quantile, found.rows, found.level) == (place, rows, level)


@pytest.mark.parametrize(("level", "least"), [(0.5, 1), (0.8, 4), (0.9, 9), (0.95, 19), (0.99, 99), (0.999, 999)])
def test_too_few_rows_are_refused(level: float, least: int) -> None:
    assert np.isfinite(calibrated(np.arange(float(least)), level, 0).quantile)
    message = f"interval is {level:g}, for which at least {least} rows must be held out; {least - 1} are"
    with pytest.raises(DataInvalid, match=message):
        calibrated(np.arange(float(least - 1)), level, 0)


def test_coverage_is_of_folds_with_the_quantile_of_the_rest() -> None:
    scores = np.random.default_rng(1).exponential(size=1_000)
    found = calibrated(scores, 0.8, 0)
    assert 0.75 < found.coverage < 0.85 and calibrated(scores, 0.8, 0) == found
    one_by_one = calibrated(np.array([1.0, 2.0, 3.0, 4.0, 9.0]), 0.6, 0)  # of four others the third smallest
    assert one_by_one.coverage == pytest.approx(3 / 5)


def numbers(random: np.random.Generator, count: int) -> Predictions:
    """A model whose errors have another spread in each row."""
    truth = random.normal(size=count)
    return Predictions(truth, Estimates(truth + random.standard_t(3, size=count) * random.uniform(0.1, 2, count)))


def covered_numbers(calibration: Predictions, asked: Predictions, level: float) -> int:
    assessor = RegressionAssessor()
    found = calibrated(assessor.scores(calibration), level, 0)
    written = Regression(mean=0.0, deviation=1.0, interval=found).written(asked.answers)
    return sum(
        answer["interval"][0] <= truth <= answer["interval"][1]
        for answer, truth in zip(written, asked.truth.tolist(), strict=True)
    )


CLASSES = Classification(classes=("a", "b", "c", "d"))


def classes(random: np.random.Generator, count: int) -> Predictions:
    """A model that knows little, so that its own answer alone is right less often than any level here."""
    probabilities = random.dirichlet(np.ones(4) * 2, count)
    truth = (probabilities.cumsum(axis=1) > random.random((count, 1))).argmax(axis=1)
    return Predictions(CLASSES.labels[truth], CLASSES.answers(None, probabilities))


def covered_classes(calibration: Predictions, asked: Predictions, level: float) -> int:
    scores = ClassificationAssessor().scores(calibration)
    assert scores is not None
    task = CLASSES.model_copy(update={"interval": calibrated(scores, level, 0)})
    written = task.written(asked.answers)
    assert all(answer["prediction"] in answer["labels"] for answer in written)
    return sum(truth in answer["labels"] for answer, truth in zip(written, asked.truth.tolist(), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("level", [0.7, 0.9])
@pytest.mark.parametrize(("draw", "covered"), [(numbers, covered_numbers), (classes, covered_classes)])
def test_truth_is_held_so_often_as_the_law_of_the_method_says(
    level: float, draw: Callable[..., Predictions], covered: Callable[..., int]
) -> None:
    """Of new rows, the number whose answers hold the truth is beta-binomial: the calibration rows are drawn, too."""
    random = np.random.default_rng(int(100 * level))
    counts = np.zeros(ASKED + 1, dtype=int)
    for _ in range(TRIALS):
        both = draw(random, HELD_OUT + ASKED)
        calibration, asked = (Predictions(both.truth[rows], both.answers[rows]) for rows in SPLIT)
        counts[covered(calibration, asked, level)] += 1
    place = int(np.ceil((HELD_OUT + 1) * level - 1e-9))
    expected = TRIALS * stats.betabinom(ASKED, place, HELD_OUT + 1 - place).pmf(np.arange(ASKED + 1))
    few = int(np.argmax(expected.cumsum() > 10))  # the rarest counts as one
    found, law = (np.append(each[: few + 1].sum(), each[few + 1 :]) for each in (counts, expected))
    assert stats.chisquare(found, law).pvalue > 1e-4, (found, law.round())


SPLIT = (slice(0, HELD_OUT), slice(HELD_OUT, None))


def test_answers_say_what_they_hold() -> None:
    interval = calibrated(np.arange(10.0), 0.8, 0)  # the ninth score, 8
    task = Regression(mean=0.0, deviation=1.0, interval=interval)
    assert task.written(Estimates(np.array([1.5]))) == [{"prediction": 1.5, "interval": [-6.5, 9.5]}]
    assert task.answer_schema()["properties"]["interval"]["minItems"] == 2
    assert ("interval", "80 %: ± 8") in task.facts
    sets = CLASSES.model_copy(update={"interval": interval.model_copy(update={"quantile": 0.7})})
    probabilities = np.array([[0.4, 0.3, 0.2, 0.1], [0.25, 0.25, 0.25, 0.25]])
    written: list[dict[str, Any]] = sets.written(sets.answers(None, probabilities))
    assert [answer["labels"] for answer in written] == [["a", "b"], ["a"]]
    assert sets.answer_schema()["properties"]["labels"]["items"] == {"enum": ["a", "b", "c", "d"]}
    assert "labels" not in sets.written(sets.answers(np.array(["b"]), None))[0]
