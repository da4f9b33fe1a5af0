import numpy as np
import pytest

from brinery.assessment.columns.histogram import Histogram, histograms
from brinery.rows.feature import Feature


def of(values: list[object], kind: str, **facts: object) -> Histogram:
    category = kind == "category"
    if not category and "minimum" not in facts and kind != "boolean":
        numbers = np.array(values, dtype=np.float64)
        facts = {"minimum": float(np.nanmin(numbers)), "maximum": float(np.nanmax(numbers)), **facts}
    feature = Feature.model_validate({"name": "x", "kind": kind, **facts})
    array = np.array(values, dtype=object if category else np.float64).reshape(-1, 1)
    return histograms(array, (feature,))[0]


def test_histogram_of_numbers_counts_both_ends_and_what_is_missing() -> None:
    found = of([0.0, 0.5, 1.0, float("nan"), 2.0, 2.0], "number", nullable=True)
    assert found.binned and len(found.counts) == 20 and found.missing == 1
    assert sum(found.counts) == found.rows == 5
    assert (found.counts[0], found.counts[-1]) == (1, 2)
    assert (found.labels[0], found.labels[-1]) == ("0 to 0.1", "1.9 to 2")


def test_histogram_of_numbers_agrees_with_numpy() -> None:
    values = np.random.default_rng(0).normal(size=5000)
    found = of(list(values), "number")
    assert found.counts == tuple(np.histogram(values, bins=20)[0].tolist())


@pytest.mark.parametrize("values", [[-1.7e308, 0.0, 1.7e308], [0.0, 5e-324], [1e300, 1e300], [-3.0]])
def test_histogram_of_extreme_numbers_keeps_every_row(values: list[object]) -> None:
    assert of(values, "number").rows == len(values)


def test_histogram_of_few_whole_numbers_has_a_bar_a_value() -> None:
    found = of([2007.0, 2007.0, 2009.0], "integer")
    assert (found.labels, found.counts, found.binned) == (("2007", "2008", "2009"), (2, 0, 1), False)


def test_histogram_of_many_whole_numbers_has_bars_of_equally_many_values() -> None:
    found = of(list(map(float, range(50))), "integer")
    assert found.binned and set(found.counts[:-1]) == {3} and found.rows == 50
    assert (found.labels[0], found.labels[-1]) == ("0 to 2", "48 to 49")


def test_histogram_of_booleans_has_two_bars() -> None:
    found = of([1.0, 0.0, 1.0, float("nan")], "boolean", nullable=True)
    assert (found.labels, found.counts, found.missing) == (("true", "false"), (2, 1), 1)


def test_histogram_of_categories_has_the_most_frequent_first_and_the_others_last() -> None:
    values: list[object] = [f"c{k}" for k in range(12) for _ in range(12 - k)]
    found = of([*values, None], "category", categories=sorted(set(map(str, values))), nullable=True)
    assert found.labels == (*(f"c{k}" for k in range(8)), "4 others") and found.others == 4
    assert found.counts == (12, 11, 10, 9, 8, 7, 6, 5, 10) and found.missing == 1


def test_histogram_of_dates_tells_dates() -> None:
    assert of([0.0, 365.0], "date").labels[0].startswith("1970-01-01 to 1970-01-1")
