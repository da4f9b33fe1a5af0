"""Reasons: each error's own text is in the log, and in no answer of the app."""

import inspect
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

import brinery.errors
from brinery.errors import BrineryError, RowInvalid, SettingInvalid
from brinery.formats.predictor import Predictor
from brinery.loading.model import VerifiedModel
from brinery.versions.store import Store
from serving.loader import Loader, boot, load_pinned
from serving.reason import NotSet, reason_of
from serving.settings import Settings
from tests.examples import publish_example
from tests.serving.conftest import Client, Context, event_v2, handling, problem_of, serving

CANARY = "s3://canary-bucket/canary-key"
ERRORS = [each for each in vars(brinery.errors).values() if inspect.isclass(each) and issubclass(each, BrineryError)]
PATHS = ("/readyz", "/ping", "/model/version", "/model/card", "/docs", "/openapi.json", "/healthz", "/nothing")


def made(kind: type[BrineryError]) -> BrineryError:
    return kind([("/data", CANARY)]) if issubclass(kind, RowInvalid) else kind(CANARY)


def everything(client: Client) -> str:
    """All that the app answers, headers too."""
    answers = [client.get(path) for path in PATHS]
    answers += [client.request("POST", path, json={"data": 13.1}) for path in ("/classify", "/invocations", "/readyz")]
    return "".join(f"{answer.headers}{answer.text}" for answer in answers)


@pytest.mark.parametrize("kind", ERRORS)
def test_error_of_the_load_is_told_by_its_kind_alone(
    kind: type[BrineryError], caplog: pytest.LogCaptureFixture
) -> None:
    error = made(kind)
    client = serving(error)
    assert "canary" not in everything(client)
    assert CANARY in caplog.text
    problem = problem_of(client.get("/readyz").content, 503)
    assert problem["detail"] == reason_of(error)
    assert "the log says" in reason_of(error) or "set it to" in reason_of(error)
    told = problem_of(handling(error)(event_v2('{"data": 13.1}'), Context())["body"], 503)
    assert told["detail"] == reason_of(error)


@pytest.mark.parametrize("kind", ERRORS)
def test_error_of_the_card_is_not_told(
    models: Callable[..., VerifiedModel], kind: type[BrineryError], caplog: pytest.LogCaptureFixture
) -> None:
    class Changed(VerifiedModel):
        def card(self) -> bytes:
            raise made(kind)

    model = models("alcohol")
    answer = serving(Changed(**{name: getattr(model, name) for name in model.__dataclass_fields__})).get("/model/card")
    assert answer.status_code in (404, 503)
    assert "canary" not in answer.text
    assert CANARY in caplog.text or answer.status_code == 404


@pytest.mark.parametrize("kind", [*(each for each in ERRORS if not issubclass(each, RowInvalid)), OSError, KeyError])
def test_error_of_an_answer_is_not_told(
    models: Callable[..., VerifiedModel], kind: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    model = models("alcohol")

    def fail_together(rows: Any) -> Any:
        if len(rows) > 1:
            raise kind(CANARY)
        return model.predictor.predict(rows)

    def fail(rows: Any) -> Any:
        raise kind(CANARY)

    for predict, status in ((fail_together, 500), (fail, 422)):
        client = serving(replace(model, predictor=cast(Predictor, SimpleNamespace(predict=predict))))
        answer = client.classify([13.1, 13.2])
        assert answer.status_code == status
        assert "canary" not in answer.text
        assert (CANARY in caplog.text) is (status == 500)
        caplog.clear()


@pytest.fixture
def log() -> Iterator[None]:
    """Gives the log back as it was before the service configured it."""
    logger = logging.getLogger("brinery")
    before = logger.handlers, logger.propagate, logger.level
    yield
    logger.handlers, logger.propagate, logger.level = before


@pytest.mark.usefixtures("log")
def test_settings_that_are_not_allowed_are_in_the_log_alone(capfd: pytest.CaptureFixture[str]) -> None:
    settings, loader = boot({"MAX_ROWS": "canary", "MODEL_REGISTRY": CANARY})
    with pytest.raises(Exception, match="a variable of the server has a value that is not allowed; the log says which"):
        loader.get()
    assert "MAX_ROWS is 'canary'" in capfd.readouterr().err
    assert settings == Settings(registry="")


@pytest.mark.parametrize(
    ("settings", "reason", "logged"),
    [
        ({}, "MODEL_VERSION is not set; set it to a version with its digest, such as 7@sha256:…", "MODEL_VERSION"),
        ({"model_version": "1"}, "MODEL_NAME is not set, and the registry has not one model alone; set it to", "wine"),
        ({"model_version": "77", "model_name": "wine"}, "the version is not in the registry", "wine:77"),
        ({"model_version": "1", "model_name": "canary"}, "the version is not in the registry", "canary:1"),
        ({"model_version": "canary", "model_name": "wine"}, "MODEL_NAME or MODEL_VERSION is not valid", "'canary'"),
        (
            {"model_version": "1", "model_name": "wine", "require_pin": True},
            "MODEL_VERSION has no digest",
            "REQUIRE_PIN",
        ),
    ],
)
def test_real_faults_tell_neither_registry_nor_models_nor_values(
    folder_store: Store, settings: dict[str, Any], reason: str, logged: str, caplog: pytest.LogCaptureFixture
) -> None:
    publish_example(folder_store, "wine"), publish_example(folder_store, "alcohol")
    loader = Loader(lambda: load_pinned(Settings(folder_store.url, **settings)))
    with pytest.raises(Exception) as caught:
        loader.get()
    assert str(caught.value).startswith(reason)
    assert logged in caplog.text
    for secret in (folder_store.url, "wine", "alcohol", "canary", "77", "REQUIRE_PIN"):
        assert secret not in str(caught.value)


def test_variable_that_is_not_set_is_named() -> None:
    assert reason_of(NotSet("a list", "MODEL_NAME is not set")) == "MODEL_NAME is not set"
    assert reason_of(SettingInvalid("MODEL_NAME is not set")) != "MODEL_NAME is not set"
