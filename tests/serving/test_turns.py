"""Turns: what waits for what, shown by predictors that wait and not by the clock."""

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import httpx
import numpy as np
import pytest

from brinery.formats.predictor import Predictor
from brinery.loading.model import VerifiedModel
from brinery.rows.feature import Feature
from brinery.rows.parser import RowParser
from serving.app import create_app
from serving.problem import Problem
from serving.settings import Settings
from serving.turns import WAITING, Turns, is_large
from tests.serving.conftest import loader_of

Models = Callable[..., VerifiedModel]
LARGE = {"data": [13.1] * 10_000}
SMALL = {"data": 13.1}


def watched(model: VerifiedModel, before: Callable[[np.ndarray], object]) -> VerifiedModel:
    """The model, whose predictor first calls `before` with the rows."""

    def predict(rows: np.ndarray) -> Any:
        before(rows)
        return model.predictor.predict(rows)

    return replace(model, predictor=cast(Predictor, SimpleNamespace(predict=predict)))


def together(model: VerifiedModel, *asked: Any) -> list[httpx.Response]:
    """The answers to requests that are sent at once, in their order; `asked` are bodies, or what makes a request."""
    app = create_app(loader_of(model), Settings("test:"))

    async def send() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:

            def request(each: Any) -> Coroutine[Any, Any, httpx.Response]:
                return each(client) if callable(each) else client.post("/classify", json=each)

            return list(await asyncio.gather(*(request(each) for each in asked)))

    return asyncio.get_event_loop().run_until_complete(send())


@pytest.mark.slow
def test_small_requests_are_answered_while_large_ones_are_under_way(models: Models) -> None:
    """The large ones have no answer before the small ones have theirs."""
    begun, answered, in_time = threading.Event(), threading.Event(), []

    def wait(rows: np.ndarray) -> None:
        if len(rows) > 1:
            begun.set()
            in_time.append(answered.wait(10))
            answered.set()

    async def small(client: httpx.AsyncClient) -> httpx.Response:
        while not begun.is_set():
            await asyncio.sleep(0.01)
        assert (await client.get("/healthz")).status_code == 200
        one = await client.post("/classify", json=SMALL)
        answered.set()
        return one

    *large, one = together(watched(models("alcohol"), wait), *[LARGE] * 8, small)
    assert all(in_time) and len(in_time) == 8
    assert one.status_code == 200 and "prediction" in one.json()
    assert [len(each.json()["predictions"]) for each in large] == [10_000] * 8


def test_large_requests_take_turns_in_one_thread_and_small_ones_need_none(models: Models) -> None:
    threads: dict[int, set[str]] = {1: set(), 10_000: set()}
    model = watched(models("alcohol"), lambda rows: threads[len(rows)].add(threading.current_thread().name))
    together(model, *[LARGE] * 4, *[SMALL] * 4)
    assert threads == {1: {threading.main_thread().name}, 10_000: {"large_0"}}


@pytest.mark.slow
def test_too_many_large_requests_are_refused_and_small_ones_are_not(models: Models) -> None:
    refused = threading.Event()

    async def ask(client: httpx.AsyncClient) -> httpx.Response:
        answer = await client.post("/classify", json=LARGE)
        if answer.status_code == 503:
            refused.set()
        return answer

    async def small(client: httpx.AsyncClient) -> httpx.Response:
        while not refused.is_set():
            await asyncio.sleep(0.01)
        return await client.post("/classify", json=SMALL)

    def wait(rows: np.ndarray) -> None:
        if len(rows) > 1:
            refused.wait(10)
            refused.set()

    model = watched(models("alcohol"), wait)
    *large, one = together(model, *[ask] * (WAITING + 3), small)
    assert one.status_code == 200
    assert sorted(each.status_code for each in large) == [200] * WAITING + [503] * 3
    (problem,) = {each.json()["detail"] for each in large if each.status_code == 503}
    assert problem == "too many large requests at once"
    assert all(each.headers["retry-after"] == "5" for each in large if each.status_code == 503)


def test_turn_that_failed_makes_room() -> None:
    turns = Turns()

    def fail() -> None:
        raise Problem(422, "no")

    async def ask() -> None:
        for _ in range(2 * WAITING):
            with pytest.raises(Problem, match="no"):
                await turns.take(fail)

    asyncio.get_event_loop().run_until_complete(ask())


def test_one_row_is_small_however_wide_it_is(models: Models) -> None:
    features = [Feature(name=f"column {each}", kind="number", minimum=0, maximum=1) for each in range(500)]
    wide = replace(models("alcohol"), parser=RowParser(features))
    row = json.dumps({"data": {feature.name: 0.12345678901234567 for feature in features}})
    assert len(row) > 15_000
    assert not is_large(len(row), wide)
    assert is_large(len(row), models("alcohol"))
    assert is_large(40 * len(row), wide)
