"""Lines of counts, summed from logs as logs are: torn, doubled, out of order, with others among them."""

import random
from datetime import timedelta
from typing import Any

import pytest

from brinery.monitoring.lines import sum_lines
from brinery.versions.reference import Reference
from tests.brinery.monitoring.told import BEGIN, DIGEST, told, written

WINE = Reference.parse(f"wine:7@{DIGEST}")


def test_lines_are_summed_whatever_their_order_and_each_once() -> None:
    texts = [written(told(number, process)) for number in range(20) for process in ("p", "q")]
    doubled = [*texts, *texts[:7]]
    random.Random(0).shuffle(doubled)
    found = sum_lines(doubled, "wine")
    window = found.versions[WINE]
    assert (window.rows, window.requests, window.binned, window.lost, found.doubled) == (4000, 40, 4000, 0, 7)
    assert window.features == {"x": {3: [4000, 0, 0]}} and window.answers == {5: [4000, 0, 0, 0, 0]}
    assert (window.warnings, window.refused["422"], window.unfit["x"]) == (80, 40, 40)
    assert window.first == BEGIN and window.last == BEGIN + timedelta(minutes=20)


def test_what_a_log_puts_in_front_and_other_lines_are_no_matter() -> None:
    asked = f'INFO: 127.0.0.1:1 - "GET /healthz?{written(told(7))} HTTP/1.1" 200'
    texts = [
        "INFO: started",
        "serve-1  | " + written(told(0)) + "  ",
        '{"level": "INFO"}',
        "",
        "\x00\ud800",
        "{",
        asked,
    ]
    found = sum_lines(texts, "wine")
    assert found.versions[WINE].rows == 100 and found.unreadable == 0


BROKEN: dict[str, Any] = {
    "torn": written(told(0))[:-40],
    "no digest": written(told(0, digest="sha256:x")),
    "no number": written(told(0, line="0")).replace('"line":"0"', '"line":-1'),
    "counts below 0": written(told(0, bins={"rows": 1, "features": {"x": [-1]}, "answers": [1]})),
    "a moment without an offset": written(told(0, to="2026-11-01T12:00:00")),
    "more than anybody counts": written(told(0, Rows=10**400)),
    "a year that is none": written(told(0, to="0001-01-01T00:00:00+14:00")),
    "a day to come": written(told(0, to="9998-01-01T00:00:00Z")),
    "deep": '{"brinery":"counts",' + '"x":[' * 100_000,
    "a list of texts": written(told(0, refused=["422"])),
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_lines_that_cannot_be_read_are_counted(text: str) -> None:
    found = sum_lines([text, written(told(1))], "wine")
    assert found.unreadable == 1 and found.versions[WINE].rows == 100


def test_versions_and_models_are_kept_apart() -> None:
    other = f"sha256:{'b' * 64}"
    texts = [
        written(told(0)),
        written(told(0, "q", model="wine:8", digest=other)),
        written(told(0, "r", model="beer:1")),
    ]
    found = sum_lines(texts, "wine")
    assert {str(each): window.rows for each, window in found.versions.items()} == {
        f"wine:7@{DIGEST}": 100,
        f"wine:8@{other}": 100,
    }


def test_a_window_has_the_lines_that_were_printed_in_it() -> None:
    texts = [written(told(number)) for number in range(10)]
    found = sum_lines(texts, "wine", BEGIN + timedelta(minutes=3), BEGIN + timedelta(minutes=6), 60)
    window = found.versions[WINE]
    assert window.rows == 300 and window.lost == 0
    assert sorted(window.slices) == [BEGIN + timedelta(minutes=minute) for minute in (3, 4, 5)]
    assert {tally.binned for tally in window.slices.values()} == {100}


def test_rows_without_a_line_are_counted_as_lost() -> None:
    texts = [written(told(number)) for number in range(10) if number not in (4, 5)]
    window = sum_lines(texts, "wine").versions[WINE]
    assert (window.rows, window.lost) == (800, 200)


def test_parts_of_a_line_are_one_line() -> None:
    first = told(0)
    second = {**told(0), "part": 1, "bins": {"rows": 100, "features": {"y": [0, 100]}}}
    for name in ("Requests", "Rows", "Warnings", "refused", "unfit"):
        del second[name]
    window = sum_lines([written(first), written(second)], "wine").versions[WINE]
    assert window.features == {"x": {3: [100, 0, 0]}, "y": {2: [0, 100]}}
    assert (window.rows, window.binned, window.requests, window.lost) == (100, 100, 1, 0)


def test_bins_of_another_width_are_kept_apart() -> None:
    odd = told(1, bins={"rows": 9, "features": {"x": [9]}, "answers": [9]})
    window = sum_lines([written(told(0)), written(odd)], "wine").versions[WINE]
    assert window.features == {"x": {3: [100, 0, 0], 1: [9]}} and window.answers[5] == [100, 0, 0, 0, 0]
