"""Classification: answers as they are made, written, read again and compared."""

import json
from typing import Any

import jsonschema
import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.linear_model import LogisticRegression

from brinery.tasks.classification import TOLERANCE, Answers, Classification
from brinery.tasks.interval import Interval

TASK = Classification(classes=("a", "b", "c"))
SHARES = np.array([[0.2, 0.3, 0.5], [0.6, 0.4, 0.0]])


def test_label_is_that_of_the_largest_probability_where_the_model_gives_none() -> None:
    answers = TASK.answers(None, SHARES)
    assert (answers.labels.tolist(), answers.indices.tolist(), len(answers)) == (["c", "a"], [2, 0], 2)


def test_label_that_the_model_gives_counts_whatever_the_probabilities() -> None:
    answers = TASK.answers(np.array(["b", "b"]), SHARES)
    assert (answers.labels.tolist(), answers.indices.tolist()) == (["b", "b"], [1, 1])


def test_first_of_tied_classes_wins() -> None:
    shares = np.array([[0.2, 0.4 - 1e-9, 0.4 + 1e-9]])
    assert TASK.answers(None, shares).labels.tolist() == ["c"]
    assert TASK.answers(None, shares, tie=1e-6).labels.tolist() == ["b"]


def test_answer_needs_labels_or_probabilities() -> None:
    with pytest.raises(ValueError, match="labels, probabilities or both"):
        TASK.answers(None, None)


@pytest.mark.parametrize(
    ("classes", "keys"),
    [(("a", "b"), ["a", "b"]), ((0, 1), ["0", "1"]), ((False, True), ["false", "true"]), ((-1, 10), ["-1", "10"])],
)
def test_answers_are_read_as_they_were_written(classes: tuple[Any, ...], keys: list[str]) -> None:
    task = Classification(classes=classes)
    answers = task.answers(None, np.array([[0.25, 0.75], [0.5, 0.5]]))
    written = json.loads(json.dumps(task.written(answers)))
    assert [each["prediction"] for each in written] == [classes[1], classes[0]]
    assert written[0]["probabilities"] == dict(zip(keys, [0.25, 0.75], strict=True))
    read = task.read(written)
    assert task.difference(answers, read).largest == 0
    assert read.labels.dtype == answers.labels.dtype
    for each in written:
        jsonschema.validate(each, task.answer_schema())


def test_answers_without_probabilities_are_written_without() -> None:
    answers = TASK.answers(np.array(["a"]), None)
    assert TASK.written(answers) == [{"prediction": "a"}]
    assert TASK.read([{"prediction": "a"}]).probabilities is None


@pytest.mark.parametrize(
    ("written", "error"),
    [
        ([{"prediction": "d"}], ValueError),
        ([{"prediction": 1}], ValueError),
        ([{}], KeyError),
        ([{"prediction": "a", "probabilities": {"a": 1, "b": 0}}], KeyError),
        ([{"prediction": "a", "probabilities": {"a": 1, "b": 0, "c": 0}}, {"prediction": "a"}], KeyError),
        ([{"prediction": "a", "probabilities": {"a": "x", "b": 0, "c": 0}}], ValueError),
    ],
    ids=str,
)
def test_what_are_no_answers_of_the_task_is_refused(written: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        TASK.read(written)


def test_some_of_the_rows_and_parts_joined_are_the_same_answers() -> None:
    answers = TASK.answers(None, SHARES)
    parts = [answers[:1], answers[np.array([1])]]
    assert [len(part) for part in parts] == [1, 1]
    joined = TASK.joined(parts)
    assert joined.probabilities is not None and np.array_equal(joined.probabilities, SHARES)
    assert joined.labels.tolist() == answers.labels.tolist()
    assert TASK.joined([TASK.answers(np.array(["a"]), None)] * 2).labels.tolist() == ["a", "a"]


def test_difference_is_within_the_tolerance_or_not() -> None:
    ours = TASK.answers(None, SHARES)

    def beside(shift: float) -> Any:
        return TASK.difference(ours, TASK.answers(None, SHARES + shift))

    assert beside(TOLERANCE / 2).alike and not beside(TOLERANCE * 2).alike
    assert beside(0.001).text == "0 of 2 get another label; a probability differs by 0.001 at most"
    assert beside(0.001).facts == {"other_label": 0, "largest_difference_of_a_probability": pytest.approx(0.001)}


def test_other_label_is_a_difference_whatever_the_probabilities() -> None:
    found = TASK.difference(TASK.answers(np.array(["a", "a"]), SHARES), TASK.answers(np.array(["a", "b"]), SHARES))
    assert (found.alike, found.largest, found.rows) == (False, 0, 2)


def test_probabilities_of_one_alone_are_a_difference() -> None:
    labels = np.array(["c", "a"])
    found = TASK.difference(TASK.answers(labels, SHARES), TASK.answers(labels, None))
    assert not found.alike and found.text.endswith("; only one of them gives probabilities")
    assert TASK.difference(TASK.answers(labels, None), TASK.answers(labels, None)).alike


def test_answers_of_other_classes_differ_by_their_labels_alone() -> None:
    other = Answers(np.array(["a", "c"]), np.array([[0.4, 0.6], [0.9, 0.1]]), given_indices=np.array([1, 0]))
    found = TASK.difference(TASK.answers(None, SHARES), other)
    assert (found.alike, found.largest, found.text) == (False, None, "0 of 2 get another label")


def test_row_without_a_finite_answer_is_named() -> None:
    shares = np.array([[1, 0, 0], [np.nan, 0, 1], [0, np.inf, 0]])
    assert list(TASK.unanswered(TASK.answers(None, shares))) == [1, 2]
    assert [list(TASK.unanswered(TASK.answers(None, shares[[row]]))) for row in (0, 1, 2)] == [[], [0], [0]]
    assert list(TASK.unanswered(TASK.answers(None, SHARES))) == []
    assert list(TASK.unanswered(TASK.answers(np.array(["a"]), None))) == []


def test_task_is_that_of_an_estimator_with_its_classes() -> None:
    fitted = LogisticRegression().fit([[0], [1], [2]], ["a", "b", "c"])
    assert TASK.is_of(fitted) and not Classification(classes=("a", "b")).is_of(fitted)


def test_task_needs_two_classes_and_no_key_more() -> None:
    with pytest.raises(ValidationError, match="at least 2 items"):
        Classification(classes=("a",))
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Classification.model_validate({"classes": ["a", "b"], "more": 1})
    assert TASK.text == "classification into a, b, c"


@pytest.mark.parametrize("classes", [(0.0, 1.0), (0, 1.0, 2), (None, 1), (b"a", b"b")], ids=repr)
def test_class_is_a_boolean_a_whole_number_or_a_text_and_becomes_no_other(classes: Any) -> None:
    with pytest.raises(ValueError, match="valid"):
        Classification(classes=classes)


@pytest.mark.parametrize("classes", [("a", "b", "c"), (0, 1, 2), (-1, 5, 7)])
def test_columns_are_the_answers_and_are_read_again(classes: Any) -> None:
    task = Classification(classes=classes)
    for answers in (task.answers(None, SHARES), task.answers(np.array(classes)[[2, 0]], None)):
        columns = task.columns(answers)
        names = [f"p_{label}" for label in classes] if answers.probabilities is not None else []
        assert list(columns) == ["prediction", *names]
        found = task.difference(answers, task.of_columns(columns))
        assert (found.alike, found.largest) == (True, 0.0 if names else None)


def test_columns_of_an_interval_are_the_labels_that_answers_hold() -> None:
    interval = Interval(level=0.9, quantile=0.65, rows=50, coverage=0.9)
    task = Classification(classes=("a", "b", "c"), interval=interval)
    answers = task.answers(None, SHARES)
    columns, written = task.columns(answers), task.written(answers)
    held = [[label for label in "abc" if columns[f"in_{label}"][row]] for row in range(len(SHARES))]
    assert held == [answer["labels"] for answer in written]
