"""`registry answered` on captures that serving's own code has logged."""

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from brinery.commands.registry import main
from brinery.loading.load import load
from brinery.versions.reference import Reference
from brinery.versions.store import Store
from tests.brinery.monitoring.captured import captured
from tests.conftest import s3_service
from tests.examples import WINE, frame

Published = tuple[Store, dict[str, Reference]]
MIXED = {"mass": 4321.0625, "year": 2008, "tagged": True, "island": "Biscoe", "sex": None}


def told(capsys: pytest.CaptureFixture[str], store: Store, *arguments: str) -> tuple[int, Any, str]:
    code = main(["answered", "--registry", store.url, *arguments])
    out, err = capsys.readouterr()
    return code, json.loads(out) if "--json" in arguments and out else out, err


def logged(folder: Path, *lines: str) -> str:
    log = folder / "serve.log"
    log.write_text("".join(f"{line}\n" for line in lines))
    return str(log)


@pytest.mark.slow
@pytest.mark.parametrize("format", ["pickle", "onnx"])
@pytest.mark.parametrize("name", ["wine", "mixed", "progress"])
def test_replay_gives_the_same_answer_to_the_last_bit(
    published: Published, capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str, format: str
) -> None:
    store, references = published
    model = load(store, references[name], format=format)
    columns, _ = frame(name)
    row = MIXED if name == "mixed" else columns.iloc[0].tolist()
    rows = [row] * 3 if name == "mixed" else columns.to_numpy().tolist()
    log = logged(tmp_path, *captured(model, row, "one"), *captured(model, rows, "many"))
    for request, count in (("one", 1), ("many", len(rows))):
        code, found, _ = told(capsys, store, request, "--log", log, "--replay", "--json")
        (each,) = found["requests"]
        assert code == 0 and (each["reference"], each["format"]) == (str(references[name]), format)
        assert (each["replay"]["verdict"], each["replay"]["rows"], each["replay"]["format"]) == (
            "the same",
            count,
            format,
        )
        assert [line["input"] for line in each["rows"]] == ([row] if request == "one" else rows)


def test_both_ids_name_a_request_and_all_of_a_callers_id_are_told(
    published: Published, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    store, references = published
    model = load(store, references["wine"])
    log = logged(tmp_path, *captured(model, WINE, "r1", "mine"), *captured(model, [WINE] * 12, "r2", "mine"))
    code, text, _ = told(capsys, store, "r1", "--log", log)
    assert code == 0 and f"version        {references['wine']}" in text and "-> {" in text and "r2" not in text
    code, text, _ = told(capsys, store, "mine", "--log", log)
    assert code == 0 and text.startswith("2 requests have that id\n\nrequest        r1\n")
    assert "/9 [13.2," in text and "/10" not in text and "… and 2 rows more, which --json has" in text


def test_refused_rows_of_a_partial_answer_are_told_and_the_others_replayed(
    published: Published, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    store, references = published
    model = load(store, references["wine"])
    log = logged(
        tmp_path,
        *captured(model, [["x"], WINE, None], "some", partial=True),
        *captured(model, [["x"]], "none", partial=True),
    )
    code, text, _ = told(capsys, store, "some", "--log", log, "--replay")
    assert code == 0 and '"status": 422' in text and "the same answer, to the last bit" in text
    assert "no row of it was answered" in told(capsys, store, "none", "--log", log, "--replay")[1]


def test_answer_that_the_version_does_not_give_is_told_with_exit_code_3(
    published: Published, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    store, references = published
    (line,) = captured(load(store, references["wine"], format="onnx"), WINE, "one")
    given = json.loads(line)

    def replayed(**changes: Any) -> tuple[int, str]:
        log = logged(tmp_path, json.dumps({**given, **changes}, separators=(",", ":")))
        code, text, err = told(capsys, store, "one", "--log", log, "--replay")
        return code, (text or err).splitlines()[-1]

    answer = given["answers"][0]
    shares = answer["probabilities"]
    near = {**answer, "probabilities": {**shares, "0": shares["0"] + 1e-7}}
    assert replayed(answers=[near]) == (
        0,
        "replayed by onnx: the same within the tolerance; 1 numbers differ in their last bits, at most by 1e-07",
    )
    code, text = replayed(answers=[{**answer, "probabilities": {**shares, "0": shares["0"] - 0.1}}])
    assert code == 3 and "it differs: 0 of 1 get another label; a probability differs by 0.1 at most" in text
    code, text = replayed(answers=[{**answer, "prediction": 1 - answer["prediction"]}])
    assert code == 3 and "1 of 1 get another label" in text
    assert replayed(answers=[{**answer, "prediction": 17}])[0] == 3
    code, text = replayed(rows=[["x"]])
    assert code == 3 and "rows that were answered do not fit its features: /0" in text
    code, text = replayed(format="tea")
    assert code == 0 and "replayed by onnx, since the version has no tea: the same answer" in text
    assert replayed(digest=f"sha256:{'b' * 64}")[0] == 1


def test_request_that_is_not_there_is_a_sentence(
    published: Published, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    store, references = published
    model = load(store, references["wine"])
    log = logged(tmp_path, *captured(model, WINE, "one", share=0.25), "nothing")
    assert told(capsys, store, "two", "--log", log) == (
        1,
        "",
        "registry: the log has no captured request 'two' in this window; it has 1 others, of a share of 0.25 of all\n",
    )
    assert "has no captured request in this window" in told(capsys, store, "two", "--log", logged(tmp_path, "x"))[2]
    log = logged(tmp_path, *captured(model, WINE, "one"), *captured(model, [WINE], "one"))
    assert "tell different things of the request 'one'" in told(capsys, store, "one", "--log", log)[2]


@pytest.mark.slow
def test_request_of_which_lines_are_missing_says_so(
    published: Published, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    store, references = published
    lines = captured(load(store, references["wine"]), [WINE] * 2000, "many")
    code, text, _ = told(capsys, store, "many", "--log", logged(tmp_path, *lines[1:]), "--replay")
    there = sum(len(json.loads(line)["rows"]) for line in lines[1:])
    assert code == 0 and f"rows           2,000, of which {there:,} are in the log" in text
    assert text.splitlines()[-1].startswith("not all of its rows are in the log")


@pytest.mark.slow
def test_request_of_a_log_group(
    published: Published, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from serving.log_group import LogGroup

    store, references = published
    with s3_service(tmp_path, "s3,sts,logs") as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        boto3.client("logs", region_name="us-east-1").create_log_group(logGroupName="captures")
        LogGroup("captures")(captured(load(store, references["wine"]), [WINE] * 2000, "many"))
        code, found, err = told(capsys, store, "many", "--log-group", "captures", "--since", "1h", "--replay", "--json")
    assert code == 0, err
    assert len(found["requests"][0]["rows"]) == 2000 and found["requests"][0]["replay"]["verdict"] == "the same"
