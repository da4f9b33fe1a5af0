"""Counts: what a process answered, in lines that hold bins and counts alone, and CloudWatch's metrics."""

import io
import json
import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from brinery.assessment.profile import make_profile
from brinery.loading.model import VerifiedModel
from brinery.rows.feature import Feature
from brinery.versions.store import Store
from serving.answer import answer
from serving.counts import FEATURES, LABELS, LATENCIES, LEAST_ROWS, ROWS, SECONDS, Counts
from tests.examples import WINE, publish_example
from tests.serving.conftest import Context, event_v2, handling, serving
from tests.serving.served import served

Models = Callable[..., VerifiedModel]
METRICS = ("Requests", "Rows", "Refusals", "Warnings", "Latency")


class Counting:
    """Counts of a model, its lines, and a clock that the test sets."""

    def __init__(self, model: VerifiedModel, **more: Any) -> None:
        self.model, self.now, self.told = model, 0.0, list[dict[str, Any]]()
        self.counts = Counts(model, out=lambda line: self.told.append(json.loads(line)), clock=lambda: self.now, **more)

    def ask(self, data: Any, seconds: float = 0.001) -> int:
        status, _ = answer(self.model, json.dumps({"data": data}).encode(), 10_000, watching=self.counts)
        self.counts.request(status, seconds)
        return status

    def sums(self, name: str) -> int:
        return sum(line.get(name, 0) for line in self.told)


def test_first_answer_is_told_at_once_with_the_cold_start_and_no_bins(models: Models) -> None:
    counting = Counting(models("wine"), start={"import": 0.5, "fetch": 0.02, "verify": 0.01, "load": 0.1})
    for _ in range(LEAST_ROWS - 1):
        counting.ask(WINE)
    (line,) = counting.told
    assert {name: line[name] for name in METRICS} == dict(zip(METRICS, (1, 1, 0, 0, [1.0]), strict=True))
    assert (line["ColdStart"], line["ColdStartImport"], line["ColdStartFetch"], line["ColdStartLoad"]) == (
        630.0,
        500.0,
        20.0,
        100.0,
    )
    assert "bins" not in line and line["model"] == "wine:1"
    assert line["digest"] == f"sha256:{models('wine').reference.digest}"


def test_lines_come_after_a_minute_or_a_thousand_rows_and_at_the_end(models: Models) -> None:
    counting = Counting(models("wine"))
    counting.ask(WINE)
    counting.ask([WINE] * (ROWS - 1))
    assert len(counting.told) == 1
    counting.ask(WINE)
    assert len(counting.told) == 2 and counting.told[1]["Rows"] == ROWS
    assert counting.told[1]["bins"]["rows"] == ROWS + 1  # that of the first line, too
    counting.ask(WINE)
    counting.now += SECONDS
    assert len(counting.told) == 2
    counting.ask(WINE)
    assert counting.told[2]["Rows"] == 2 and "bins" not in counting.told[2]
    counting.counts.end()
    assert len(counting.told) == 3  # there was nothing to tell
    counting.ask([WINE] * 30)
    counting.counts.end()
    assert counting.told[3]["bins"]["rows"] == 32 and "ColdStart" not in counting.told[1]
    assert [(line["line"], line["all_rows"]) for line in counting.told] == [(0, 1), (1, 1001), (2, 1003), (3, 1033)]
    assert len({line["process"] for line in counting.told}) == 1


@pytest.mark.slow
@pytest.mark.parametrize("requests", [1000, pytest.param(4_000, marks=pytest.mark.campaign)])
@pytest.mark.parametrize("format", ["pickle", "onnx"])
def test_all_requests_are_counted_as_they_were_sent(models: Models, format: str, requests: int) -> None:
    """Single rows and lists, good and bad, of numbers, texts and missing values; against a count of the test's own."""
    model, chance = models("mixed", format), random.Random(0)
    counting, sent, islands, statuses = Counting(model), 0, Counter[str](), Counter[int]()
    for _ in range(requests):
        size, bad = chance.choice([0, 0, 1, 5, 40]), chance.random() < 0.1
        rows: list[dict[str, Any]] = [
            {
                "mass": chance.choice([None, 4100.0, 9e9]),
                "year": 2008,
                "tagged": chance.random() < 0.5,
                "island": chance.choice(["Biscoe", "Dream"]),
                "sex": None,
            }
            for _ in range(size or 1)
        ]
        if bad:
            rows[-1]["island"] = "Atlantis"
        counting.now += chance.random()
        status = counting.ask(rows if size else rows[0])
        statuses[status] += 1
        if status == 200:
            sent += len(rows)
            islands.update(row["island"] for row in rows)
    counting.counts.end()
    assert statuses[422] > requests / 20 and counting.sums("Refusals") == statuses[422]
    assert (counting.sums("Requests"), counting.sums("Rows")) == (requests, sent)
    assert counting.told[-1]["all_requests"] == requests and counting.told[-1]["all_rows"] == sent
    bins = [line["bins"] for line in counting.told if "bins" in line]
    assert all(each["rows"] >= LEAST_ROWS for each in bins) and sum(each["rows"] for each in bins) == sent
    found = [sum(each["features"]["island"][place] for each in bins) for place in range(5)]
    assert found == [islands["Biscoe"], islands["Dream"], 0, 0, 0]
    assert sum(sum(each["answers"]) for each in bins) == sent
    assert sum(line["unfit"].get("island", 0) for line in counting.told) == statuses[422]


def test_a_line_holds_no_value(models: Models) -> None:
    model = models("mixed")
    counting = Counting(model)
    row = {"mass": 4321.0625, "year": 2008, "tagged": True, "island": "Biscoe", "sex": "female"}
    counting.ask([row] * 50)
    counting.ask({**row, "island": "a secret place", "mass": "another secret"})
    counting.counts.end()
    text = json.dumps(counting.told)
    assert not [value for value in ("4321", "Biscoe", "female", "secret") if value in text]


def test_metrics_are_in_the_embedded_format_and_few(models: Models) -> None:
    counting = Counting(models("wine"), service="a-function", start={"import": 1.0})
    for _ in range(501):
        counting.ask([WINE, WINE])
    for line in counting.told:
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "Brinery" and directive["Dimensions"] == [["Service"]]
        assert line["Service"] == "a-function" and isinstance(line["_aws"]["Timestamp"], int)
        for metric in directive["Metrics"]:
            value = line[metric["Name"]]
            assert metric["Unit"] in ("Count", "Milliseconds") and len(value if isinstance(value, list) else [1]) <= 100
    names = {each["Name"] for line in counting.told for each in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
    assert {"Answers 0", "Answers 1", "Answers 2", "ColdStart"} <= names
    assert len(names) - 3 + LABELS + 7 <= 30  # with the log filters' of the stack


def test_latencies_are_an_even_sample(models: Models) -> None:
    counting = Counting(models("wine"))
    for place in range(900):
        counting.counts.request(200, place / 1000)
    counting.counts.end()
    latencies = counting.told[-1]["Latency"]
    assert len(latencies) == LATENCIES and len({*latencies}) == LATENCIES
    assert 300 < sum(latencies) / LATENCIES < 600


def test_many_features_are_told_in_parts_and_many_labels_by_bins_alone(models: Models) -> None:
    wide = models("alcohol")
    features = tuple(Feature(name=f"x{j}", kind="number", minimum=0, maximum=1) for j in range(2 * FEATURES + 1))
    rows = np.random.default_rng(0).random((LEAST_ROWS, len(features)))
    answers = wide.answer([[13.0]] * LEAST_ROWS, LEAST_ROWS)
    profile = make_profile(rows, features, wide.task, answers.answers)
    manifest = wide.manifest.model_copy(update={"features": features})
    published = replace(wide.published, manifest=manifest)
    counting = Counting(replace(wide, published=published, profile=profile))
    counting.counts.answered(answers._replace(rows=rows))
    counting.counts.request(200, 0.1)
    assert [len(line["bins"]["features"]) for line in counting.told] == [FEATURES, FEATURES, 1]
    assert [line["part"] for line in counting.told] == [0, 1, 2] and {line["line"] for line in counting.told} == {0}
    assert [line for line in counting.told if "Requests" in line] == counting.told[:1]
    assert [line for line in counting.told if "answers" in line["bins"]] == counting.told[:1]


def test_what_cannot_be_printed_or_binned_is_answered_all_the_same(
    models: Models, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    unread = replace(models("wine"), profile=b'{"rows": 1}')

    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("sys.stdout", Full())
    client = serving(unread)
    assert [client.classify([WINE] * 30).status_code for _ in range(3)] == [200] * 3


def _of_one_count(profile: dict[str, Any]) -> None:
    profile["features"]["alcohol"]["counts"] = [1]


def _of_falling_edges(profile: dict[str, Any]) -> None:
    profile["features"]["alcohol"]["edges"].reverse()


def _of_values(profile: dict[str, Any]) -> None:
    profile["features"]["alcohol"] = {"kind": "values", "values": ["a"], "counts": [1, 0, 0]}


def _of_few_labels(profile: dict[str, Any]) -> None:
    profile["answers"] = {"kind": "values", "values": ["0"], "counts": [1, 0, 0]}


def _of_a_count_below_0(profile: dict[str, Any]) -> None:
    profile["answers"]["counts"][0] = -1


@pytest.mark.parametrize("spoil", [_of_one_count, _of_falling_edges, _of_values, _of_few_labels, _of_a_count_below_0])
def test_a_profile_that_does_not_fit_costs_no_answer(
    models: Models, capsys: pytest.CaptureFixture[str], spoil: Callable[[dict[str, Any]], None]
) -> None:
    """Whoever publishes writes it, and all of its rows are counted together some time."""
    model = models("wine")
    assert model.profile is not None
    profile = json.loads(bytes(model.profile))
    spoil(profile)
    client = serving(replace(model, profile=json.dumps(profile).encode()))
    assert {client.classify([WINE] * 100).status_code for _ in range(12)} == {200}
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sum(line["Rows"] for line in lines) == 1100 and not [line for line in lines if "bins" in line]


def test_labels_that_cannot_name_a_metric_are_told_by_bins_alone(models: Models) -> None:
    counting = Counting(models("mixed"))  # one of whose labels is Adélie
    row = {"mass": 4321.0, "year": 2008, "tagged": True, "island": "Biscoe", "sex": "female"}
    counting.ask([row] * 50)
    assert sum(counting.told[0]["bins"]["answers"]) == 50
    assert not [name for name in counting.told[0] if name.startswith("Answers")]


def test_requests_are_counted_over_http_and_by_the_handler(models: Models, capsys: pytest.CaptureFixture[str]) -> None:
    client, handler = serving(models("wine")), handling(models("wine"), service="fn")
    client.classify([WINE] * 1000)
    client.classify([1.0])
    client.request("POST", "/classify", content=b"[", headers={"content-type": "application/json"})
    client.request("POST", "/classify", content=b"1", headers={"content-type": "text/plain"})
    client.request("POST", "/predict?partial=true", json={"data": [WINE] * 999 + [[1.0]]})
    client.classify(WINE)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["Requests"], line["Rows"]) for line in lines] == [(1, 1000), (5, 1000)]
    assert lines[1]["refused"] == {"422": 1, "400": 1, "415": 1}
    handler(event_v2(json.dumps({"data": WINE})), Context())
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["Service"] == "fn" and json.loads(line)["Rows"] == 1


def lines_of(log: Path) -> list[dict[str, Any]]:
    """Those that tell counts, of all that a server printed."""
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith('{"brinery"')]


@pytest.mark.slow
@pytest.mark.parametrize("ended_by", [signal.SIGTERM, signal.SIGINT])
def test_server_prints_at_its_end(folder_store: Store, tmp_path: Path, ended_by: signal.Signals) -> None:
    reference = publish_example(folder_store, "wine")
    pin = reference.version_text
    with served(tmp_path, MODEL_REGISTRY=folder_store.url, MODEL_VERSION=pin) as server:
        for _ in range(3):
            assert server.client.post("/classify", json={"data": [WINE] * 10}).status_code == 200
        os.kill(server.pid, ended_by)
    lines = lines_of(server.log)
    assert sum(line["bins"]["rows"] for line in lines if "bins" in line) == 30


@pytest.mark.campaign
@pytest.mark.parametrize("format", ["pickle", "onnx"])
def test_many_requests_over_http_are_counted_to_the_row(folder_store: Store, tmp_path: Path, format: str) -> None:
    reference = publish_example(folder_store, "wine")
    named = {"MODEL_REGISTRY": folder_store.url, "MODEL_VERSION": reference.version_text, "MODEL_FORMAT": format}
    with served(tmp_path, None, **named) as server:

        def ask(seed: int) -> tuple[int, int]:
            chance, rows, refused = random.Random(seed), 0, 0
            with httpx.Client(base_url=server.client.base_url, timeout=60) as client:
                for _ in range(1_500):
                    size, bad = chance.choice([1, 1, 1, 2, 30]), chance.random() < 0.05
                    data = [WINE] * size if not bad else [WINE[:5]] * size
                    status = client.post("/classify", json={"data": data}).status_code
                    assert status == (422 if bad else 200)
                    rows, refused = rows + (0 if bad else size), refused + bad
            return rows, refused

        with ThreadPoolExecutor(4) as pool:
            rows, refused = (sum(each) for each in zip(*pool.map(ask, range(4)), strict=True))
    lines = lines_of(server.log)
    assert [line["line"] for line in lines] == [*range(len(lines))]
    assert (lines[-1]["all_requests"], lines[-1]["all_rows"]) == (6_000, rows)
    sums = {name: sum(line[name] for line in lines) for name in ("Requests", "Rows", "Refusals")}
    assert sums == {"Requests": 6_000, "Rows": rows, "Refusals": refused}
    assert sum(line["bins"]["rows"] for line in lines if "bins" in line) > rows - LEAST_ROWS


@pytest.mark.slow
def test_lines_of_threads_are_whole(folder_store: Store, tmp_path: Path) -> None:
    """Large requests are answered in threads, small ones beside them."""
    reference = publish_example(folder_store, "wine")
    pin = reference.version_text
    with served(tmp_path, MODEL_REGISTRY=folder_store.url, MODEL_VERSION=pin) as server:
        url = str(server.client.base_url)

        def ask(size: int) -> int:
            return httpx.post(f"{url}/classify", json={"data": [WINE] * size}, timeout=60).status_code

        with ThreadPoolExecutor(8) as pool:
            assert {*pool.map(ask, [1, 5000, 30] * 20)} == {200}
        assert ask(LEAST_ROWS) == 200  # so that no bins are left that would wait for more
    lines = lines_of(server.log)
    assert sum(line["Rows"] for line in lines) == 20 * 5031 + LEAST_ROWS == lines[-1]["all_rows"]
    assert sum(line["bins"]["rows"] for line in lines if "bins" in line) == 20 * 5031 + LEAST_ROWS
