"""Problems: their fields, and that they stay small whatever is put into them."""

import json

import pytest

from serving.problem import MAX_BYTES, REQUEST_ID_BYTES, Problem, problem_content


def test_problem_has_the_fields_of_rfc_9457() -> None:
    assert problem_content(422, "it does not fit", [("/data/0", "is missing")]) == {
        "type": "urn:brinery:problem:unprocessable-content",
        "title": "Unprocessable Content",
        "status": 422,
        "detail": "it does not fit",
        "errors": [{"path": "/data/0", "message": "is missing"}],
    }


def test_problem_without_errors_has_no_list_of_them() -> None:
    assert "errors" not in problem_content(503, "not yet")


def test_problem_tells_at_most_ten_errors() -> None:
    errors = [(f"/data/{n}", "is missing") for n in range(11)]
    assert problem_content(422, "no", errors)["errors"][-1]["path"] == "/data/9"


@pytest.mark.parametrize("letter", ["x", "é", "\U0001f377", '"', "\x00"])
def test_problem_stays_small_as_json_whatever_its_letters_take(letter: str) -> None:
    long = letter * 5000
    content = problem_content(422, long, [(long, long)] * 10)
    assert len(json.dumps(content)) <= MAX_BYTES - REQUEST_ID_BYTES
    assert content["detail"] and len(json.dumps(content["detail"])) <= 2000
    assert 1 <= len(content["errors"]) < 10
    for item in content["errors"]:
        assert 0 < len(item["path"]) and len(json.dumps(item["path"])) <= 1000


def test_short_text_is_not_cut() -> None:
    assert problem_content(400, "x" * 1998)["detail"] == "x" * 1998


def test_problem_is_an_exception_with_its_answer() -> None:
    problem = Problem(405, "use POST", headers={"allow": "POST"})
    assert (problem.status, problem.headers, str(problem)) == (405, {"allow": "POST"}, "use POST")
    assert problem.content["type"] == "urn:brinery:problem:method-not-allowed"
