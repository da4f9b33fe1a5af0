"""Headers: what a browser is told of every answer, by the app and as a Lambda function."""

import re
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from brinery.errors import StoreUnavailable
from brinery.loading.model import VerifiedModel
from tests.serving.conftest import Context, event_v2, handling, serving

Models = Callable[..., VerifiedModel]
CALLS = [
    ("GET", "/", None, 200),
    ("GET", "/docs", None, 200),
    ("GET", "/model/card", None, 200),
    ("GET", "/openapi.json", None, 200),
    ("GET", "/model/version", None, 200),
    ("GET", "/healthz", None, 200),
    ("GET", "/readyz", None, 200),
    ("POST", "/classify", '{"data": 13.1}', 200),
    ("POST", "/classify", '{"data": [' + "13.1," * 9_999 + "13.1]}", 200),
    ("POST", "/classify", '{"data": "x"}', 422),
    ("POST", "/classify", "x", 400),
    ("POST", "/docs", None, 405),
    ("GET", "/nothing", None, 404),
]
OWN = ("/", "/docs")  # which run what is in them, and ask their server alone
PAGES = (*OWN, "/model/card")


def asked(way: str, model: Any, method: str, path: str, body: str | None) -> tuple[int, dict[str, str], str]:
    """Status, headers and body by either way."""
    if way == "app":
        answer = serving(model).request(method, path, content=body)
        return answer.status_code, dict(answer.headers), answer.text
    found = handling(model)(event_v2(body, method, path), Context())
    return found["statusCode"], found["headers"], found["body"]


def policy(headers: dict[str, str]) -> dict[str, str]:
    """The directives of the Content-Security-Policy."""
    pairs = (each.strip().partition(" ") for each in headers["content-security-policy"].split(";"))
    return {name: value for name, _, value in pairs}


@pytest.mark.parametrize("way", ["app", "lambda"])
@pytest.mark.parametrize(("method", "path", "body", "status"), CALLS)
def test_every_answer_is_what_its_type_says_and_pages_have_a_policy(
    models: Models, way: str, method: str, path: str, body: str | None, status: int
) -> None:
    found, headers, _ = asked(way, models("alcohol"), method, path, body)
    assert found == status
    assert headers["x-content-type-options"] == "nosniff"
    if status == 200 and path in PAGES:
        assert headers["referrer-policy"] == "no-referrer"
        directives = policy(headers)
        assert directives["default-src"] == "'none'"
        more = {name for name in directives if name.startswith(("script-src", "connect-src", "frame-src"))}
        assert more == ({"script-src", "connect-src"} if path in OWN else set())
        assert directives["frame-ancestors"] == directives["form-action"] == directives["base-uri"] == "'none'"


@pytest.mark.parametrize("way", ["app", "lambda"])
def test_answer_without_model_has_them_too(way: str) -> None:
    for method, path, body, _ in CALLS:
        assert asked(way, StoreUnavailable("no"), method, path, body)[1]["x-content-type-options"] == "nosniff"


def test_event_that_is_none_is_answered_with_them() -> None:
    answer = handling(StoreUnavailable("no"))({"none": 1}, Context())
    assert (answer["statusCode"], answer["headers"]["x-content-type-options"]) == (400, "nosniff")


@pytest.mark.parametrize("way", ["app", "lambda"])
def test_card_is_sandboxed_and_runs_nothing(models: Models, way: str) -> None:
    _, headers, _ = asked(way, models("alcohol"), "GET", "/model/card", None)
    directives = policy(headers)
    assert directives["sandbox"] == ""
    assert set(directives) == {
        "sandbox",
        "default-src",
        "style-src",
        "img-src",
        "base-uri",
        "form-action",
        "frame-ancestors",
    }
    assert directives["img-src"] == "data:"


@pytest.mark.parametrize("model", ["alcohol", None])
def test_docs_page_keeps_to_its_policy(models: Models, model: str | None) -> None:
    _, headers, page = asked("app", models(model) if model else StoreUnavailable("no"), "GET", "/docs", None)
    directives = policy(headers)
    assert directives["connect-src"] == "'self'"
    for tag in ("style", "script"):
        for text in re.findall(f"<{tag}>(.*?)</{tag}>", page, re.S):
            assert directives[f"{tag}-src"] == f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
            page = page.replace(text, "")
    assert page.count("<style>") == 1 and page.count("<script>") == (model is not None)
    assert not re.search(r"<script\s|<link|<img|<iframe|\sstyle=|\son[a-z]+=|src=|action=|javascript:", page, re.I)
