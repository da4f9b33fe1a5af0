"""The HTTP API: rows, answers, errors."""

import asyncio
import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from obstore.store import MemoryStore
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neighbors import RadiusNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from brinery.errors import DigestMismatch, StoreUnavailable
from brinery.formats.predictor import Predictor
from brinery.loading.golden import make_golden
from brinery.loading.load import load
from brinery.loading.model import VerifiedModel
from brinery.rows.feature import Feature
from brinery.versions.reference import Reference
from brinery.versions.store import Store
from serving.app import create_app
from serving.reason import NotSet
from serving.settings import Settings
from tests.conftest import overwrite
from tests.examples import answering, classes_of, content, pickled, publish_example, publish_files
from tests.serving.conftest import PUBLISHED, loader_of, problem_of, serving, strict_json

Models = Callable[..., VerifiedModel]
WINE = [14.23, 1.71, 2.43, 15.6, 127.0, 2.8, 3.06, 0.28, 2.29, 5.64, 1.04, 3.92, 1065.0]
MIXED = {"mass": 4500, "year": 2008, "tagged": True, "island": "Dream", "sex": "male"}


def small(estimator: Any, labels: list[Any]) -> VerifiedModel:
    """A published one-feature model with these labels for the rows 0, 1, 2, 3."""
    rows = np.array([[0.0], [1.0], [2.0], [3.0]])
    fitted = estimator.fit(rows, np.array(labels))
    golden = make_golden(rows.tolist(), *answering(fitted, rows))
    described = content(
        "small", (Feature(name="x", kind="number", minimum=0, maximum=3),), tuple(fitted.classes_.tolist())
    )
    store = Store(MemoryStore(), "memory:")
    return load(store, publish_files(store, described, {"model.joblib": pickled(fitted), "golden.json": golden}))


# Rows


@pytest.mark.parametrize("format", ["pickle", "onnx"])
@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("wine", WINE),
        ("wine", [str(value) for value in WINE]),
        ("wine", "by name"),
        ("alcohol", {"alcohol": 13.2}),
        ("alcohol", {"alcohol": "13.2"}),
        ("alcohol", [13.2]),
        ("alcohol", ["13.2"]),
        ("alcohol", 13.2),
        ("alcohol", 13),
        ("alcohol", "13.2"),
        ("alcohol", ".10"),
        ("alcohol", "1e1"),
        ("mixed", MIXED),
        ("mixed", list(MIXED.values())),
        ("mixed", {**MIXED, "mass": None, "sex": None}),
        ("mixed", {**MIXED, "mass": "4500", "year": "2008"}),
        ("mixed", {**MIXED, "year": 2008.0}),
        ("mixed", dict(reversed(MIXED.items()))),
    ],
)
def test_row_in_any_form_is_answered_alone_and_in_a_list(models: Models, format: str, name: str, row: Any) -> None:
    model = models(name, format)
    if row == "by name":
        row = dict(zip(model.parser.names, WINE, strict=True))
    client = serving(model)
    one = client.classify(row)
    assert one.status_code == 200, one.text
    answer = strict_json(one.text)
    assert answer["prediction"] in classes_of(model.task)
    assert type(answer["prediction"]) is type(classes_of(model.task)[0])
    assert set(answer["probabilities"]) == {str(label) for label in classes_of(model.task)}
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert answer["model"] == {"name": name, "version": 1}
    many = strict_json(client.classify([row, row]).text)
    assert many["model"] == answer["model"]
    for prediction in many["predictions"]:
        assert prediction["prediction"] == answer["prediction"]
        assert prediction["probabilities"] == pytest.approx(answer["probabilities"], abs=1e-6)


def test_rows_of_different_forms_in_one_list_are_answered(models: Models) -> None:
    answer = serving(models("alcohol")).classify([13.2, "13.2", [13.2], {"alcohol": 13.2}])
    assert len({json.dumps(prediction) for prediction in answer.json()["predictions"]}) == 1


@pytest.mark.parametrize(
    ("name", "row", "path", "message"),
    [
        ("alcohol", "NaN", "/data", "alcohol must be a finite number"),
        ("alcohol", "inf", "/data", "alcohol must be a finite number"),
        ("alcohol", "1e999", "/data", "alcohol must be a finite number"),
        ("alcohol", "١٢", "/data", "alcohol must be a finite number"),
        ("alcohol", "", "/data", "alcohol must be a finite number"),
        ("alcohol", " 1", "/data", "alcohol must be a finite number"),
        ("alcohol", "1_0", "/data", "alcohol must be a finite number"),
        ("alcohol", "0x1", "/data", "alcohol must be a finite number"),
        ("alcohol", "1" * 65, "/data", "alcohol must be a finite number"),
        ("alcohol", True, "/data", "alcohol must be a finite number"),
        ("alcohol", None, "/data", "alcohol must be a finite number"),
        ("alcohol", {"alcohol": None}, "/data/alcohol", "alcohol must be a finite number"),
        ("alcohol", 10**400, "/data", "alcohol must be a finite number"),
        ("alcohol", 1e308, "/data", "is too far from the training range for the model to answer"),
        ("alcohol", [13, 1e308], "/data/1", "is too far from the training range for the model to answer"),
        ("alcohol", {}, "/data/alcohol", "alcohol is missing"),
        ("alcohol", [], "/data", "must hold at least one row"),
        ("alcohol", [[]], "/data/0/0", "alcohol is missing"),
        ("alcohol", [[1, 2]], "/data/0", "has more than the 1 values of a row"),
        ("alcohol", [13, "x"], "/data/1", "alcohol must be a finite number"),
        ("alcohol", [13, {"beer": 1}], "/data/1/alcohol", "alcohol is missing"),
        ("alcohol", {"alcohol": 13, "beer": 1}, "/data/beer", "is not a feature of this model"),
        ("alcohol", {"alcohol": 13, "a/b~c": 1}, "/data/a~1b~0c", "is not a feature of this model"),
        ("wine", 13, "/data", "must be a row: an object by feature name, or a list of 13 values"),
        ("wine", "13", "/data", "must be a row: an object by feature name, or a list of 13 values"),
        ("wine", None, "/data", "must be a row: an object by feature name, or a list of 13 values"),
        ("wine", WINE[:-1], "/data/12", "proline is missing"),
        ("wine", [*WINE, 1], "/data", "has more than the 13 values of a row"),
        ("wine", [WINE, 13], "/data/1", "must be a row: an object by feature name, or a list of 13 values"),
        ("wine", [WINE, [*WINE[:-1], "x"]], "/data/1/12", "proline must be a finite number"),
        ("wine", [*WINE[:-1], [1]], "/data/12", "proline must be a finite number"),
        ("mixed", {**MIXED, "mass": "x"}, "/data/mass", "mass must be a finite number or null"),
        ("mixed", {**MIXED, "year": 2008.5}, "/data/year", "year must be a whole number"),
        ("mixed", {**MIXED, "year": "2008.5"}, "/data/year", "year must be a whole number"),
        ("mixed", {**MIXED, "year": None}, "/data/year", "year must be a whole number"),
        ("mixed", {**MIXED, "tagged": 1}, "/data/tagged", "tagged must be true or false"),
        ("mixed", {**MIXED, "tagged": "true"}, "/data/tagged", "tagged must be true or false"),
        ("mixed", {**MIXED, "tagged": None}, "/data/tagged", "tagged must be true or false"),
        ("mixed", {**MIXED, "island": "Elba"}, "/data/island", "island must be one of 'Biscoe', 'Dream', 'Torgersen'"),
        ("mixed", {**MIXED, "island": None}, "/data/island", "island must be one of 'Biscoe', 'Dream', 'Torgersen'"),
        ("mixed", {**MIXED, "sex": 1}, "/data/sex", "sex must be one of 'female', 'male' or null"),
    ],
)
def test_row_that_does_not_fit_is_refused_by_path(models: Models, name: str, row: Any, path: str, message: str) -> None:
    answer = serving(models(name)).classify(row)
    assert answer.headers["content-type"] == "application/problem+json"
    problem = problem_of(answer.content, 422)
    assert problem["detail"] == f"the input does not fit the features of {name}"
    assert {"path": path, "message": message} == problem["errors"][0]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400"])
def test_number_that_is_not_finite_is_refused(models: Models, number: str) -> None:
    for data, path in ((number, "/data"), (f"[{number}]", "/data/0"), (f'{{"alcohol": {number}}}', "/data/alcohol")):
        answer = serving(models("alcohol")).request("POST", "/classify", content=f'{{"data": {data}}}')
        assert problem_of(answer.content, 422)["errors"] == [
            {"path": path, "message": "alcohol must be a finite number"}
        ]


def test_value_outside_the_training_range_is_answered_with_a_warning(models: Models) -> None:
    client = serving(models("wine"))
    row = [99.0, *WINE[1:]]
    message = "alcohol is outside the training range 11.03 to 14.83"
    assert client.classify(row).json()["warnings"] == [{"path": "/data/0", "message": message}]
    assert client.classify([WINE, row]).json()["warnings"] == [{"path": "/data/1/0", "message": message}]
    named = dict(zip(models("wine").parser.names, row, strict=True))
    assert client.classify([named]).json()["warnings"] == [{"path": "/data/0/alcohol", "message": message}]
    assert serving(models("alcohol")).classify(99).json()["warnings"] == [{"path": "/data", "message": message}]
    assert "warnings" not in client.classify(WINE).json()


def test_warnings_are_at_most_ten(models: Models) -> None:
    assert len(serving(models("alcohol")).classify([99] * 1000).json()["warnings"]) == 10


def test_missing_value_is_no_warning(models: Models) -> None:
    assert "warnings" not in serving(models("mixed")).classify({**MIXED, "mass": None}).json()


# Labels and probabilities


@pytest.mark.parametrize(
    ("labels", "low", "keys"),
    [
        ([0, 0, 1, 1], 0, {"0", "1"}),
        ([-5, -5, 10**6, 10**6], -5, {"-5", "1000000"}),
        (["no", "no", "yes", "yes"], "no", {"no", "yes"}),
        (["1", "1", "2", "2"], "1", {"1", "2"}),
        (["Adélie", "Adélie", "日本", "日本"], "Adélie", {"Adélie", "日本"}),
        ([False, False, True, True], False, {"false", "true"}),
    ],
)
def test_label_comes_back_in_its_own_type(labels: list[Any], low: Any, keys: set[str]) -> None:
    answer = strict_json(serving(small(LogisticRegression(), labels)).classify(0).text)
    assert answer["prediction"] == low
    assert type(answer["prediction"]) is type(low)
    assert set(answer["probabilities"]) == keys


def test_rows_that_the_estimator_has_no_answer_for_are_named() -> None:
    client = serving(small(RadiusNeighborsClassifier(radius=0.3), ["no", "no", "yes", "yes"]))
    message = "is a row that the model has no answer for"
    assert client.classify(1).json()["prediction"] == "no"
    for data, paths in (([1.5], ["/data"]), ([0, 1.5, 2, 0.5, 3], ["/data/1", "/data/3"])):
        answer = client.classify(data)
        assert problem_of(answer.content, 422)["errors"] == [{"path": path, "message": message} for path in paths]
    assert len(client.classify([1.5] * 1000).json()["errors"]) == 10


def test_rows_without_an_answer_leave_the_others_theirs_where_that_is_asked_for() -> None:
    client = serving(small(RadiusNeighborsClassifier(radius=0.3), ["no", "no", "yes", "yes"]))

    def partly(data: Any, query: str = "true") -> Any:
        return client.request("POST", f"/classify?partial={query}", json={"data": data})

    content = partly([0, "x", 1.5, 99, 3, [1, 2]]).json()
    answers = content["predictions"]
    assert [answer.get("prediction") for answer in answers] == ["no", None, None, None, "yes", None]
    errors = [answer.get("errors") for answer in answers]
    assert [each and each[0]["path"] for each in errors] == [None, "/data/1", "/data/2", "/data/3", None, "/data/5"]
    for row in (1, 2, 3, 5):
        assert set(answers[row]) == {"type", "title", "status", "detail", "errors"}
        assert answers[row]["status"] == 422
    assert answers[2]["errors"][0]["message"].startswith("is too far from the training range")
    assert [warned["path"] for warned in content["warnings"]] == ["/data/3"]
    assert partly([0, 3]).json()["predictions"] == client.classify([0, 3]).json()["predictions"]
    assert [answer["status"] for answer in partly(["x", "y"]).json()["predictions"]] == [422, 422]
    assert [answer["status"] for answer in partly([1.5, 1.5]).json()["predictions"]] == [422, 422]
    whole: list[Any] = ["x", 1.5, [], {"a": 1}]
    for data in whole:
        problem_of(partly(data).content, 422)
    problem_of(partly([0, "x"], "false").content, 422)
    assert "partial must be true or false" in problem_of(partly([0], "yes").content, 400)["detail"]
    problem = problem_of(partly([1.5] * 101).content, 422)
    assert problem["errors"][0]["message"] == "holds more than 100 rows that the model has no answer for"


def test_model_that_answers_no_row_at_once_is_no_fault_of_a_row() -> None:
    """A prediction that raises for the rows together only."""
    model = small(LogisticRegression(), ["no", "no", "yes", "yes"])
    predictor = SimpleNamespace(predict=lambda rows: model.predictor.predict(rows) if len(rows) == 1 else int("x"))
    with pytest.raises(ValueError, match="invalid literal"):
        replace(model, predictor=cast(Predictor, predictor)).answer([0, 1], 10)


def test_probabilities_of_estimator_without_them_are_absent() -> None:
    client = serving(small(RidgeClassifier(), ["no", "no", "yes", "yes"]))
    assert client.classify(3).json() == {"prediction": "yes", "model": {"name": "small", "version": 1}}
    assert client.classify([0, 3]).json()["predictions"] == [{"prediction": "no"}, {"prediction": "yes"}]


# The error table


@pytest.mark.parametrize(
    ("request_of", "status", "title", "detail"),
    [
        (
            {"content": b"{"},
            400,
            "Bad Request",
            "the body must be JSON: EOF while parsing an object at line 1 column 1",
        ),
        (
            {"content": b'{"data": [{"x": 2, "x": -2}]}'},
            400,
            "Bad Request",
            'the body must be JSON with no name twice in an object: Detected duplicate key "x" at line 1 column 24',
        ),
        (
            {"content": b'{"data": 2, "data": -2}'},
            400,
            "Bad Request",
            'the body must be JSON with no name twice in an object: Detected duplicate key "data" at line 1 column 20',
        ),
        (
            {"content": b""},
            400,
            "Bad Request",
            "the body must be JSON: EOF while parsing a value at line 1 column 0",
        ),
        ({"path": "/nothing"}, 404, "Not Found", "there is nothing at this path"),
        ({"path": "/classify/"}, 404, "Not Found", "there is nothing at this path"),
        ({"method": "GET"}, 405, "Method Not Allowed", "this path does not take this method"),
        ({"method": "PUT"}, 405, "Method Not Allowed", "this path does not take this method"),
        ({"content": b" " * 2001}, 413, "Content Too Large", "the body is larger than 2000 bytes"),
        ({"json": {"data": [1] * 11}}, 413, "Content Too Large", "/data holds 11 rows; at most 10 are allowed"),
        (
            {"headers": {"content-type": "text/plain"}},
            415,
            "Unsupported Media Type",
            "the content-type must be application/json",
        ),
        (
            {"headers": {"content-type": "application/x-www-form-urlencoded"}},
            415,
            "Unsupported Media Type",
            "the content-type must be application/json",
        ),
        (
            {"headers": {"content-type": "application/json; charset=utf-16"}},
            415,
            "Unsupported Media Type",
            "the charset must be utf-8",
        ),
        (
            {"headers": {"content-encoding": "gzip"}, "content": gzip.compress(b'{"data": 13}')},
            415,
            "Unsupported Media Type",
            "the body must not be encoded; send it without a content-encoding",
        ),
        ({"json": {"data": "x"}}, 422, "Unprocessable Content", "the input does not fit the features of alcohol"),
        ({"json": {}}, 422, "Unprocessable Content", 'the body must be an object {"data": …}'),
        ({"json": []}, 422, "Unprocessable Content", 'the body must be an object {"data": …}'),
        ({"json": None, "content": b"null"}, 422, "Unprocessable Content", 'the body must be an object {"data": …}'),
        ({"json": {"data": 13, "x": 1}}, 422, "Unprocessable Content", 'the body must be an object {"data": …}'),
    ],
)
def test_error_is_a_problem_of_its_own(
    models: Models, request_of: dict[str, Any], status: int, title: str, detail: str
) -> None:
    sent = {"method": "POST", "path": "/classify", "headers": {"content-type": "application/json"}, **request_of}
    if "json" not in sent and "content" not in sent:
        sent["content"] = b'{"data": 13}'
    answer = serving(models("alcohol"), max_body_bytes=2000, max_rows=10).request(**sent)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = problem_of(answer.content, status)
    assert problem["title"] == title
    assert problem["detail"] == detail
    assert problem["type"] == f"urn:brinery:problem:{title.lower().replace(' ', '-')}"


def test_error_of_method_names_those_allowed(models: Models) -> None:
    assert serving(models("alcohol")).get("/classify").headers["allow"] == "POST"


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON; charset=UTF-8",
        "application/problem+json",
        "application/vnd.api+json",
        None,
    ],
)
def test_json_by_its_type_or_without_type_is_read(models: Models, content_type: str | None) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    answer = serving(models("alcohol")).request("POST", "/classify", content=b'{"data": 13}', headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("given", "kept"),
    [("abc-123", True), ("x" * 101, False), ("a b", False), ("<script>", False), ("", False)],
)
def test_request_id_of_the_caller_is_kept_where_it_is_safe(models: Models, given: str, kept: bool) -> None:
    answer = serving(models("alcohol")).get("/nothing", headers={"x-request-id": given})
    assert (problem_of(answer.content, 404)["request_id"] == given) is kept
    assert answer.json()["request_id"]


@pytest.mark.parametrize(
    "data",
    ["s3cret", ["s3cret"], [["s3cret"]], {"alcohol": "s3cret"}, [{"alcohol": "s3cret"}], {"alcohol": {"x": "s3cret"}}],
)
def test_error_never_repeats_a_value(models: Models, data: Any) -> None:
    answer = serving(models("alcohol")).classify(data)
    assert answer.status_code == 422
    assert "s3cret" not in answer.text


@pytest.mark.parametrize(
    "body", [b"s3cret", b'{"s3cret": 1}', b'"s3cret"', b'{"data": 1, "s3cret": 2}', b'{"data": s3}']
)
def test_error_never_repeats_the_body(models: Models, body: bytes) -> None:
    answer = serving(models("alcohol")).request("POST", "/classify", content=body)
    assert answer.status_code in (400, 422)
    assert "s3cret" not in answer.text


def test_error_with_the_longest_names_stays_small(models: Models) -> None:
    answer = serving(models("alcohol")).classify({f"{'😀' * 10_000}{i}": 1 for i in range(20)})
    problem_of(answer.content, 422)


# Without a model


@pytest.mark.parametrize("path", ["/readyz", "/ping", "/model/version", "/model/card"])
@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (NotSet("it lists …", "MODEL_NAME is not set; set it to …"), "MODEL_NAME is not set; set it to …"),
        (DigestMismatch("it is not the pinned one"), "the model could not be verified; the log says why"),
        (StoreUnavailable("no answer"), "the registry cannot be read; the log says why"),
    ],
    ids=["setting", "check", "store"],
)
def test_app_without_model_says_why(path: str, error: Any, detail: str) -> None:
    client = serving(error)
    for answer in (client.get(path), client.classify(13), client.request("POST", "/invocations", json={"data": 13})):
        problem = problem_of(answer.content, 503)
        assert problem["detail"] == detail
        assert int(answer.headers["retry-after"]) > 0
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/docs").status_code == 200
    assert client.get("/openapi.json").json()["info"]["title"] == "Brinery: no model yet"


# The other paths


def test_readyz_with_model_names_it(models: Models) -> None:
    ready = {"status": "ready", "model": {"name": "wine", "version": 1}}
    for path in ("/readyz", "/ping"):
        answer = serving(models("wine")).get(path)
        assert (answer.status_code, answer.json()) == (200, ready)


def test_invocations_answers_as_classify_does(models: Models) -> None:
    client = serving(models("wine"))
    assert client.request("POST", "/invocations", json={"data": WINE}).json() == client.classify(WINE).json()


def test_model_version_is_told_from_the_manifest(models: Models, published: PUBLISHED) -> None:
    model = models("wine", "onnx")
    answer = strict_json(serving(model).get("/model/version").text)
    assert answer["digest"] == f"sha256:{published[1]['wine'].digest}"
    assert (answer["name"], answer["version"], answer["pinned"], answer["format"]) == ("wine", 1, True, "onnx")
    assert answer["record"] is None
    assert answer["metrics"] == {"accuracy": 0.9}
    assert datetime.fromisoformat(answer["trained_at"]) == model.manifest.trained_at
    assert answer["libraries"] == dict(model.manifest.libraries)
    assert set(answer["cold_start_seconds"]) == {"import", "fetch", "verify", "load", "self_test"}
    assert "git_commit" in answer


def test_model_version_without_pin_says_so(published: PUBLISHED) -> None:
    store, references = published
    answer = serving(load(store, Reference("wine", 1))).get("/model/version").json()
    assert answer["pinned"] is False
    assert answer["digest"] == f"sha256:{references['wine'].digest}"


def test_model_card_is_served_as_stored(models: Models) -> None:
    answer = serving(models("wine")).get("/model/card")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.text == "<!doctype html><title>wine</title>"


def test_model_card_that_was_changed_is_not_served(folder_store: Store, caplog: pytest.LogCaptureFixture) -> None:
    reference = publish_example(folder_store, "alcohol")
    client = serving(load(folder_store, reference))
    overwrite(folder_store, f"{reference.folder}/card.html", b"<!doctype html><title>ALCOHOL</title>")
    answer = client.get("/model/card")
    detail = "the model card could not be read or verified; the log says why"
    assert problem_of(answer.content, 503)["detail"] == detail
    assert "does not have the sha256 that the manifest gives" in caplog.text
    assert [vars(record)["kind"] for record in caplog.records if record.levelname == "ERROR"] == ["integrity"]


def test_model_card_of_version_without_one_is_not_found() -> None:
    answer = serving(small(LogisticRegression(), [0, 0, 1, 1])).get("/model/card")
    assert problem_of(answer.content, 404)["detail"] == "the version has no model card"


# Dates


@pytest.fixture(scope="module")
def dated() -> VerifiedModel:
    """A published model of one date, which is missing at times: autumn 2007 is a, the year 2009 is b."""
    feature = Feature(name="seen", kind="date", nullable=True, minimum=13828, maximum=14579)
    rows = np.array([[13828.0], [13840.5], [14500.0], [14579.0]])
    fitted = DecisionTreeClassifier(random_state=0).fit(rows, list("aabb"))
    golden = make_golden(rows.tolist(), *answering(fitted, rows))
    store = Store(MemoryStore(), "memory:")
    files: Any = {"model.joblib": pickled(fitted), "golden.json": golden}
    return load(store, publish_files(store, content("dated", (feature,), ("a", "b")), files))


@pytest.mark.parametrize(
    ("seen", "prediction"),
    [
        ("2007-11-12", "a"),
        (13829, "a"),
        ("2009-12-01T00:00:00+01:00", "b"),
        (14578.5, "b"),
        ({"seen": "2009-12-01"}, "b"),
    ],
)
def test_dates_come_as_text_and_as_days(dated: VerifiedModel, seen: Any, prediction: str) -> None:
    answer = serving(dated).classify(seen).json()
    assert answer["prediction"] == prediction and "warnings" not in answer


def test_date_that_is_none_is_refused_with_what_is_allowed(dated: VerifiedModel) -> None:
    problem = problem_of(serving(dated).classify({"seen": "11.11.2007"}).content, 422)
    (error,) = problem["errors"]
    assert error["path"] == "/data/seen"
    assert "seen must be an ISO 8601 date or date-time such as '2007-11-11'" in error["message"]
    assert error["message"].endswith("or days since 1970-01-01, of the years 1 to 9999 or null")


def test_openapi_shows_dates_with_an_example_that_is_answered(dated: VerifiedModel) -> None:
    client = serving(dated)
    document = client.get("/openapi.json").json()
    seen = document["components"]["schemas"]["FeatureSeen"]
    assert [(kind["type"], kind.get("format")) for kind in seen["anyOf"]] == [
        ("number", None),
        ("string", "date"),
        ("string", "date-time"),
        ("null", None),
    ]
    assert "Training saw 2007-11-11 to 2009-12-01 (days since 1970-01-01: 13828 to 14579)" in seen["description"]
    example = document["paths"]["/classify"]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert example == {"data": {"seen": "2008-11-20"}}
    answer = client.request("POST", "/classify", json=example)
    assert answer.status_code == 200 and "warnings" not in answer.json()
    page = client.get("/docs").text
    assert "2007-11-11 to 2009-12-01 (days since 1970-01-01: 13828 to 14579)" in page


def test_client_that_goes_away_is_no_unexpected_error(models: Models, caplog: pytest.LogCaptureFixture) -> None:
    async def gone() -> dict[str, str]:
        return {"type": "http.disconnect"}

    sent = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/classify", "headers": [], "query_string": b""}
    app = create_app(loader_of(models("wine")), Settings("test:"))
    loop = asyncio.new_event_loop()  # asyncio.run would take away the loop that Mangum keeps for other tests
    loop.run_until_complete(app(scope, gone, send))
    loop.close()
    assert sent[0]["status"] == 400
    assert "unexpected" not in caplog.text
