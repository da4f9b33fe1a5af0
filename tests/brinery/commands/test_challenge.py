"""`registry challenge` on lines that serving's own code has printed."""

import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.tree import DecisionTreeClassifier

from brinery.commands.registry import main
from brinery.errors import BrineryError
from brinery.loading.load import load
from brinery.loading.model import VerifiedModel
from brinery.monitoring.lines import sum_lines
from brinery.monitoring.shares import Share, wilson
from brinery.rows.feature import Feature
from brinery.versions.store import Store
from tests.examples import frame, publish_files, tiny
from tests.serving.conftest import _event_loop as _event_loop
from tests.serving.test_challenger import TREE, Challenged, split_at, two


def printed(capsys: pytest.CaptureFixture[str], folder: Path, challenged: Challenged) -> Path:
    """The log of the server, which ends."""
    log = folder / "serve.log"
    challenged.app.state.end()
    with log.open("a") as file:
        file.write(capsys.readouterr().out)
    return log


def told(capsys: pytest.CaptureFixture[str], store: Store, model: str, *arguments: Any) -> tuple[int, Any, str]:
    code = main(["challenge", model, "--registry", store.url, *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, json.loads(out) if "--json" in arguments and out else out, err


def test_agreement_is_told_with_its_interval_and_by_label(
    folder_store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of 400 rows a quarter is between the two limits, so that the challenger answers 1 where the champion says 0."""
    champion, challenger = split_at(folder_store, 1.5, 0.5)
    challenged = Challenged(champion, challenger)
    for value in [0.0, 1.0, 2.0, 3.0] * 100:
        challenged.ask(value)
    log = printed(capsys, tmp_path, challenged)
    code, found, _ = told(capsys, folder_store, "tiny", "--log", log, "--json")
    assert (code, found["champion"], found["challenger"]) == (0, str(champion.reference), str(challenger.reference))
    assert (found["rows"], found["shares"], found["enough"]) == (400, [0.0], True)
    interval = stats.binomtest(100, 400).proportion_ci(method="wilson")
    assert found["all"] == {
        "rows": 400,
        "differing": 100,
        "interval": [pytest.approx(interval.low), pytest.approx(interval.high)],
        "verdict": "differ",
        "rows_needed": found["all"]["rows_needed"],
    }
    assert found["all"]["rows_needed"] < 400 and found["pairs"] == [["0", "1", 100]]
    assert [found["labels"][label]["differing"] for label in "01"] == [100, 0]
    assert found["labels"]["1"]["verdict"] == "alike" and found["labels"]["0"]["verdict"] == "differ"
    text = told(capsys, folder_store, "tiny", "--log", log)[1]
    assert text.splitlines()[0] == "tiny:2 beside tiny:1: 400 rows answered by both"
    assert text.splitlines()[-1].startswith("enough to decide: at least 21.01% of the answers differ; which are right")
    assert "0       1             100" in text


def test_few_rows_cannot_tell_and_say_how_many_would(
    folder_store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    challenged = Challenged(*split_at(folder_store, 1.5, 0.5))
    for _ in range(30):
        challenged.ask(0.0)
    log = printed(capsys, tmp_path, challenged)
    code, found, _ = told(capsys, folder_store, "tiny", "--log", log, "--json")
    needed = found["all"]["rows_needed"]
    assert (code, found["enough"], found["all"]["verdict"]) == (0, False, "cannot tell")
    assert wilson(0.0, needed)[1] <= 0.02 < wilson(0.0, needed / 1.06)[1]
    last = told(capsys, folder_store, "tiny", "--log", log)[1].splitlines()[-1]
    assert last.startswith(f"cannot tell: some {needed} rows would if as many go on to differ, and 30 are there")
    _, found, _ = told(capsys, folder_store, "tiny", "--log", log, "--json", "--within", "0.5")
    assert found["enough"] and found["all"]["verdict"] == "alike"


def test_lines_torn_doubled_and_out_of_order_are_summed_once(
    folder_store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    challenged = Challenged(*split_at(folder_store, 1.5, 0.5))
    for _ in range(80):
        challenged.ask([0.0, 1.0, 2.0, 3.0] * 13)
    log = printed(capsys, tmp_path, challenged)
    _, whole, _ = told(capsys, folder_store, "tiny", "--log", log, "--json")
    lines = log.read_text().splitlines(keepends=True)
    assert len(lines) > 3
    mixed = [*lines, *lines, lines[1][:200] + "\n", "serve  | noise\n"]
    random.Random(0).shuffle(mixed)
    log.write_text("".join(mixed))
    _, again, _ = told(capsys, folder_store, "tiny", "--log", log, "--json")
    assert again.pop("lines") == {"unreadable": 1, "doubled": len(lines)} and whole.pop("lines")
    assert again == whole and whole["rows"] == 4160


def test_rows_that_the_challenger_refuses_are_answers_that_differ(
    folder_store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    champion, _ = split_at(folder_store, 1.5)
    described, files = tiny(estimator=DecisionTreeClassifier().fit([[0.0], [1.0]], [0, 1]))
    other = described.model_copy(update={"features": (Feature(name="y", kind="number", minimum=0, maximum=3),)})
    challenged = Challenged(champion, load(folder_store, publish_files(folder_store, other, files)))
    for _ in range(40):
        challenged.ask({"x": 1.0})
    log = printed(capsys, tmp_path, challenged)
    _, found, _ = told(capsys, folder_store, "tiny", "--log", log, "--json")
    assert (found["rows"], found["refused"], found["all"]["differing"], found["all"]["verdict"]) == (
        0,
        40,
        40,
        "differ",
    )
    assert "and 40 that it alone refuses" in told(capsys, folder_store, "tiny", "--log", log)[1]


def test_regressors_are_compared_in_deviations(
    folder_store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    champion, challenger = two(folder_store, "progress", estimator="sklearn.tree.DecisionTreeRegressor")
    challenged, rows = Challenged(champion, challenger), frame("progress")[0].to_numpy()
    challenged.ask(rows.tolist())
    log = printed(capsys, tmp_path, challenged)
    _, found, _ = told(capsys, folder_store, "progress", "--log", log, "--json")
    apart = difference(champion, challenger, rows)
    assert found["all"]["differing"] == int((np.abs(apart) > 0.1).sum())
    for step in found["differences"]:
        assert step["lower"] == int((apart <= -step["by_more_than"]).sum())
        assert step["higher"] == int((apart > step["by_more_than"]).sum())
    text = told(capsys, folder_store, "progress", "--log", log)[1]
    assert "BY MORE DEVIATIONS THAN" in text and "differ by more than a tenth of a deviation" in text


def difference(champion: VerifiedModel, challenger: VerifiedModel, rows: np.ndarray) -> np.ndarray:
    ours, theirs = (
        np.array([each["prediction"] for each in model.predict(rows.tolist())]) for model in (champion, challenger)
    )
    return np.asarray((theirs - ours) / champion.task.deviation)  # type: ignore[attr-defined]


def test_versions_that_share_requests_are_compared_by_how_often_they_answer_what(
    folder_store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    champion, challenger = two(folder_store, "alcohol", estimator=TREE)
    challenged, values = Challenged(champion, challenger, share=0.5), frame("alcohol")[0].to_numpy()
    for _ in range(5):
        for row in values:
            challenged.ask(row.tolist())
    log = printed(capsys, tmp_path, challenged)
    _, found, _ = told(capsys, folder_store, "alcohol", "--log", log, "--json")
    requests = found["requests"]
    assert sum(requests.values()) == 5 * len(values) and found["shares"] == [0.5] and "all" not in found
    for name, model in (("champion", champion), ("challenger", challenger)):
        expected = np.mean([each["prediction"] == 1 for each in model.predict(values.tolist())])
        assert found["answers"]["1"][name] == pytest.approx(expected, abs=5 * (0.25 / requests[name]) ** 0.5)
    low, high = found["answers"]["1"]["difference"]
    assert low < found["answers"]["1"]["challenger"] - found["answers"]["1"]["champion"] < high
    text = told(capsys, folder_store, "alcohol", "--log", log)[1]
    assert text.startswith("alcohol:2 in place of alcohol:1 for 50 % of the requests: ")


def test_regressors_that_share_requests_are_compared_in_the_mean(
    folder_store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    champion, challenger = two(folder_store, "progress", rows=300)
    challenged = Challenged(champion, challenger, share=0.5)
    for row in frame("progress")[0].to_numpy():
        challenged.ask(row.tolist())
    log = printed(capsys, tmp_path, challenged)
    _, found, _ = told(capsys, folder_store, "progress", "--log", log, "--json")
    low, high = found["mean"]["higher_by_deviations"]
    assert abs(low + high) < 5 * (high - low)  # whoever got which row by chance
    told_apart = low > found["within"] or high < -found["within"]  # of one run in twenty, by that chance
    assert found["mean"]["verdict"] == ("differ" if told_apart else "cannot tell")
    assert found["enough"] is told_apart


def test_only_what_was_split_is_compared_in_turns(
    folder_store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not what either answered when it was served alone, nor what the champion did while it was shadowed."""
    champion, challenger = two(folder_store, "alcohol", estimator=TREE)
    values = frame("alcohol")[0].to_numpy().tolist()
    for one, other, share in ((challenger, champion, 0.0), (champion, challenger, 0.0), (champion, challenger, 0.5)):
        challenged = Challenged(one, other, share=share)
        for row in values:
            challenged.ask(row)
        printed(capsys, tmp_path, challenged)
    log = printed(capsys, tmp_path, challenged)
    _, found, _ = told(capsys, folder_store, "alcohol", "--log", log, "--json")
    assert found["champion"] == str(champion.reference) and len(found["others"]) == 1
    assert found["rows"] == found["all"]["rows"] == sum(found["requests"].values()) == len(values)
    assert min(found["requests"].values()) > 0 and found["shares"] == [0.0, 0.5]


def test_drift_looks_at_what_is_served_and_not_at_its_challenger(
    folder_store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whichever printed the last line; the challenger of before, too, once it is served."""
    champion, challenger = two(folder_store, "alcohol", estimator=TREE)
    values = frame("alcohol")[0].to_numpy().tolist()
    challenged = Challenged(champion, challenger, share=0.5)
    for row in values:
        challenged.ask(row)
    log = printed(capsys, tmp_path, challenged)
    now = datetime.now(UTC).isoformat()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    late = [line | {"to": now} if "in_place_of" in line else line for line in lines]
    log.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in late))
    for version, after in ((champion, ""), (challenger, "served")):
        if after:
            alone = Challenged(challenger, BrineryError("none"))
            alone.ask([values[0]] * 30)
            printed(capsys, tmp_path, alone)
        main(["drift", "alcohol", "--registry", folder_store.url, "--log", str(log), "--json"])
        assert json.loads(capsys.readouterr().out)["reference"] == str(version.reference)


def test_newest_pair_is_told_and_others_are_named(
    folder_store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    champion, first = split_at(folder_store, 1.5, 0.5)
    _, second = split_at(folder_store, 1.5, 2.5)
    for challenger in (first, second):
        challenged = Challenged(champion, challenger)
        challenged.ask([1.0] * 30)
        log = printed(capsys, tmp_path, challenged)
    code, text, _ = told(capsys, folder_store, "tiny", "--log", log)
    assert code == 0 and text.splitlines()[0] == "also in this window: tiny:2 challenged tiny:1"
    assert "tiny:4 beside tiny:1: 30 rows" in text


def test_label_of_any_length_and_letters_leaves_the_table_readable(
    folder_store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    challenged = Challenged(*split_at(folder_store, 1.5, 0.5))
    challenged.ask([1.0] * 30)
    log = printed(capsys, tmp_path, challenged)
    line, label = json.loads(log.read_text().splitlines()[0]), "\n\x1b[31m" + "long" * 2000
    line["challenger"] |= {"labels": {label: [30, 20]}, "pairs": [[label, "0", 10]]}
    log.write_text(json.dumps(line, separators=(",", ":")))
    text = told(capsys, folder_store, "tiny", "--log", log)[1]
    assert max(map(len, text.splitlines())) < 200 and "\x1b" not in text and "\\n\\x1b[31mlong" in text
    assert told(capsys, folder_store, "tiny", "--log", log, "--json")[1]["pairs"] == [[label, "0", 10]]


def test_log_that_tells_of_no_challenger_is_a_sentence(
    folder_store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    challenged = Challenged(split_at(folder_store, 1.5)[0], BrineryError("gone"))
    challenged.ask([1.0] * 30)
    log = printed(capsys, tmp_path, challenged)
    code, _, err = told(capsys, folder_store, "tiny", "--log", log)
    assert code == 1 and err.startswith(
        "registry: no line of counts of tiny in this window tells of a challenger; 30 rows"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"model": "other:2"},
        {"digest": "sha256:1"},
        {"share": 2},
        {"rows": -1},
        {"labels": {"0": [1]}},
        {"labels": {"0": [30, 31]}},
        {"labels": {"0": [29, 29]}},
        {"differences": [10] * 15},
        {"pairs": [["0", 1]]},
        {"differences": [1, 2]},
        {"evil": 1},
    ],
    ids=str,
)
def test_line_whose_challenger_is_none_is_not_believed(
    folder_store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, Any]
) -> None:
    challenged = Challenged(*split_at(folder_store, 1.5, 0.5))
    challenged.ask([1.0] * 30)
    line = json.loads(printed(capsys, tmp_path, challenged).read_text().splitlines()[0])
    assert sum_lines([json.dumps(line, separators=(",", ":"))], "tiny").unreadable == 0
    line["challenger"] |= change
    assert sum_lines([json.dumps(line, separators=(",", ":"))], "tiny").unreadable == 1


@pytest.mark.parametrize("rows", [1, 20, 1000])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 1.0])
def test_interval_is_wilsons(rows: int, share: float) -> None:
    part = round(rows * share)
    expected = stats.binomtest(part, rows).proportion_ci(method="wilson")
    assert Share(rows, part, 0.02).interval == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize(("share", "within"), [(0.0, 0.02), (0.01, 0.02), (0.03, 0.02), (1.0, 0.5), (0.019, 0.02)])
def test_rows_needed_are_enough_and_fewer_are_not(share: float, within: float) -> None:
    needed = Share(10_000, round(10_000 * share), within).needed
    assert needed is not None

    def tells(rows: float) -> bool:
        low, high = wilson(share, rows)
        return high <= within or low > within

    assert tells(needed) and not tells(needed / 1.11)
    assert Share(10_000, 200, 0.02).needed is None
