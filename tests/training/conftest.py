"""One process for the check before publishing, shared by all tests that call `train` in this one."""

from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from brinery.loading.servable import ServingCheck


@pytest.fixture(scope="session")
def serving_check() -> Iterator[ServingCheck]:
    with ServingCheck() as check:
        yield check


@pytest.fixture(autouse=True)
def _shared_check(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.setattr("training.runs.ServingCheck", lambda: nullcontext(request.getfixturevalue("serving_check")))
