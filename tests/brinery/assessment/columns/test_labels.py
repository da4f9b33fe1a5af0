"""Labels: what a person should be told of their spelling."""

import pytest

from brinery.assessment.columns.labels import notes_on_labels
from tests.brinery.assessment.columns.values import series


@pytest.mark.parametrize("labels", [["yes", "yes "], ["Yes", "yes"], ["a  b", "a b"]])
def test_labels_that_differ_by_blanks_or_case_are_told(labels: list[str]) -> None:
    (note,) = notes_on_labels(series([*labels, "no"]).rename("ok"))
    shown = ", ".join(map(repr, sorted(labels)))
    assert note.startswith(f'the labels {shown} of "ok" differ by blanks or case alone, and are classes of their own;')


def test_labels_that_are_whole_numbers_with_a_fraction_are_told() -> None:
    (note,) = notes_on_labels(series([1.0, 2.0]).rename("ok"))
    assert note.startswith('the labels of "ok" are taken as whole numbers')


@pytest.mark.parametrize("labels", [[1, 2], [True, False], ["yes", "no"]])
def test_labels_that_differ_are_not_told(labels: list[object]) -> None:
    assert notes_on_labels(series(labels)) == []
