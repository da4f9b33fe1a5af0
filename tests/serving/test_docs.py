"""The server's page as it is sent; `tests/browser` has what it does."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from brinery.errors import StoreUnavailable
from brinery.loading.model import VerifiedModel
from brinery.rows.feature import Feature
from serving.docs import MOST_FIELDS, render_docs
from tests.serving.conftest import serving

Models = Callable[..., VerifiedModel]


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_page_has_a_field_for_each_feature_and_names_nothing_outside(models: Models, path: str) -> None:
    answer = serving(models("wine")).get(path)
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/html")
    for shown in ("POST /classify", 'data-name="proline"', "278 to 1680", 'value="12.9"', "/openapi.json"):
        assert shown in answer.text
    assert "://" not in answer.text


def test_page_without_a_model_says_why_as_anybody_may_hear_it() -> None:
    text = serving(StoreUnavailable("s3://secret-bucket refused")).get("/").text
    assert "No model is served:" in text and "the registry cannot be read; the log says why" in text
    assert "secret" not in text and "<script" not in text and "<form" not in text


def test_page_stands_below_a_base_path(models: Models) -> None:
    text = render_docs(models("wine"), base="/prod")
    assert 'data-path="/prod/classify"' in text and 'href="/prod/model/card"' in text


def test_page_of_a_very_wide_model_has_no_form(models: Models) -> None:
    model = models("alcohol")
    many = tuple(Feature(name=f"x{i}", kind="number", minimum=0, maximum=1) for i in range(MOST_FIELDS + 1))
    manifest = model.manifest.model_copy(update={"features": many})
    text = render_docs(replace(model, published=replace(model.published, manifest=manifest)))
    assert f"The model has {MOST_FIELDS + 1} features" in text and "<script" not in text and "<form" not in text
