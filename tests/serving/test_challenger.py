"""The challenger: a second version beside the one that is served, or in its place for a share of requests."""

import gc
import json
import logging
import tracemalloc
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from scipy import stats
from sklearn.tree import DecisionTreeClassifier

from brinery.errors import BrineryError, DigestMismatch, StoreUnavailable
from brinery.loading.load import load
from brinery.loading.model import VerifiedModel
from brinery.monitoring.agreement import EDGES
from brinery.rows.feature import Feature
from brinery.versions.store import Store
from serving.app import create_app
from serving.challenger import Challenger
from serving.counts import LEAST_ROWS
from serving.settings import Settings
from tests.conftest import overwrite
from tests.examples import WINE, frame, publish_example, publish_files, tiny
from tests.lambda_runtime import emulator
from tests.serving.conftest import Client, event_v2, loader_of, problem_of, strict_json
from tests.serving.served import served
from tests.waiting import wait_until

Models = Callable[..., VerifiedModel]
TREE = "sklearn.tree.DecisionTreeClassifier"


def two(store: Store, name: str, format: str = "auto", **other: Any) -> tuple[VerifiedModel, VerifiedModel]:
    """A model, and another version of it."""
    first, second = publish_example(store, name), publish_example(store, name, **other)
    return load(store, first, format=format, profile=True), load(store, second, format=format, profile=True)


def split_at(store: Store, first: float, second: float = 0.5) -> tuple[VerifiedModel, VerifiedModel]:
    """Two versions of the model `tiny` that answer 1 above a value, and 0 up to it."""
    made = []
    for value in (first, second):
        fitted = DecisionTreeClassifier().fit([[value - 0.5], [value + 0.5]], [0, 1])
        made.append(load(store, publish_files(store, *tiny(estimator=fitted)), profile=True))
    return made[0], made[1]


class Challenged:
    """Requests to an app whose model is challenged, and the lines of counts that it prints."""

    def __init__(
        self,
        champion: VerifiedModel | BrineryError,
        challenger: VerifiedModel | BrineryError | Callable[[], VerifiedModel],
        share: float = 0.0,
        capsys: pytest.CaptureFixture[str] | None = None,
    ) -> None:
        def load_it() -> VerifiedModel:
            if isinstance(challenger, BrineryError):
                raise challenger
            return challenger if isinstance(challenger, VerifiedModel) else challenger()

        self.challenger, self._capsys = Challenger(load_it, share), capsys
        self.challenger.start()
        self.challenger.wait(60)
        self.app = create_app(loader_of(champion), Settings("test:"), challenger=self.challenger)
        self._client = Client(self.app)

    def ask(self, data: Any, status: int = 200, key: str | None = None, **params: str) -> Any:
        headers = {} if key is None else {"x-request-key": key}
        answer = self._client.request("POST", "/predict", json={"data": data}, headers=headers, params=params)
        assert answer.status_code == status, answer.text
        return strict_json(answer.content) if status == 200 else problem_of(answer.text, status)

    def version(self) -> Any:
        return self._client.get("/model/version").json()["challenger"]

    def told(self) -> list[dict[str, Any]]:
        """All lines, the last ones with the end of the server."""
        assert self._capsys is not None
        self.app.state.end()
        return lines_of(self._capsys.readouterr().out)


def lines_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith('{"brinery":"counts"')]


def summed(lines: list[dict[str, Any]]) -> tuple[dict[str, list[int]], dict[tuple[str, str], int], Counter[str]]:
    """What lines say of a challenger: rows and agreed ones by label, pairs that differ, and sums."""
    labels, pairs, sums = dict[str, list[int]](), Counter[tuple[str, str]](), Counter[str]()
    for told in (line["challenger"] for line in lines if "challenger" in line):
        for label, (rows, agreed) in told.get("labels", {}).items():
            found = labels.setdefault(label, [0, 0])
            found[0], found[1] = found[0] + rows, found[1] + agreed
        pairs.update({(one, other): count for one, other, count in told.get("pairs", ())})
        sums.update({name: told.get(name, 0) for name in ("rows", "refused", "failed")})
        assert told.get("rows", LEAST_ROWS) >= LEAST_ROWS
    return labels, pairs, sums


@pytest.mark.slow
@pytest.mark.parametrize("format", ["onnx", "pickle"])
def test_shadow_answers_as_the_champion_and_counts_each_pair_of_labels(
    folder_store: Store, capsys: pytest.CaptureFixture[str], format: str
) -> None:
    """Single rows, lists and refused requests; against a count of the test's own."""
    champion, challenger = two(folder_store, "alcohol", format, estimator=TREE)
    challenged = Challenged(champion, challenger, capsys=capsys)
    values, expected = frame("alcohol")[0].to_numpy(), Counter[tuple[str, str]]()
    for place, row in enumerate(values):
        data = [row.tolist(), row.tolist()] if place % 3 == 0 else row.tolist()
        answer = challenged.ask(data)
        assert answer["model"] == {"name": "alcohol", "version": 1}
        rows = [data] if place % 3 else data
        for one, other in zip(champion.predict(rows), challenger.predict(rows), strict=True):
            expected[str(one["prediction"]), str(other["prediction"])] += 1
        challenged.ask("x", 422)
    labels, pairs, sums = summed(challenged.told())
    assert pairs == {pair: count for pair, count in expected.items() if pair[0] != pair[1]} and pairs
    assert sums == {"rows": expected.total(), "refused": 0, "failed": 0}
    for label in ("0", "1", "2"):
        rows_of = sum(count for (one, _), count in expected.items() if one == label)
        assert labels[label] == [rows_of, expected[label, label]]


def test_shadow_of_a_known_disagreement_is_told(folder_store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    challenged = Challenged(*split_at(folder_store, 1.5, 0.5), capsys=capsys)
    for value in [0.0, 1.0, 2.0, 3.0] * 25:
        challenged.ask(value)
    (first, last) = challenged.told()
    assert first["challenger"] == {"model": "tiny:2", "digest": last["challenger"]["digest"], "share": 0.0}
    assert last["challenger"]["labels"] == {"0": [50, 25], "1": [50, 50]}
    assert last["challenger"]["pairs"] == [["0", "1", 25]]


def test_shadow_tells_nothing_of_few_rows(folder_store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    challenged = Challenged(*split_at(folder_store, 1.5, 0.5), capsys=capsys)
    for _ in range(LEAST_ROWS - 1):
        challenged.ask(1.0)
    assert all("rows" not in line["challenger"] for line in challenged.told())


def test_shadow_of_a_regressor_counts_differences_in_deviations(
    folder_store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    champion, challenger = two(folder_store, "progress", estimator="sklearn.tree.DecisionTreeRegressor")
    challenged, rows = Challenged(champion, challenger, capsys=capsys), frame("progress")[0].to_numpy()[:100]
    for row in rows:
        challenged.ask(row.tolist())
    ours, theirs = (
        np.array([each["prediction"] for each in model.predict(rows.tolist())]) for model in (champion, challenger)
    )
    differences = (theirs - ours) / champion.manifest.task.deviation  # type: ignore[attr-defined]
    expected = np.histogram(differences, [-np.inf, *EDGES, np.inf])[0]  # (none is at an edge)
    assert challenged.told()[-1]["challenger"]["differences"] == expected.tolist()


def test_share_of_requests_is_answered_by_the_challenger_and_says_so(
    folder_store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    challenged = Challenged(*split_at(folder_store, 1.5, 0.5), share=0.3, capsys=capsys)
    answered = Counter[int]()
    for _ in range(1000):
        answer = challenged.ask(1.0)
        version = answer["model"]["version"]
        answered[version] += 1
        assert answer["prediction"] == version - 1  # each by its own rule
    assert stats.binomtest(answered[2], 1000, 0.3).pvalue > 1e-6
    sums = Counter[str]()
    for line in challenged.told():
        sums[line["model"]] += line["Requests"]
        assert "labels" not in line.get("challenger", {})
        assert line["model"] == "tiny:2" or line["challenger"]["share"] == 0.3
    assert sums == {"tiny:1": answered[1], "tiny:2": answered[2]}


@pytest.mark.slow
def test_share_by_key_is_the_same_for_a_key_and_grows_with_the_share(folder_store: Store) -> None:
    models = split_at(folder_store, 1.5, 0.5)
    taken = {}
    for share in (0.1, 0.5):
        ours, again = Challenged(*models, share=share), Challenged(*models, share=share)
        keys = [f"customer-{number}" for number in range(400)]
        taken[share] = {key for key in keys if ours.ask(1.0, key=key)["model"]["version"] == 2}
        assert {key for key in keys[:50] if again.ask(1.0, key=key)["model"]["version"] == 2} <= taken[share]
        assert all(again.ask(1.0, key=key)["model"]["version"] == 2 for key in taken[share])
        assert stats.binomtest(len(taken[share]), 400, share).pvalue > 1e-6
    assert taken[0.1] < taken[0.5]


@pytest.mark.parametrize(("share", "versions"), [(1.0, {2}), (0.0, {1})])
def test_share_of_all_or_none_is_that(folder_store: Store, share: float, versions: set[int]) -> None:
    challenged = Challenged(*split_at(folder_store, 1.5, 0.5), share=share)
    answers = [challenged.ask(1.0, key=key) for key in (*"abcdefgh", None)]
    assert {answer["model"]["version"] for answer in answers} == versions


def test_champion_alone_answers_who_asks_for_it(folder_store: Store) -> None:
    challenged = Challenged(*split_at(folder_store, 1.5, 0.5), share=1.0)
    assert challenged.ask(1.0, challenger="false")["model"]["version"] == 1
    assert challenged.ask(1.0, challenger="true")["model"]["version"] == 2
    assert challenged.ask(1.0, 400, challenger="no")["detail"] == "challenger must be true or false"


@pytest.mark.parametrize("share", [0.0, 1.0])
@pytest.mark.parametrize("error", [DigestMismatch("manifest.json is not what was pinned"), RuntimeError("odd")])
def test_challenger_that_cannot_be_loaded_is_logged_and_left_out(
    folder_store: Store, caplog: pytest.LogCaptureFixture, share: float, error: Exception
) -> None:
    def fails() -> VerifiedModel:
        raise error

    logging.getLogger("brinery").propagate = True
    challenged = Challenged(split_at(folder_store, 1.5)[0], fails, share=share)
    assert [challenged.ask(value)["prediction"] for value in (1.0, 2.0)] == [0, 1]
    assert challenged.version() is None
    (record,) = [each for each in caplog.records if each.levelname == "ERROR"]
    assert record.kind == "challenger" and not hasattr(record, "error")  # type: ignore[attr-defined]
    assert str(error) in record.message and type(error).__name__ in record.message


def test_challenger_is_loaded_again_after_a_fault_that_passes(folder_store: Store) -> None:
    champion, challenger = split_at(folder_store, 1.5, 0.5)
    tries: list[int] = []

    def at_last() -> VerifiedModel:
        tries.append(1)
        if len(tries) == 1:
            raise StoreUnavailable("the store does not answer")
        return challenger

    challenged = Challenged(champion, at_last, share=1.0)
    assert challenged.ask(1.0)["model"]["version"] == 1
    wait_until(lambda: challenged.ask(1.0)["model"]["version"] == 2)
    assert len(tries) == 2


def test_challenger_of_another_task_is_left_out(
    folder_store: Store, models: Models, caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger("brinery").propagate = True
    challenged = Challenged(models("wine"), models("progress"), share=1.0)
    assert challenged.ask(WINE)["model"]["version"] == 1
    assert challenged.version() is None
    assert "is a regression, and" in caplog.text


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_rows_that_the_challenger_refuses_are_answered_by_the_champion(
    folder_store: Store, capsys: pytest.CaptureFixture[str], share: float
) -> None:
    """Its feature has another name, so that it reads objects otherwise, and knows no row."""
    champion, _ = split_at(folder_store, 1.5)
    described, files = tiny(estimator=DecisionTreeClassifier().fit([[0.0], [1.0]], [0, 1]))
    other = described.model_copy(update={"features": (Feature(name="y", kind="number", minimum=0, maximum=3),)})
    challenger = load(folder_store, publish_files(folder_store, other, files))
    challenged = Challenged(champion, challenger, share=share, capsys=capsys)
    for _ in range(30):
        assert challenged.ask({"x": 1.0})["model"]["version"] == 1
    told = challenged.told()
    assert summed(told)[2] == {"rows": 0, "refused": 30, "failed": 0}
    assert {line["model"] for line in told} == {"tiny:1"}


@pytest.mark.slow
def test_rows_that_either_refuses_are_left_out_of_the_comparison(
    folder_store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a partial request the second row is none to both, the third none to the challenger, who saw two islands."""
    champion, challenger = two(folder_store, "mixed", rows=200)
    features = tuple(
        each.model_copy(update={"categories": ("Biscoe", "Dream")}) if each.name == "island" else each
        for each in challenger.manifest.features
    )
    narrow = replace(
        challenger,
        parser=type(challenger.parser)(features),
        published=replace(challenger.published, manifest=challenger.manifest.model_copy(update={"features": features})),
    )
    challenged = Challenged(champion, narrow, capsys=capsys)
    row = {"mass": 5000.0, "year": 2008, "tagged": True, "island": "Dream", "sex": None}
    rows = [row, row | {"island": "Atlantis"}, row | {"island": "Torgersen"}, row | {"mass": 1000.0}]
    for _ in range(20):
        answer = challenged.ask(rows, partial="true")
        assert [each.get("status", 200) for each in answer["predictions"]] == [200, 422, 200, 200]
    labels, pairs, sums = summed(challenged.told())
    assert sums == {"rows": 40, "refused": 20, "failed": 0} and not pairs
    assert labels == {"Gentoo": [20, 20], "Adélie": [20, 20]}


@pytest.mark.parametrize("alone", [True, False])
def test_partial_request_is_the_champions_where_the_challenger_alone_refuses_a_row(
    folder_store: Store, capsys: pytest.CaptureFixture[str], alone: bool
) -> None:
    """What both refuse is the challenger's to tell, and none that it alone refuses; a whole request likewise."""
    champion, _ = split_at(folder_store, 1.5)
    described, files = tiny(estimator=DecisionTreeClassifier().fit([[0.0], [1.0]], [0, 1]))
    kind = Feature(name="x", kind="integer" if alone else "number", minimum=0, maximum=3)
    other = described.model_copy(update={"features": (kind,)})
    challenger = load(folder_store, publish_files(folder_store, other, files), profile=True)
    challenged = Challenged(champion, challenger, share=1.0, capsys=capsys)
    for _ in range(20):
        answer = challenged.ask([1.0, 1.5, "no"], partial="true")
        assert [each.get("status", 200) for each in answer["predictions"]] == [200, 200, 422]
        assert answer["model"]["version"] == (1 if alone else 3)
        challenged.ask("no", 422)
    told = challenged.told()
    assert summed(told)[2] == {"rows": 0, "refused": 20 if alone else 0, "failed": 0}
    rows = {line["model"]: line["all_rows"] for line in told}
    assert rows == ({"tiny:1": 40} if alone else {"tiny:1": 0, "tiny:3": 40})


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["number", "integer"])
@pytest.mark.parametrize("good", [[], [1.0]])
def test_rows_that_were_not_answered_are_not_held_for_the_challenger(
    folder_store: Store, kind: Any, good: list[float]
) -> None:
    """Whoever sends partial requests of many bad rows, and few good ones, takes no memory by it."""
    champion, _ = split_at(folder_store, 1.5)
    described, files = tiny(estimator=DecisionTreeClassifier().fit([[0.0], [1.0]], [0, 1]))
    other = described.model_copy(update={"features": (Feature(name="x", kind=kind, minimum=0, maximum=3),)})
    challenged = Challenged(champion, load(folder_store, publish_files(folder_store, other, files)))
    rows = [*good, *["no"] * 5000]
    challenged.ask(rows, partial="true")
    tracemalloc.start()
    try:
        for _ in range(4):
            challenged.ask(rows, partial="true")
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] < 400_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("how", ["refused", "failed"])
@pytest.mark.parametrize("share", [0.0, 1.0])
def test_challenger_that_fails_to_answer_costs_no_answer_and_is_logged_once(
    folder_store: Store, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], share: float, how: str
) -> None:
    """It has no answer to a row that it fails at, and fails by whatever else it does."""

    class Broken:
        def predict(self, rows: Any) -> Any:
            if how == "refused":
                raise MemoryError("no more")

    logging.getLogger("brinery").propagate = True
    champion, challenger = split_at(folder_store, 1.5, 0.5)
    broken: Any = Broken()
    challenged = Challenged(champion, replace(challenger, predictor=broken), share=share, capsys=capsys)
    for _ in range(30):
        assert challenged.ask([1.0, 2.0])["predictions"][0]["prediction"] == 0
    sums = summed(challenged.told())[2]
    assert sums == {"rows": 0, "refused": 0, "failed": 0} | {how: 60 if share == 0 else 30}
    told = [each.kind for each in caplog.records if each.levelname == "ERROR"]  # type: ignore[attr-defined]
    assert told == (["challenger"] if how == "failed" or share == 0 else [])


def test_champion_that_cannot_be_loaded_is_no_answer_whatever_the_challenger(folder_store: Store) -> None:
    challenged = Challenged(DigestMismatch("no"), split_at(folder_store, 1.5)[0], share=1.0)
    challenged.ask(1.0, 503)


def test_version_tells_the_challenger_from_its_manifest(folder_store: Store) -> None:
    champion, challenger = split_at(folder_store, 1.5, 0.5)
    assert Challenged(champion, challenger, share=0.25).version() == {
        "version": 2,
        "digest": f"sha256:{challenger.reference.digest}",
        "format": "pickle",
        "share": 0.25,
    }


@pytest.mark.slow
@pytest.mark.parametrize("harm", [None, "manifest", "missing", "unpinned"])
def test_server_loads_the_challenger_that_the_environment_names(
    folder_store: Store, tmp_path: Path, harm: str | None
) -> None:
    """In a process, from a folder: what is not what was pinned is left out, and the champion answers."""
    first, second = publish_example(folder_store, "alcohol"), publish_example(folder_store, "alcohol", estimator=TREE)
    if harm == "manifest":
        overwrite(folder_store, f"{second.folder}/manifest.json", b"{}")
    named = {"missing": second.version_text.replace("2@", "3@"), "unpinned": "2"}.get(harm or "", second.version_text)
    environment = {
        "MODEL_REGISTRY": folder_store.url,
        "MODEL_NAME": "alcohol",
        "MODEL_VERSION": first.version_text,
        "CHALLENGER_VERSION": named,
        "CHALLENGER_SHARE": "1",
        "REQUIRE_PIN": "on",
    }
    with served(tmp_path, None, **environment) as server:

        def asked() -> int:
            answer: httpx.Response = server.client.post("/classify", json={"data": 13.0})
            assert answer.status_code == 200, answer.text
            return int(answer.json()["model"]["version"])

        if harm is None:
            wait_until(lambda: asked() == 2)
        else:
            wait_until(lambda: "the challenger is left out" in server.log.read_text())
            assert {asked() for _ in range(20)} == {1}
            assert '"kind": "challenger"' in server.log.read_text()


@pytest.mark.parametrize(
    ("variable", "value"), [("CHALLENGER_SHARE", value) for value in ("1.1", "-0.1", "a half", "nan", "1e-3", ".")]
)
def test_share_that_is_none_is_refused(variable: str, value: str) -> None:
    from brinery.errors import SettingInvalid
    from serving.settings import read_settings

    with pytest.raises(SettingInvalid, match=f"{variable} is .*; it must be a number from 0 to 1"):
        read_settings({variable: value})


def test_function_loads_the_challenger_within_its_init(folder_store: Store, tmp_path: Path) -> None:
    """Under Lambda's runtime client: the first answers are compared, and the line says so before the answer returns."""
    first, second = publish_example(folder_store, "alcohol"), publish_example(folder_store, "alcohol", estimator=TREE)
    environment = {
        "MODEL_REGISTRY": folder_store.url,
        "MODEL_NAME": "alcohol",
        "MODEL_VERSION": first.version_text,
        "CHALLENGER_VERSION": second.version_text,
        "REQUIRE_PIN": "on",
    }
    log = tmp_path / "function.log"
    rows = json.dumps({"data": [[13.0]] * 30})
    with emulator(environment, log=log) as invoke:
        assert invoke(event_v2(rows))["statusCode"] == 200
        lines = lines_of(log.read_text())
    assert lines[0]["challenger"]["rows"] == 30 and lines[0]["challenger"]["model"] == "alcohol:2"
