"""`registry drift` on lines that serving's own code has printed."""

import json
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from brinery.assessment.publish_fitted import publish_fitted
from brinery.commands.registry import main
from brinery.loading.load import load
from brinery.site.looks import read_looks
from brinery.versions.reference import Reference
from brinery.versions.store import Store, open_store
from serving.answer import answer
from serving.counts import Counts
from tests.conftest import s3_service
from tests.examples import publish_files, tiny

EVIL = '<script>alert("&")</script>'
Answered = tuple[Store, Reference, Path]


def rows_of(seed: int, count: int, shift: float = 0.0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame({"size": random.normal(5, 2, count) + shift, EVIL: random.normal(0, 1, count)})


def print_lines(store: Store, reference: Reference, log: Path, rows: pd.DataFrame) -> None:
    with log.open("a") as file:
        counts = Counts(load(store, reference, profile=True), out=lambda line: print(line, file=file))
        for start in range(0, len(rows), 500):
            body = json.dumps({"data": rows.iloc[start : start + 500].to_numpy().tolist()}).encode()
            status, _ = answer(counts._model, body, 500, watching=counts)
            counts.request(status, 0.001)
        counts.end()


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Answered:
    """A version, and the log of rows that are like those of training."""
    folder = tmp_path_factory.mktemp("drift")
    store = open_store((folder / "registry").as_uri(), create=True)
    train, test = rows_of(0, 20_000), rows_of(1, 8000)
    truth = [(frame["size"] > 5).to_numpy() for frame in (train, test)]
    model = LogisticRegression().fit(train.to_numpy(), truth[0])
    reference = publish_fitted(
        "wine", model, test, truth[1], x_train=train, y_train=truth[0], registry=store.url, random_state=0
    )
    print_lines(store, reference, folder / "same.log", rows_of(2, 3000))
    return store, reference, folder


def told(capsys: pytest.CaptureFixture[str], store: Store, *arguments: str) -> tuple[int, Any, str]:
    code = main(["drift", "wine", "--registry", store.url, *arguments])
    out, err = capsys.readouterr()
    return code, json.loads(out) if "--json" in arguments and out else out, err


def test_rows_like_those_of_training_have_not_moved(answered: Answered, capsys: pytest.CaptureFixture[str]) -> None:
    store, reference, folder = answered
    code, text, _ = told(capsys, store, "--log", str(folder / "same.log"))
    assert code == 0 and "wine:1: 3,000 rows in 6 requests" in text
    assert text.splitlines()[-1] == "no drift: a shift of 0.25 deviations would have been seen in each"
    code, found, _ = told(capsys, store, "--json", "--log", str(folder / "same.log"))
    assert (found["reference"], found["drift"], found["rows"], found["binned"]) == (str(reference), False, 3000, 3000)


def test_what_moved_is_told_with_exit_code_3_a_page_and_metrics(
    answered: Answered, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    store, reference, _ = answered
    log, page = tmp_path / "moved.log", tmp_path / "drift.html"
    print_lines(store, reference, log, rows_of(3, 2000, shift=0.5))
    code, found, err = told(capsys, store, "--json", "--log", str(log), "--page", str(page), "--metrics", "prod")
    assert code == 3 and [each["name"] for each in found["features"] if each["verdict"] == "drift"] == [
        "size",
        "answers",
    ]
    metrics = json.loads(err)
    assert (metrics["DriftedFeatures"], metrics["Service"]) == (2, "prod")
    assert {each["Name"] for each in metrics["_aws"]["CloudWatchMetrics"][0]["Metrics"]} <= set(metrics)
    html = page.read_text()
    assert "2 of 3 moved" in html and EVIL not in html and escape(EVIL) in html
    (looked,) = read_looks([str(tmp_path)]).found
    assert (looked.kind, looked.model, looked.verdict) == ("drift", "wine", "drift")
    assert html.count("<script") == 1 and "http" not in html and list(tmp_path.iterdir()) == [log, page]
    code, text, _ = told(capsys, store, "--log", str(log))
    assert code == 3 and text.splitlines()[-1].startswith("drift: size, answers; by chance this is seen once in 1,000")


def test_few_rows_are_no_proof(answered: Answered, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    store, reference, _ = answered
    print_lines(store, reference, tmp_path / "few.log", rows_of(4, 100))
    code, text, _ = told(capsys, store, "--log", str(tmp_path / "few.log"))
    assert code == 0 and "cannot tell: " in text.splitlines()[-1] and "and 100 are there" in text.splitlines()[-1]


def test_version_is_that_of_the_newest_line_or_the_one_that_is_asked_for(
    answered: Answered, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    store, reference, folder = answered
    lines = (folder / "same.log").read_text()
    later = lines.replace("wine:1", "wine:2")  # as new, and of a higher number
    log = tmp_path / "both.log"
    log.write_text(lines + later)
    code, text, _ = told(capsys, store, "--log", str(log))
    assert code == 0 and text.startswith("left out: wine:2 is not in the registry: ") and "wine:1: 3,000 rows" in text
    code, text, _ = told(capsys, store, "--log", str(log), "--against", "wine:1")
    assert code == 0 and "also in this window: wine:2, 3,000 rows" in text
    code, _, err = told(capsys, store, "--log", str(log), "--against", "wine:3")
    assert (
        code == 1 and err == "registry: the log has no line of wine:3 in this window; it has lines of wine:1, wine:2\n"
    )


def test_a_digest_of_the_log_that_is_not_the_versions_is_refused(
    answered: Answered, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    store, reference, folder = answered
    log = tmp_path / "other.log"
    log.write_text((folder / "same.log").read_text().replace(str(reference.digest), "b" * 64))
    code, _, err = told(capsys, store, "--log", str(log))
    assert code == 1 and "it is not the pinned one" in err


def test_what_cannot_be_looked_at_is_a_sentence(
    answered: Answered, capsys: pytest.CaptureFixture[str], tmp_path: Path, folder_store: Store
) -> None:
    store, _, folder = answered
    empty = tmp_path / "empty.log"
    empty.write_text("nothing\n")
    assert told(capsys, store, "--log", str(tmp_path / "none.log"))[2] == (
        f"registry: the log {tmp_path}/none.log cannot be read: No such file or directory\n"
    )
    assert "has no line of counts of wine in this window" in told(capsys, store, "--log", str(empty))[2]
    old = told(capsys, store, "--log", str(folder / "same.log"), "--page", str(tmp_path / "no" / "page.html"))
    assert old[0] == 1 and "the page cannot be written to" in old[2]
    reference = publish_files(folder_store, *tiny("wine"))
    line = (folder / "same.log").read_text().splitlines()[0]
    before = json.loads(line) | {"digest": f"sha256:{reference.digest}"}
    empty.write_text(json.dumps(before, separators=(",", ":")))
    assert (
        "wine:1 has no profile; it was published before there were any"
        in told(capsys, folder_store, "--log", str(empty))[2]
    )
    for since in ("x", "0h", "24", "1.5h"):
        with pytest.raises(SystemExit):
            told(capsys, store, "--log", str(empty), "--since", since)
        assert "is no length of time, such as 90m, 24h or 7d" in capsys.readouterr().err


@pytest.mark.slow
def test_lines_of_a_log_group_since_a_time_and_a_page_in_a_bucket(
    answered: Answered,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store, _, folder = answered
    with s3_service(tmp_path, "s3,sts,logs") as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        client = boto3.client("logs", region_name="us-east-1")
        client.create_log_group(logGroupName="/aws/lambda/wine")
        client.create_log_stream(logGroupName="/aws/lambda/wine", logStreamName="one")
        now = datetime.now(UTC)
        lines = ["START RequestId: 1", *(folder / "same.log").read_text().splitlines(), "REPORT"]
        events = [{"timestamp": int(now.timestamp() * 1000), "message": line} for line in lines]
        client.put_log_events(logGroupName="/aws/lambda/wine", logStreamName="one", logEvents=events)
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
        asked = ("--log-group", "/aws/lambda/wine", "--since", "1h")
        code, text, err = told(capsys, store, *asked, "--page", "s3://models/drift")
        assert code == 0 and "3,000 rows in 6 requests" in text, err
        (page,) = open_store("s3://models/drift").files("")
        assert page.startswith("wine-") and page.endswith(".html")
        assert told(capsys, store, "--log-group", "/aws/lambda/none")[0] == 1


def test_page_over_time_shows_when_it_moved(
    answered: Answered, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    store, reference, _ = answered
    log = tmp_path / "days.log"
    print_lines(store, reference, log, rows_of(5, 1000))
    before = datetime.now(UTC) - timedelta(days=2)
    log.write_text(log.read_text().replace(f'"to":"{datetime.now(UTC):%Y-%m-%d}', f'"to":"{before:%Y-%m-%d}'))
    print_lines(store, reference, log, rows_of(6, 2000, shift=1.0))
    assert told(capsys, store, "--log", str(log), "--page", str(tmp_path / "page.html"))[0] == 3
    page = (tmp_path / "page.html").read_text()
    assert "mean over time" in page and "the dotted line" in page
