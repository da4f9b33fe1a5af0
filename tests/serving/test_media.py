"""SageMaker's `/invocations`: rows and answers as JSON, JSON lines and CSV, all of them the same answers."""

import csv
import io
import json
from collections.abc import Callable

import pytest

from brinery.loading.model import VerifiedModel
from tests.serving.conftest import problem_of, serving

Models = Callable[..., VerifiedModel]
ROWS = [
    {"mass": 4500, "year": 2008, "tagged": True, "island": "Dream", "sex": "male"},
    {"mass": None, "year": 2009, "tagged": False, "island": "Biscoe", "sex": None},
]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS)
CSV = "4500,2008,true,Dream,male\n,2009,false,Biscoe,\n"


@pytest.mark.parametrize("rows", ["application/json", "application/jsonlines", "text/csv", "text/csv; charset=utf-8"])
@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "application/jsonlines", "text/csv, */*"])
def test_rows_and_answers_in_every_media_are_the_same(models: Models, rows: str, accept: str | None) -> None:
    client = serving(models("mixed"))
    expected = client.request("POST", "/predict", json={"data": ROWS}).json()["predictions"]
    body = {"application/json": json.dumps({"data": ROWS}), "application/jsonlines": LINES}.get(rows, CSV)
    headers = {"content-type": rows} | ({"accept": accept} if accept else {})
    answer = client.request("POST", "/invocations", content=body, headers=headers)
    assert answer.status_code == 200
    media = (accept or "*/*").partition(",")[0]
    media = rows.partition(";")[0] if media == "*/*" else media
    assert answer.headers["content-type"].partition(";")[0] == media
    if media == "application/json":
        found = answer.json()["predictions"]
    elif media == "application/jsonlines":
        found = [json.loads(line) for line in answer.text.splitlines()]
    else:
        records = list(csv.reader(io.StringIO(answer.text)))
        classes = list(expected[0]["probabilities"])
        found = [
            {"prediction": label, "probabilities": dict(zip(classes, map(float, likely), strict=True))}
            for label, *likely in records
        ]
    assert found == expected


def test_one_row_is_one_line(models: Models) -> None:
    client = serving(models("alcohol"))
    answer = client.request("POST", "/invocations", content="13.2", headers={"content-type": "text/csv"})
    prediction, *likely = answer.text.removesuffix("\n").split(",")
    assert answer.text.count("\n") == 1 and prediction in ("0", "1", "2")
    assert sum(map(float, likely)) == pytest.approx(1)
    one = {"content-type": "application/json", "accept": "text/csv"}
    assert client.request("POST", "/invocations", content='{"data": 13.2}', headers=one).text == answer.text


WRONG = {
    "a header": ("text/csv", "mass,year,tagged,island,sex\n" + CSV, 400, "the first line of the body holds"),
    "an open quote": ("text/csv", '4500,2008,true,"Dream,male\n', 400, "the body must be CSV"),
    "too few values": ("text/csv", "4500,2008\n", 422, "the input does not fit"),
    "nothing": ("text/csv", "", 422, "the input does not fit"),
    "no JSON": ("application/jsonlines", LINES + "{\n", 400, "line 3 of the body must be a row as JSON, with no name"),
    "a name twice": ("application/jsonlines", '{"mass": 1, "mass": 2}\n', 400, "line 1 of the body must be a row"),
    "no UTF-8": ("text/csv", b"4500,2008,true,Dr\xffeam,male\n", 400, "the body must be UTF-8; byte 17 is none"),
    "another type": ("text/plain", CSV, 415, "must be application/json, application/jsonlines, text/csv"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_are_no_rows_is_a_problem(models: Models, name: str) -> None:
    media, body, status, detail = WRONG[name]
    client = serving(models("mixed"))
    answer = client.request("POST", "/invocations", content=body, headers={"content-type": media, "accept": "text/csv"})
    assert detail in problem_of(answer.text, status)["detail"]


def test_other_media_are_for_invocations_alone_and_csv_has_no_problems_in_it(models: Models) -> None:
    client = serving(models("mixed"))
    assert client.request("POST", "/predict", content=CSV, headers={"content-type": "text/csv"}).status_code == 415
    bad = CSV.replace("Dream", "Nowhere")
    partly = {"content-type": "text/csv", "accept": "application/jsonlines"}
    first, second = client.request("POST", "/invocations?partial=true", content=bad, headers=partly).text.splitlines()
    assert json.loads(first)["status"] == 422 and "prediction" in json.loads(second)
    answer = client.request("POST", "/invocations?partial=true", content=bad, headers={"content-type": "text/csv"})
    assert "partial answers are written as" in problem_of(answer.text, 400)["detail"]
