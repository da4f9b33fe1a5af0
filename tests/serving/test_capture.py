"""Captures: rows and answers of a share of the requests, wherever they go, and whatever becomes of them there."""

import json
import os
import random
import re
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from brinery.loading.model import VerifiedModel
from serving import log_group
from serving.answer import answer
from serving.capture import LINE, Capture
from serving.writer import Writer
from tests.conftest import free_port, python, s3_service
from tests.examples import WINE, publish_example
from tests.lambda_runtime import emulator
from tests.serving.conftest import Context, event_v2, handling, serving
from tests.serving.log_service import log_service
from tests.serving.served import Served, serving_process
from tests.waiting import wait_until

Models = Callable[..., VerifiedModel]
MIXED = {"mass": 4321.0625, "year": 2008, "tagged": True, "island": "Biscoe", "sex": None}


class Capturing:
    """A capture of a model's answers, and its lines."""

    def __init__(self, model: VerifiedModel, share: float = 1.0) -> None:
        self.model, self.lines = model, list[str]()
        self.capture = Capture(share, out=self.lines.extend)

    def ask(self, data: Any, partial: bool = False, client: str | None = None) -> tuple[dict[str, Any], list[Any]]:
        """The answer, and the lines that came of it."""
        body, before = json.dumps({"data": data}).encode(), len(self.lines)
        status, content = answer(self.model, body, 10_000, partial)
        assert status == 200, content
        captured = self.capture.draw(None, client)
        assert captured is not None
        captured.take(self.model, body, content)
        self.capture.end()
        return content, [json.loads(line) for line in self.lines[before:]]


def test_line_holds_the_row_as_it_was_sent_and_the_answer_as_it_is_written(models: Models) -> None:
    model = models("mixed", "onnx")
    content, (line,) = Capturing(model).ask(MIXED, client="order-17")
    assert line.pop("request") and line.pop("at").endswith("Z")
    assert line == {
        "brinery": "capture",
        "client": "order-17",
        "share": 1.0,
        "model": "mixed:1",
        "digest": f"sha256:{model.reference.digest}",
        "format": "onnx",
        "single": True,
        "of": 1,
        "first": 0,
        "rows": [MIXED],
        "answers": [{"prediction": content["prediction"], "probabilities": content["probabilities"]}],
    }


def test_refused_row_of_a_partial_answer_is_there_with_its_problem_and_never_stops_a_line(models: Models) -> None:
    capturing = Capturing(models("wine"))
    body = json.dumps({"data": [WINE, ["x"], [float("nan")], WINE]}).encode()
    status, content = answer(capturing.model, body, 10, partial=True)
    captured = capturing.capture.draw(None, None)
    assert status == 200 and captured is not None
    captured.take(capturing.model, body, content)
    capturing.capture.end()
    (line,) = map(json.loads, capturing.lines)
    assert (line["rows"], line["of"]) == ([WINE, ["x"], None, WINE], 4)
    assert [each.get("status") for each in line["answers"]] == [None, 422, 422, None]


def test_many_rows_have_several_lines_that_fit_together(models: Models) -> None:
    content, lines = Capturing(models("wine")).ask([WINE] * 10_000)
    assert len(lines) > 5 and max(len(json.dumps(line)) for line in lines) < LINE * 1.3
    assert [line["first"] for line in lines] == [
        sum(len(each["rows"]) for each in lines[:i]) for i in range(len(lines))
    ]
    assert {line["of"] for line in lines} == {10_000} and len({line["request"] for line in lines}) == 1
    assert [row for line in lines for row in line["rows"]] == [WINE] * 10_000
    assert [each for line in lines for each in line["answers"]] == content["predictions"]


def test_share_of_requests_is_drawn(models: Models) -> None:
    random.seed(0)
    capture = Capture(0.1, out=print)
    drawn = [capture.draw("given", None) for _ in range(10_000)]
    requests = [each.request for each in drawn if each]
    assert 900 < len(requests) < 1100 and set(requests) == {"given"}


def test_captured_answer_says_our_id_and_no_other_does(models: Models) -> None:
    client = serving(models("wine"), capture=1.0)
    first, second = (
        client.request("POST", "/classify", json={"data": WINE}, headers={"x-request-id": "one"}) for _ in "ab"
    )
    assert first.headers["x-request-id"] != second.headers["x-request-id"] != "one"
    assert "x-request-id" not in client.classify(["x"]).headers
    assert "x-request-id" not in serving(models("wine")).classify(WINE).headers
    event = event_v2(json.dumps({"data": WINE}))
    assert handling(models("wine"), capture=1.0)(event, Context())["headers"]["x-request-id"] == Context.aws_request_id


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("capture")
    with serving_process(folder, {"CAPTURE": "1", **published_wine(folder)}) as running:
        yield running


def published_wine(folder: Path) -> dict[str, str]:
    from brinery.versions.store import open_store

    store = open_store((folder / "registry").as_uri(), create=True)
    return {
        "MODEL_REGISTRY": store.url,
        "MODEL_NAME": "wine",
        "MODEL_VERSION": publish_example(store, "wine").version_text,
    }


def lines_of(server: Served, response: httpx.Response) -> list[dict[str, Any]]:
    """All that the log has of an answered request."""
    found: list[dict[str, Any]] = []

    def there() -> bool:
        texts = [text for text in server.log.read_text().split("\n")[:-1] if text.startswith('{"brinery":"capture"')]
        found[:] = [line for text in texts if (line := json.loads(text))["request"] == response.headers["x-request-id"]]
        return bool(found) and sum(len(line["rows"]) for line in found) == found[0]["of"]

    wait_until(there, 30, server.log.read_text)
    return found


@pytest.mark.parametrize(
    ("given", "kept"),
    [("order-17", "order-17"), ("a b", None), ("é'\"{<".encode("latin-1"), None), ("x" * 101, None), ("", None)],
)
def test_server_logs_the_callers_id_where_it_is_plain(server: Served, given: str | bytes, kept: str | None) -> None:
    headers = [(b"x-request-id", given if isinstance(given, bytes) else given.encode())]
    (line,) = lines_of(server, server.client.post("/classify", json={"data": WINE}, headers=headers))
    assert line["client"] == kept and line["rows"] == [WINE]


def test_server_logs_rows_of_each_media_and_size(server: Served) -> None:
    def invoke(body: str, media: str, **more: Any) -> list[dict[str, Any]]:
        headers = {"content-type": media}
        return lines_of(server, server.client.post("/invocations", content=body, headers=headers, **more))

    cells = ",".join(map(str, WINE))
    assert [line["rows"] for line in invoke(f"{cells}\n{cells}\n", "text/csv")] == [[list(map(str, WINE))] * 2]
    row = json.dumps(WINE)
    (line,) = invoke(f"{row}\n[1]\n", "application/jsonlines", params={"partial": "true"})
    assert line["rows"] == [WINE, [1]] and line["answers"][1]["status"] == 422
    many = server.client.post("/predict", json={"data": [WINE] * 10_000})
    lines = lines_of(server, many)
    assert [each for line in lines for each in line["answers"]] == many.json()["predictions"]


@pytest.mark.slow
def test_server_writes_what_waits_at_its_end(tmp_path: Path) -> None:
    with serving_process(tmp_path, {"CAPTURE": "1", **published_wine(tmp_path)}) as server:
        answered = server.client.post("/predict", json={"data": [WINE] * 5000})
        os.kill(server.pid, signal.SIGTERM)
    captured = [text for text in server.log.read_text().split("\n") if answered.headers["x-request-id"] in text]
    assert sum(len(json.loads(text)["rows"]) for text in captured) == 5000


def test_broken_writing_costs_no_answer_and_is_said(models: Models, caplog: pytest.LogCaptureFixture) -> None:
    def broken(lines: Sequence[str]) -> None:
        raise OSError("no space left")

    model, capture = models("wine"), Capture(1.0, out=broken)
    body = json.dumps({"data": WINE}).encode()
    for _ in range(3):
        captured = capture.draw(None, None)
        assert captured is not None
        captured.take(model, body, answer(model, body, 1)[1])
        capture.end()
        captured.take(model, b"{}", {})  # no body of this app
    said = [record.getMessage() for record in caplog.records if record.name == "brinery.serving"]
    unusable = "a request could not be captured"
    assert said == ["1 captured lines are lost: OSError: no space left", *[unusable] * 3]


@pytest.mark.slow
def test_server_answers_where_nobody_reads_its_output(tmp_path: Path) -> None:
    with serving_process(tmp_path, {"CAPTURE": "1", **published_wine(tmp_path)}, unread=True) as server:
        for _ in range(3):
            assert server.client.post("/classify", json={"data": WINE}).status_code == 200
        wait_until(lambda: "captured lines are lost: BrokenPipeError" in server.log.read_text())


@pytest.mark.slow
def test_nothing_of_capture_is_imported_where_it_is_off(models: Models) -> None:
    code = (
        "import sys; from serving.app import create_app; from serving.settings import read_settings;"
        "create_app(None, read_settings({'CAPTURE': sys.argv[1], 'CAPTURE_LOG_GROUP': 'captures'}));"
        "new = ('serving.capture', 'serving.writer', 'serving.log_group', 'boto3');"
        "print(*(each for each in new if each in sys.modules))"
    )
    assert python("-c", code, "0").stdout.split() == []
    assert python("-c", code, "0.1").stdout.split() == ["serving.capture", "serving.writer", "serving.log_group"]


def asked(model: VerifiedModel, group: str = "captures") -> dict[str, Any]:
    """What a function answers that captures into a log group."""
    handler = handling(model, capture=1.0, capture_log_group=group)
    return handler(event_v2(json.dumps({"data": WINE})), Context())


def test_function_has_written_before_it_answers(models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within bounds that no busy machine reaches; what happens beyond them is the next tests'."""
    monkeypatch.setattr(Writer.flush, "__defaults__", (60.0,))
    monkeypatch.setattr(log_group, "SECONDS", 60)
    with log_service(seconds=0.2) as service:
        monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", service.endpoint)
        assert asked(models("wine"))["statusCode"] == 200
        assert service.calls == ["CreateLogStream", "PutLogEvents"]
        assert [line["request"] for line in service.lines] == [Context.aws_request_id]


def test_function_answers_where_the_log_group_refuses(
    models: Models, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with log_service(refusal="AccessDeniedException") as service:
        monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", service.endpoint)
        handler = handling(models("wine"), capture=1.0, capture_log_group="captures")
        for _ in range(3):
            assert handler(event_v2(json.dumps({"data": WINE})), Context())["statusCode"] == 200
        assert service.calls == ["CreateLogStream"]  # the others are let go for a while
    assert re.search("[123] captured lines are lost: StoreUnavailable: write log group captures", caplog.text)


@pytest.mark.slow
def test_function_answers_where_the_log_group_hangs_or_is_not_there(
    models: Models, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with log_service(seconds=600) as service:
        monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", service.endpoint)
        assert asked(models("wine"))["statusCode"] == 200
        wait_until(lambda: "captured lines are lost: StoreUnavailable" in caplog.text)
        assert service.calls == ["CreateLogStream"]
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", f"http://127.0.0.1:{free_port()}")
    assert asked(models("wine"))["statusCode"] == 200


def test_lines_of_many_rows_are_put_in_calls_that_cloudwatch_takes(
    models: Models, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from serving.log_group import LogGroup

    with log_service() as service:
        monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", service.endpoint)
        LogGroup("captures")(['{"a":"%s"}' % ("x" * size) for size in (600_000, 600_000, 2_000_000, 5)])  # noqa: UP031
        assert service.calls == ["CreateLogStream", "PutLogEvents", "PutLogEvents"]
        assert [len(line["a"]) for line in service.lines] == [600_000, 600_000, 5]
    assert "1 captured lines are lost: CloudWatch takes none of more than" in caplog.text


@pytest.mark.slow
def test_function_captures_into_a_log_group_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the real runtime, and the local service."""
    variables = published_wine(tmp_path)
    with s3_service(tmp_path, "s3,sts,logs") as endpoint:
        client = boto3.client("logs", region_name="us-east-1", endpoint_url=endpoint)
        client.create_log_group(logGroupName="captures")
        more = {"CAPTURE": "1", "CAPTURE_LOG_GROUP": "captures", "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": endpoint}
        with emulator({**variables, **more}, log=tmp_path / "log") as invoke:
            answers = [invoke(event_v2(json.dumps({"data": [WINE] * count}))) for count in (1, 3000)]
        ids = [each["headers"]["x-request-id"] for each in answers]
        found = client.filter_log_events(logGroupName="captures", filterPattern='{ $.brinery = "capture" }')["events"]
        lines = [json.loads(event["message"]) for event in found]
        assert [sum(len(line["rows"]) for line in lines if line["request"] == each) for each in ids] == [1, 3000]
        (stream,) = client.describe_log_streams(logGroupName="captures")["logStreams"]
        assert stream["logStreamName"].count("/") == 3
        with emulator({**variables, **more, "CAPTURE_LOG_GROUP": "none"}, log=tmp_path / "log") as invoke:
            assert invoke(event_v2(json.dumps({"data": WINE})))["statusCode"] == 200
    assert '"brinery":"capture"' not in (tmp_path / "log").read_text()
