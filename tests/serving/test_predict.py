"""POST /predict: every task by one call, which for a classifier is that of /classify."""

from collections.abc import Callable
from typing import Any

import pytest

from brinery.loading.model import VerifiedModel
from tests.examples import frame
from tests.serving.conftest import EVENTS, Context, handling, problem_of, serving

ROW = [59.0, 2.0, 32.1, 101.0, 157.0, 93.2, 38.0, 4.0, 4.8598, 87.0]


@pytest.mark.parametrize("format", ["pickle", "onnx"])
def test_regressor_answers_numbers(models: Callable[..., VerifiedModel], format: str) -> None:
    client = serving(models("progress", format))
    names = list(frame("progress")[0].columns)
    for row in (ROW, dict(zip(names, ROW, strict=True)), [str(value) for value in ROW]):
        answer = client.request("POST", "/predict", json={"data": row})
        assert answer.status_code == 200 and set(answer.json()) == {"prediction", "model"}
        assert answer.json()["prediction"] == pytest.approx(206.6, abs=3)
    many = client.request("POST", "/invocations", json={"data": [ROW, ROW]}).json()
    assert [each["prediction"] for each in many["predictions"]] == pytest.approx([answer.json()["prediction"]] * 2)
    beyond = client.request("POST", "/predict", json={"data": [ROW, [200.0, *ROW[1:]]]}).json()
    assert beyond["warnings"][0]["path"] == "/data/1/0"


def test_classify_on_a_regressor_says_where_to_ask(models: Callable[..., VerifiedModel]) -> None:
    answer = serving(models("progress")).classify(ROW)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    detail = "the model's task is regression, not classification; ask it by POST /predict"
    assert answer.json()["detail"] == detail


def test_row_that_overflows_is_refused_and_the_others_are_answered(models: Callable[..., VerifiedModel]) -> None:
    client, far = serving(models("progress", "onnx")), [1e308, 2.0, 1e308, *ROW[3:]]
    answer = client.request("POST", "/predict", json={"data": [ROW, far]})
    assert problem_of(answer.content, 422)["errors"][0]["path"] == "/data/1"
    partly = client.request("POST", "/predict?partial=true", json={"data": [ROW, far, ROW]}).json()["predictions"]
    assert "prediction" in partly[0] and partly[1]["status"] == 422 and partly[2] == partly[0]


@pytest.mark.parametrize("name", ["wine", "alcohol", "mixed"])
def test_predict_of_a_classifier_is_classify(models: Callable[..., VerifiedModel], name: str) -> None:
    client = serving(models(name))
    example = client.get("/openapi.json").json()["paths"]["/classify"]["post"]["requestBody"]["content"]
    body = example["application/json"]["example"]
    answers = [client.request("POST", path, json=body) for path in ("/predict", "/classify", "/invocations")]
    assert {answer.status_code for answer in answers} == {200} and len({answer.text for answer in answers}) == 1


def test_pages_of_a_regressor_tell_its_own_call(models: Callable[..., VerifiedModel]) -> None:
    client = serving(models("progress"))
    document = client.get("/openapi.json").json()
    assert "/predict" in document["paths"] and "/classify" not in document["paths"]
    assert document["components"]["schemas"]["Answer"]["properties"] == {"prediction": {"type": "number"}}
    assert 'data-path="/predict"' in client.get("/docs").text
    body = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert client.request("POST", "/predict", json=body).status_code == 200


@pytest.mark.parametrize("shape", EVENTS)
def test_events_and_direct_invocations_reach_any_task(models: Callable[..., VerifiedModel], shape: str) -> None:
    handler: Any = handling(models("progress"))
    assert handler({"data": ROW}, Context())["statusCode"] == 200
    event = EVENTS[shape]('{"data": [59, 2, 32.1, 101, 157, 93.2, 38, 4, 4.8598, 87]}', path="/predict")
    assert '"prediction":' in handler(event, Context())["body"]
