"""Answers: from bytes to a status and a JSON object, without HTTP."""

import gc
import json
from collections.abc import Iterator
from dataclasses import replace
from threading import Thread
from types import SimpleNamespace
from typing import Any, cast

import pytest

from brinery.formats.predictor import Predictor
from brinery.loading.load import load
from brinery.loading.model import VerifiedModel
from brinery.versions.reference import Reference
from brinery.versions.store import Store
from serving.answer import PIECE, SMALL, answer, as_json, identity


@pytest.fixture(scope="module")
def model(published: tuple[Store, dict[str, Reference]]) -> VerifiedModel:
    store, references = published
    return load(store, references["alcohol"])


def ask(model: VerifiedModel, body: Any, max_rows: int = 10) -> tuple[int, dict[str, Any]]:
    return answer(model, body if isinstance(body, bytes) else json.dumps(body).encode(), max_rows)


def test_one_row_gets_one_answer_and_the_version_that_gave_it(model: VerifiedModel) -> None:
    status, content = ask(model, {"data": 13.2})
    assert (status, content["model"]) == (200, {"name": "alcohol", "version": 1})
    assert content["prediction"] in (0, 1, 2) and set(content["probabilities"]) == {"0", "1", "2"}
    assert identity(model) == content["model"]


def test_list_of_rows_gets_a_list_in_its_order(model: VerifiedModel) -> None:
    alone = [ask(model, {"data": row})[1]["prediction"] for row in (11.5, 14.5)]
    status, content = ask(model, {"data": [11.5, 14.5]})
    assert (status, [each["prediction"] for each in content["predictions"]]) == (200, alone)
    assert "prediction" not in content and "warnings" not in content


def test_value_outside_the_training_range_is_answered_with_a_warning(model: VerifiedModel) -> None:
    status, content = ask(model, {"data": [12, 99]})
    assert status == 200
    assert [warning["path"] for warning in content["warnings"]] == ["/data/1"]


@pytest.mark.parametrize(
    ("body", "status", "path"),
    [
        (b"", 400, None),
        (b"\xff{", 400, None),
        (b'{"data": 1', 400, None),
        ([1], 422, "/data"),
        ({}, 422, "/data"),
        ({"data": 1, "more": 2}, 422, ""),
        ({"data": "much"}, 422, "/data"),
        ({"data": [1, None]}, 422, "/data/1"),
        ({"data": [1] * 11}, 413, None),
    ],
    ids=str,
)
def test_what_cannot_be_answered_is_a_problem(model: VerifiedModel, body: Any, status: int, path: str | None) -> None:
    found, content = ask(model, body)
    assert (found, content["status"]) == (status, status)
    assert content.get("errors", [{"path": None}])[0]["path"] == path


@pytest.mark.parametrize("count", [1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 7])
def test_json_that_is_written_in_pieces_is_the_same(model: VerifiedModel, count: int) -> None:
    _, content = ask(model, {"data": [13.2, *[99.5] * (count - 1)]}, count)
    assert as_json(content).decode() == json.dumps(content, separators=(",", ":"))
    assert len(content.get("predictions", [content])) == count


@pytest.mark.usefixtures("collector")
def test_collector_runs_again_after_the_last_of_several_answers(model: VerifiedModel) -> None:
    """Threads: one begins before another and ends after it, and the other way round."""
    seen: list[bool] = []

    def predict(rows: Any) -> Any:
        if not seen:
            seen.append(gc.isenabled())
            other = Thread(target=ask, args=(model, large({"data": 13.2})))
            other.start()
            other.join()
            seen.append(gc.isenabled())
        return model.predictor.predict(rows)

    watched = replace(model, predictor=cast(Predictor, SimpleNamespace(predict=predict)))
    ask(watched, large({"data": 13.2}))
    assert seen == [False, False]
    assert gc.isenabled()


def large(body: Any) -> bytes:
    """The same, of more bytes than are answered with the collector running."""
    return json.dumps(body).encode() + b" " * SMALL


@pytest.fixture
def collector() -> Iterator[None]:
    """Python's collector, running, whatever was done to it before; afterwards as it was found."""
    collecting = gc.isenabled()
    gc.enable()
    yield
    (gc.enable if collecting else gc.disable)()


@pytest.mark.usefixtures("collector")
@pytest.mark.parametrize("body", [{"data": 13.2}, {"data": "much"}], ids=["answered", "refused"])
def test_collector_is_left_as_it_was(model: VerifiedModel, body: Any) -> None:
    gc.enable()
    ask(model, large(body))
    assert gc.isenabled()
    gc.disable()
    ask(model, large(body))
    assert not gc.isenabled()
