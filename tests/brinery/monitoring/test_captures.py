"""Captures, gathered from logs as logs are: torn, doubled, out of order, with others among them."""

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from brinery.loading.load import load
from brinery.loading.model import VerifiedModel
from brinery.monitoring.captures import Captures, read_captures
from brinery.versions.reference import Reference
from brinery.versions.store import Store
from tests.brinery.monitoring.captured import captured
from tests.examples import WINE

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def wine(published: tuple[Store, dict[str, Reference]]) -> VerifiedModel:
    store, references = published
    return load(store, references["wine"])


def changed(line: str, **changes: Any) -> str:
    return json.dumps({**json.loads(line), **changes}, separators=(",", ":"))


def test_requests_are_gathered_whatever_the_order_of_their_lines(wine: VerifiedModel) -> None:
    lines = [line for number in range(5) for line in captured(wine, [WINE] * 1500, f"r{number}", "one", share=0.5)]
    assert len(lines) >= 10
    ordered = read_captures(lines, "wine", request="one")
    doubled = [*lines, *lines[:3], "INFO: started", lines[0][:-40]]
    random.Random(0).shuffle(doubled)
    found = read_captures(doubled, "wine", request="one")
    assert found.requests == ordered.requests and set(found.shares) == {0.5}
    assert found.lines == {"unreadable": 1, "doubled": 3, "contradicted": 0, "torn": 0}
    first = found.requests["r0"]
    assert first.whole and first.reference == wine.reference and first.client == "one" and first.format == wine.format
    assert [first.rows[place] for place in range(1500)] == [WINE] * 1500


def test_request_without_one_of_its_lines_keeps_the_rows_that_are_there(wine: VerifiedModel) -> None:
    lines = captured(wine, [WINE] * 3000, "torn")
    found = read_captures([lines[0], *lines[2:]])
    torn = found.requests["torn"]
    lost = len(json.loads(lines[1])["rows"])
    assert (len(torn.answers), torn.whole, found.torn) == (3000 - lost, False, 1) and not torn.rows
    assert found.notes == ["1 requests are not whole, as lines of them are missing"]


def test_window_and_model_and_id_choose(wine: VerifiedModel) -> None:
    lines = [line for hours in range(4) for line in captured(wine, WINE, f"r{hours}", at=NOW - timedelta(hours=hours))]

    def ids(**asked: Any) -> tuple[list[str], int]:
        found: Captures = read_captures(lines, **asked)
        return list(found.requests), found.seen

    assert ids(since=NOW - timedelta(hours=2, minutes=1)) == (["r0", "r1", "r2"], 3)
    assert ids(until=NOW - timedelta(hours=2, minutes=1)) == (["r3"], 1)
    assert ids(model="beer") == ([], 0) and ids(request="r1") == (["r1"], 4)


def test_lines_of_one_request_that_tell_different_things_are_left_out(wine: VerifiedModel) -> None:
    (line,) = captured(wine, WINE, "one")
    other = changed(line, answers=[{"prediction": 2}])
    for forged in (other, changed(line, client="me"), changed(line, digest=f"sha256:{'a' * 64}")):
        found = read_captures([line, forged, *captured(wine, WINE, "two")])
        assert list(found.requests) == ["two"] and found.contradicted == {"one"}
    assert found.notes == ["1 requests are left out, of which lines tell different things"]


BROKEN: dict[str, dict[str, Any]] = {
    "no digest": {"digest": "sha256:x"},
    "no id": {"request": "a b"},
    "a caller's id that no caller can give": {"client": "<script>"},
    "a row without an answer": {"answers": []},
    "no rows": {"rows": [], "answers": [], "of": 1},
    "rows beyond the request": {"first": 1},
    "several that are one": {"single": True, "of": 2},
    "a share of nothing": {"share": 0},
    "an answer that is none": {"answers": [3]},
    "a format that is none": {"format": "../x"},
    "a day to come": {"at": "9998-01-01T00:00:00Z"},
    "a moment without an offset": {"at": "2026-11-01T12:00:00"},
    "too many rows": {"of": 10**8},
}


@pytest.mark.parametrize("changes", BROKEN.values(), ids=BROKEN)
def test_lines_that_cannot_be_read_are_counted(wine: VerifiedModel, changes: dict[str, Any]) -> None:
    (line,) = captured(wine, WINE, "one")
    found = read_captures([changed(line, **changes), *captured(wine, WINE, "two")])
    assert found.unreadable == 1 and list(found.requests) == ["two"]


def test_line_that_a_caller_wrote_into_an_access_log_is_none(wine: VerifiedModel) -> None:
    (line,) = captured(wine, WINE, "one")
    deep = '{"brinery":"capture",' + '"x":[' * 100_000
    found = read_captures([f'INFO: 127.0.0.1:1 - "GET /{line} HTTP/1.1" 200', deep, "serve-1  | " + line])
    assert list(found.requests) == ["one"] and found.unreadable == 1
