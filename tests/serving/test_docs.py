"""The page of the calls: the model's features, without a script."""

from collections.abc import Callable

from brinery.loading.model import VerifiedModel
from tests.serving.conftest import serving

Models = Callable[..., VerifiedModel]


def test_docs_show_the_features_and_an_example_that_works_offline(models: Models) -> None:
    answer = serving(models("wine")).get("/docs")
    assert answer.headers["content-type"].startswith("text/html")
    for shown in ("POST /classify", "proline", "278 to 1680", "&quot;alcohol&quot;: 12.9", "openapi.json"):
        assert shown in answer.text
    assert "<script" not in answer.text and "//" not in answer.text
