"""`registry quality` on captures that serving's own code has logged, and labels that are known."""

import csv
import json
import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.svm import LinearSVC

from brinery.assessment.publish_fitted import publish_fitted
from brinery.commands.registry import main
from brinery.loading.load import load
from brinery.loading.model import VerifiedModel
from brinery.site.looks import read_looks
from brinery.versions.reference import Reference
from brinery.versions.store import Store, open_store
from tests.brinery.monitoring.captured import captured
from tests.examples import publish_files, tiny

NOW = datetime.now(UTC).replace(hour=12) - timedelta(days=1)
CLASSES = np.array(["bad", "good"])


class World:
    """A model with much training, its rows, and a log that grows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = open_store((folder / "registry").as_uri(), create=True)
        train, test = rows_of(0, 2000), rows_of(1, 4000)
        y_train, y_test = (CLASSES[(rows[:, 0] > 0).astype(int)] for rows in (train, test))
        noisy = np.random.default_rng(2).random(4000) < 0.1
        y_test[noisy] = np.where(y_test[noisy] == "bad", "good", "bad")
        columns = ["size", "weight"]
        self.reference = publish_fitted(
            "wine",
            LogisticRegression().fit(train, y_train),
            pd.DataFrame(test, columns=columns),
            y_test,
            registry=self.store.url,
            random_state=0,
            gate={"accuracy": {"min": 0.88}},
        )
        self.model = load(self.store, self.reference)


def rows_of(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, (count, 2))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    yield World(tmp_path_factory.mktemp("quality"))


def told(capsys: pytest.CaptureFixture[str], store: Store, *arguments: str) -> tuple[int, Any, str]:
    code = main(["quality", "wine", "--registry", store.url, *arguments])
    out, err = capsys.readouterr()
    return code, json.loads(out) if "--json" in arguments and out else out, err


def asked(model: VerifiedModel, count: int, seed: int = 5, days: int = 1) -> tuple[list[str], list[str]]:
    """Lines of so many requests of one row each, over so many days, and what each was answered with."""
    lines, answers = [], []
    for number, row in enumerate(rows_of(seed, count).tolist()):
        at = NOW - timedelta(days=number % days)
        (line,) = captured(model, row, f"ours-{number}", f"theirs-{number}", at)
        lines.append(line)
        answers.append(json.loads(line)["answers"][0]["prediction"])
    return lines, answers


def other(label: str) -> str:
    return "bad" if label == "good" else "good"


def write_labels(path: Path, rows: Iterable[Sequence[object]], head: Sequence[str] = ("id", "label")) -> str:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    return str(path)


def write_log(path: Path, lines: Iterable[str]) -> str:
    path.write_text("".join(f"{line}\n" for line in lines))
    return str(path)


def metric(found: Any, name: str = "accuracy", version: int = 0) -> Any:
    return next(each for each in found["versions"][version]["metrics"] if each["metric"] == name)


@pytest.mark.slow
def test_share_that_is_wrong_is_told_exactly_whatever_the_log_is_like(
    world: World, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    lines, answers = asked(world.model, 200, days=4)
    truth = [(f"ours-{i}", other(each) if i % 10 == 0 else each) for i, each in enumerate(answers)]
    labels = write_labels(tmp_path / "labels.csv", truth)
    plain = told(capsys, world.store, "--json", "--log", write_log(tmp_path / "a.log", lines), "--labels", labels)
    code, found, _ = plain
    assert code == 0 and metric(found)["value"] == 0.9 and found["labels"]["used"] == 200
    assert found["versions"][0]["reference"] == str(world.reference)
    assert [day["rows"] for day in found["versions"][0]["days"]] == [50] * 4
    shuffled = [*lines, *lines[:50], *(line[:-30] for line in lines[:5]), "INFO: started"]
    random.Random(0).shuffle(shuffled)
    code, again, _ = told(
        capsys, world.store, "--json", "--log", write_log(tmp_path / "b.log", shuffled), "--labels", labels
    )
    assert again["lines"] == {"unreadable": 5, "doubled": 50, "contradicted": 0, "torn": 0}
    assert {**again, "lines": 0} == {**found, "lines": 0}


def test_quality_that_is_worse_ends_with_3_a_page_and_metrics(
    world: World, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    lines, answers = asked(world.model, 1000, days=5)
    truth = [(f"theirs-{i}", other(each) if i % 4 == 0 else each) for i, each in enumerate(answers)]
    labels, page = write_labels(tmp_path / "labels.csv", truth), tmp_path / "quality.html"
    log = write_log(tmp_path / "a.log", lines)
    code, text, err = told(
        capsys, world.store, "--log", log, "--labels", labels, "--page", str(page), "--metrics", "prod"
    )
    assert code == 3 and "gate broken: accuracy of wine:1, by its whole interval\nworse: accuracy of wine:1" in text
    assert "wine:1: 1,000 rows with labels, and 0 captured without" in text and "at least 0.88" in text
    metrics = json.loads(err)
    assert metrics["WorseMetrics"] >= 3 and metrics["BrokenGates"] == 1 and metrics["Service"] == "prod"
    html = page.read_text()
    assert "accuracy by day" in html and "gate broken" in html and html.count("<svg") == 5
    (looked,) = read_looks([str(tmp_path)]).found
    assert (looked.kind, looked.version, looked.verdict, looked.rows) == ("quality", 1, "worse", 1000)
    assert html.count("<script") == 1 and "http" not in html


@pytest.mark.slow
def test_quality_that_is_no_worse_says_what_it_would_have_seen(
    world: World, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    lines, answers = asked(world.model, 2000)
    truth = [(f"ours-{i}", other(each) if i % 10 == 0 else each) for i, each in enumerate(answers)]
    labels, log = write_labels(tmp_path / "labels.csv", truth), write_log(tmp_path / "a.log", lines)
    code, found, _ = told(capsys, world.store, "--json", "--log", log, "--labels", labels)
    accuracy = metric(found)
    assert code == 0 and accuracy["verdict"] == "no worse" and 0.02 < accuracy["would_have_seen"] < 0.05
    few = write_labels(tmp_path / "few.csv", truth[:100])
    code, text, _ = told(capsys, world.store, "--log", log, "--labels", few)
    assert code == 0 and text.splitlines()[-1].startswith("cannot tell: accuracy of wine:1, ")
    assert "100 rows with labels, and 1,900 captured without" in text
    all_right = write_labels(tmp_path / "right.csv", [(f"ours-{i}", each) for i, each in enumerate(answers[:25])])
    code, found, _ = told(capsys, world.store, "--json", "--log", log, "--labels", all_right)
    assert metric(found)["verdict"] == "cannot tell" and metric(found)["would_have_seen"] > 0.2


def test_rows_of_requests_of_many_are_named_by_their_place(
    world: World, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    rows = rows_of(7, 60).tolist()
    (line,) = captured(world.model, [*rows, ["x", 1]], "many", "mine", NOW, partial=True)
    answers = [each.get("prediction") for each in json.loads(line)["answers"]]
    truth = [(f"{'many' if i % 2 else 'mine'}/{i}", answers[i]) for i in range(60)]
    more = [("many/60", "bad"), ("many/61", "bad"), ("many/01", "bad"), ("many", "bad"), ("many/x", "bad")]
    labels, log = write_labels(tmp_path / "labels.csv", truth + more), write_log(tmp_path / "a.log", [line])
    _, found, _ = told(capsys, world.store, "--json", "--log", log, "--labels", labels)
    assert metric(found)["value"] == 1.0 and found["labels"]["used"] == 60
    assert (found["labels"]["of_refused_rows"], found["labels"]["without_capture"]) == (1, 4)


def test_client_id_of_requests_that_differ_names_none_and_equal_ones_count_once(
    world: World, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (one, other_row), at = rows_of(8, 2).tolist(), NOW
    lines = [
        *captured(world.model, one, "r1", "same", at),
        *captured(world.model, one, "r2", "same", at),
        *captured(world.model, one, "r3", "differs", at),
        *captured(world.model, other_row, "r4", "differs", at),
        *captured(world.model, other_row, "r5", "r1", at),  # a caller calls it as we call another
    ]
    answer = json.loads(lines[0])["answers"][0]["prediction"]
    log = write_log(tmp_path / "a.log", lines)
    labels = write_labels(tmp_path / "a.csv", [("same", answer), ("differs", answer), ("r1", answer)])
    _, found, _ = told(capsys, world.store, "--json", "--log", log, "--labels", labels)
    assert (found["labels"]["used"], found["labels"]["ambiguous"], found["versions"][0]["rows"]) == (1, 1, 1)
    labels = write_labels(tmp_path / "b.csv", [("same", answer), ("r1", other(answer))])
    assert (
        "ids name rows that have another label by another id: 'r1'"
        in told(capsys, world.store, "--log", log, "--labels", labels)[2]
    )


REFUSED: dict[str, tuple[Sequence[Sequence[object]], Sequence[str], str]] = {
    "other columns": ([("r", "bad")], ("request", "label"), "it must have id and label"),
    "more columns": (
        [("r", "bad", 1)],
        ("id", "label", "x"),
        "has the columns id, label, x; it must have id and label",
    ),
    "two labels of one id": (
        [("r", "bad"), ("r", "good"), ("s", "bad"), ("s", "bad")],
        ("id", "label"),
        "has different labels of one id: 'r'\n",
    ),
    "no id": ([("r", "bad"), ("", "bad")], ("id", "label"), "has no id in row 2"),
    "no label of a row": (
        [("none", "bad"), ("r", "ugly"), ("x", "")],
        ("id", "label"),
        "no label is of a captured row that was answered: 1 labels are of no captured row; "
        "1 rows of the labels have an id alone; 1 labels are left out that are none of the classes: 'ugly'",
    ),
}


@pytest.mark.parametrize(("rows", "head", "said"), REFUSED.values(), ids=REFUSED)
def test_labels_that_cannot_be_used_are_a_sentence(
    world: World,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    rows: Sequence[Sequence[object]],
    head: Sequence[str],
    said: str,
) -> None:
    log = write_log(tmp_path / "a.log", captured(world.model, rows_of(9, 1)[0].tolist(), "r"))
    labels = write_labels(tmp_path / "labels.csv", rows, head)
    code, _, err = told(capsys, world.store, "--log", log, "--labels", labels)
    assert code == 1 and said in err and err.count("\n") == 1


def test_labels_from_parquet(world: World, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    lines, answers = asked(world.model, 30)
    pd.DataFrame({"id": [f"ours-{i}" for i in range(30)], "label": answers}).to_parquet(tmp_path / "labels.parquet")
    log = write_log(tmp_path / "a.log", lines)
    _, found, _ = told(capsys, world.store, "--json", "--log", log, "--labels", str(tmp_path / "labels.parquet"))
    assert metric(found)["value"] == 1.0


@pytest.mark.slow
def test_several_versions_are_told_each_and_an_unknown_one_is_left_out(
    world: World, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    second = publish_fitted(
        "wine",
        LogisticRegression().fit(rows_of(0, 500), CLASSES[(rows_of(0, 500)[:, 1] > 0).astype(int)]),
        pd.DataFrame(rows_of(1, 500), columns=["size", "weight"]),
        CLASSES[(rows_of(1, 500)[:, 1] > 0).astype(int)],
        registry=world.store.url,
        random_state=0,
    )
    lines, answers = asked(world.model, 40)
    newer = [line.replace("ours-", "new-") for line in asked(load(world.store, second), 40)[0]]
    lines += newer + [newer[0].replace('"wine:2"', '"wine:9"').replace("new-", "newest-")]
    truth = [(f"ours-{i}", each) for i, each in enumerate(answers)]
    truth += [(f"new-{i}", each) for i, each in enumerate(answers[:20])]
    log, labels = write_log(tmp_path / "a.log", lines), write_labels(tmp_path / "labels.csv", truth)
    _, found, _ = told(capsys, world.store, "--json", "--log", log, "--labels", labels)
    assert [(each["reference"], each["rows"]) for each in found["versions"]] == [
        (str(second), 20),
        (str(world.reference), 40),
    ]
    _, text, _ = told(capsys, world.store, "--log", log, "--labels", labels, "--against", "wine:1")
    assert "wine:1: 40 rows" in text and "wine:2" not in text
    assert "left out: wine:9 is not in the registry" in told(capsys, world.store, "--log", log, "--labels", labels)[1]
    err = told(capsys, world.store, "--log", log, "--labels", labels, "--against", "wine:3")[2]
    assert (
        err
        == "registry: the log has no captured request of wine:3 in this window; it has some of wine:1, wine:2, wine:9\n"
    )


def test_answers_that_are_none_of_the_version_are_counted(
    world: World, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    lines, answers = asked(world.model, 25)
    broken: list[dict[str, Any]] = [
        {"prediction": "ugly"},
        {"prediction": True, "probabilities": {"bad": 0.5, "good": 0.5}},
        {"prediction": "bad"},
        {"prediction": "bad", "probabilities": {"bad": 5, "good": 0.5}},
        {"prediction": "bad", "probabilities": {"bad": "x", "good": 0.5}},
    ]
    for place, answer in enumerate(broken):
        lines[place] = json.dumps({**json.loads(lines[place]), "answers": [answer]}, separators=(",", ":"))
    truth = [(f"ours-{i}", each) for i, each in enumerate(answers)]
    log, labels = write_log(tmp_path / "a.log", lines), write_labels(tmp_path / "labels.csv", truth)
    _, found, _ = told(capsys, world.store, "--json", "--log", log, "--labels", labels)
    assert (found["versions"][0]["rows"], found["versions"][0]["unusable_answers"]) == (20, 5)
    assert "5 answers of the log are none of the version's" in told(capsys, world.store, "--log", log)[1]


def test_without_labels_the_accuracy_is_estimated_and_named_so(
    world: World, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    lines, _ = asked(world.model, 300)
    log = write_log(tmp_path / "a.log", lines)
    code, text, _ = told(capsys, world.store, "--log", log)
    assert code == 0 and "ESTIMATED ACCURACY" in text and text.splitlines()[-1].startswith("an estimate without labels")
    code, found, _ = told(capsys, world.store, "--log", log, "--json")
    (version,) = found["versions"]
    assert found["estimate"] and version["rows"] == 300
    low, high = version["interval"]
    assert low < 0.9 < high and high - low < 0.1 and low <= version["estimated_accuracy"] <= high
    assert "need --labels" in told(capsys, world.store, "--log", log, "--page", str(tmp_path / "p.html"))[2]


def test_what_cannot_be_estimated_is_a_sentence(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    store = open_store((tmp_path / "registry").as_uri(), create=True)
    rows, truth = rows_of(0, 200), (rows_of(0, 200)[:, 0] > 0).astype(int)
    frame = pd.DataFrame(rows, columns=["size", "weight"])
    references: dict[str, Reference] = {
        "gives no probabilities": publish_fitted(
            "wine", LinearSVC().fit(rows, truth), frame, truth, registry=store.url, random_state=0
        ),
        "is a regressor": publish_fitted(
            "wine", LinearRegression().fit(rows, rows[:, 1]), frame, rows[:, 1], registry=store.url, random_state=0
        ),
    }
    for said, reference in references.items():
        log = write_log(tmp_path / "a.log", captured(load(store, reference), rows[0].tolist(), "r"))
        code, _, err = told(capsys, store, "--log", log)
        assert code == 1 and said in err and err.count("\n") == 1
    before = publish_files(store, *tiny("wine"))
    line = json.loads((tmp_path / "a.log").read_text())
    line |= {"model": f"wine:{before.version}", "digest": f"sha256:{before.digest}"}
    log = write_log(tmp_path / "a.log", [json.dumps(line, separators=(",", ":"))])
    code, _, err = told(capsys, store, "--log", log)
    assert code == 1 and err.count("\n") == 1 and "give --labels" in err
    assert "has no captured request of wine" in told(capsys, store, "--log", write_log(tmp_path / "e.log", ["x"]))[2]


def test_regressor_is_measured_too(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    store = open_store((tmp_path / "registry").as_uri(), create=True)
    rows, noise = rows_of(0, 3000), np.random.default_rng(1).normal(0, 0.1, 3000)
    frame = pd.DataFrame(rows, columns=["size", "weight"])
    model = LinearRegression().fit(rows, rows[:, 0])
    reference = publish_fitted("wine", model, frame, rows[:, 0] + noise, registry=store.url, random_state=0)
    fresh = rows_of(2, 500)
    lines = captured(load(store, reference), fresh.tolist(), "many", at=NOW)
    log = write_log(tmp_path / "a.log", lines)
    for wrong, expected in ((0.1, 0), (0.2, 3)):
        truth = fresh[:, 0] + np.random.default_rng(3).normal(0, wrong, 500)
        labels = write_labels(tmp_path / "labels.csv", [(f"many/{i}", float(each)) for i, each in enumerate(truth)])
        code, found, _ = told(capsys, store, "--json", "--log", log, "--labels", labels)
        assert code == expected and metric(found, "rmse")["value"] == pytest.approx(wrong, rel=0.1)
