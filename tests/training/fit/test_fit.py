"""Fits: searches in parallel processes, cross-validation, weights, factories, and a Dask cluster."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from joblib.externals.loky import get_reusable_executor
from sklearn import metrics
from sklearn.datasets import load_wine, make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from brinery.assessment.assessor import ASSESSORS
from brinery.assessment.evaluate import measure
from brinery.errors import DataInvalid
from brinery.rows.feature import Feature
from brinery.versions.manifest import MOST_TRIALS
from tests.conftest import free_port
from training.errors import ClusterUnusable, FitFailed, SpecInvalid
from training.fit.cluster import connect
from training.fit.estimator import make_estimator
from training.fit.fit import Fitting
from training.fit.pipeline import make_pipeline_for
from training.spec import ModelSpec

X, Y = load_wine(return_X_y=True)
FEATURES = tuple(Feature(name=f"f{j}", kind="number", minimum=0, maximum=1) for j in range(13))
LOGISTIC = "sklearn.linear_model.LogisticRegression"


def fitting(cluster: Any = nullcontext, report: Any = lambda done, total: None, **keys: Any) -> Fitting:
    spec = ModelSpec.model_validate({"data": "sklearn:wine", "estimator": LOGISTIC, "params": {"max_iter": 500}} | keys)
    return Fitting(spec, make_pipeline_for(spec, FEATURES), ASSESSORS["classification"], cluster, report)


@pytest.mark.slow
def test_grid_takes_the_best_and_reports_every_fit() -> None:
    seen: list[tuple[int, int]] = []
    fit = fitting(report=lambda *pair: seen.append(pair), search={"C": [1e-6, 1.0]}).fit(X, Y)
    assert fit.params == {"max_iter": 500, "C": 1.0}
    assert fit.pipeline.named_steps["model"].C == 1.0
    assert seen[0] == (0, 10) and seen[-1] == (10, 10) and seen == sorted(seen)


@pytest.mark.slow
def test_grid_runs_in_other_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "which_process.py").write_text(
        "import os, pathlib\n"
        "from sklearn.linear_model import LogisticRegression\n"
        "class Tell(LogisticRegression):\n"
        "    def fit(self, *rest, **more):\n"
        f"        pathlib.Path({str(tmp_path)!r}, f'pid{{os.getpid()}}').touch()\n"
        "        return super().fit(*rest, **more)\n"
        "def make(C=1.0, max_iter=100):\n"
        "    return Tell(C=C, max_iter=max_iter)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    get_reusable_executor().shutdown()  # its processes know the paths of when they were started
    fitting(estimator="which_process:make", scale=True, search={"C": [0.1, 1.0, 10.0]}).fit(X, Y)
    pids = {int(path.name[3:]) for path in tmp_path.glob("pid*")}
    assert os.getpid() in pids  # the winner's fit on all rows
    assert len(pids) > 1


@pytest.mark.slow
def test_halving_search_tries_as_many_as_told_and_takes_a_good_one() -> None:
    x, y = make_classification(2000, 13, n_informative=6, random_state=0)
    seen: list[tuple[int, int]] = []
    grid = {"C": [10.0**e for e in range(-8, 4)]}
    fit = fitting(report=lambda *pair: seen.append(pair), search=grid, trials=9, random_state=1).fit(x, y)
    assert float(str(fit.params["C"])) > 1e-4
    assert fit.search is not None and fit.search.tried == 9
    rows = [trial.rows for trial in fit.search.trials]
    assert rows == sorted(rows, reverse=True) and rows[0] > rows[-1]  # type: ignore[operator,type-var]
    assert fit.search.trials[0].chosen and fit.search.trials[0].params == {"C": fit.params["C"]}
    assert seen[-1][0] > 9 * 5  # the first round, and some of a second


@pytest.mark.slow
@pytest.mark.parametrize("scoring", ["balanced_accuracy", "macro_f1", "roc_auc", "log_loss"])
@pytest.mark.parametrize("rows", [slice(None), slice(0, 130)], ids=["three classes", "two"])
def test_search_maximises_what_it_is_told(scoring: str, rows: slice) -> None:
    fit = fitting(search={"C": [1e-6, 1.0]}, scoring=scoring).fit(X[rows], Y[rows])
    assert fit.params["C"] == 1.0
    assert fit.search is not None
    best, other = fit.search.trials
    assert (best.params, best.chosen, other.params, other.chosen) == ({"C": 1.0}, True, {"C": 1e-6}, False)
    assert best.mean is not None and other.mean is not None and best.deviation is not None
    assert (best.mean < other.mean) == (scoring == "log_loss") and min(best.mean, other.mean) >= 0


@pytest.mark.slow
def test_search_keeps_the_best_of_many_trials_in_few_short_values() -> None:
    kept = (
        fitting(
            estimator="sklearn.svm.SVC",
            params={},
            scale=True,
            search={"C": [10.0**e for e in range(-6, 7)], "gamma": ["scale", 0.1]},
        )
        .fit(X, Y)
        .search
    )
    assert kept is not None and (kept.tried, len(kept.trials), kept.folds) == (26, MOST_TRIALS, 5)
    means = [trial.mean for trial in kept.trials]
    assert means == sorted(means, reverse=True) and [trial.chosen for trial in kept.trials].count(True) == 1  # type: ignore[type-var]


@pytest.mark.slow
def test_cross_validation_answers_every_row_by_a_model_that_did_not_see_it() -> None:
    tree = fitting(estimator="sklearn.tree.DecisionTreeClassifier", params={}, cv=5)
    noise = np.random.default_rng(0).integers(0, 2, len(X))
    found = tree.cross_validate(X, noise, 5)
    assert 0.3 < accuracy_score(noise, found.labels) < 0.7  # it would be 1 on rows that the tree knows
    assert found.probabilities is not None and found.probabilities.shape == (178, 2)
    searched = fitting(search={"C": [1e-6, 1.0]}, cv=3).cross_validate(X, Y, 3)
    assert accuracy_score(Y, searched.labels) > 0.95
    without = fitting(estimator="sklearn.svm.LinearSVC", params={}, cv=3).cross_validate(X, Y, 3)
    assert without.probabilities is None and accuracy_score(Y, without.labels) > 0.9


@pytest.mark.slow
def test_metrics_of_folds_are_those_of_scikit_learn_on_all_answers_together() -> None:
    hard = X[:, :3]
    made = fitting(cv=7, random_state=3)
    found = measure(made.assessor, made.cross_validate(hard, Y, 7))
    splits = StratifiedKFold(7, shuffle=True, random_state=3)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500, random_state=3))
    labels = cross_val_predict(model, hard, Y, cv=splits)
    probabilities = cross_val_predict(model, hard, Y, cv=splits, method="predict_proba")
    assert found == pytest.approx(
        {
            "accuracy": metrics.accuracy_score(Y, labels),
            "balanced_accuracy": metrics.balanced_accuracy_score(Y, labels),
            "macro_f1": metrics.f1_score(Y, labels, average="macro"),
            "roc_auc": metrics.roc_auc_score(Y, probabilities, multi_class="ovr"),
            "log_loss": metrics.log_loss(Y, probabilities),
        },
        abs=1e-12,
    )
    assert found["macro_f1"] != cross_val_score(model, hard, Y, cv=splits, scoring="f1_macro").mean()


def test_a_class_with_fewer_rows_than_folds_is_named() -> None:
    few = np.r_[Y[:-4], [7] * 4]
    with pytest.raises(
        DataInvalid, match='class "7" has 4 rows, fewer than the 5 folds of search; leave the class out'
    ):
        fitting(search={"C": [1.0]}).fit(X, few)
    with pytest.raises(DataInvalid, match='class "7" has 4 rows, fewer than the 6 folds of cv'):
        fitting(cv=6).cross_validate(X, few, 6)


@pytest.mark.parametrize(
    ("labels", "weight"),
    [
        (Y, {"0": 9}),
        (Y == 0, {"true": 9}),
        (np.array(["a", "b", "c"])[Y], {"a": 9}),
    ],
    ids=["whole numbers", "booleans", "texts"],
)
def test_class_weights_are_those_of_scikit_learn(labels: np.ndarray, weight: dict[str, float]) -> None:
    fitted = fitting(class_weight=weight).fit(X, labels).pipeline
    keyed = {
        label: 9.0 if i == (1 if labels.dtype == bool else 0) else 1.0 for i, label in enumerate(np.unique(labels))
    }
    scaled = fitted[:-1].transform(X)
    expected = LogisticRegression(max_iter=500, class_weight=keyed, random_state=0).fit(scaled, labels)
    assert np.allclose(fitted.predict_proba(X), expected.predict_proba(scaled), atol=1e-6)


def test_balanced_weights_reach_forests_and_searches() -> None:
    forest = {"estimator": "sklearn.ensemble.RandomForestClassifier", "params": {"n_estimators": 5}}
    fitted = fitting(class_weight="balanced", **forest).fit(X[:150], Y[:150]).pipeline
    expected = RandomForestClassifier(5, class_weight="balanced", random_state=0).fit(X[:150], Y[:150])
    assert np.allclose(fitted.predict_proba(X), expected.predict_proba(X))
    assert fitting(class_weight="balanced", search={"C": [1.0]}).fit(X, Y).params["C"] == 1.0


def test_class_weights_for_no_such_class_or_estimator_are_refused() -> None:
    with pytest.raises(SpecInvalid, match='^class_weight names "9"; the classes are 0, 1, 2'):
        fitting(class_weight={"9": 2}).fit(X, Y)
    neighbours = fitting(estimator="sklearn.neighbors.KNeighborsClassifier", params={}, class_weight="balanced")
    with pytest.raises(SpecInvalid, match="KNeighborsClassifier takes no weights"):
        neighbours.fit(X, Y)


def test_a_candidate_that_does_not_converge_loses_and_the_winner_must() -> None:
    assert fitting(params={}, search={"max_iter": [1, 500]}).fit(X, Y).params == {"max_iter": 500}
    with pytest.raises(FitFailed, match="did not fit: lbfgs failed to converge"):
        fitting(params={}, search={"max_iter": [1]}).fit(X, Y)
    with pytest.raises(FitFailed, match="did not search: .*The 'C' parameter of LogisticRegression must be a float"):
        fitting(search={"C": [-1.0, 1.0]}).fit(X, Y)


@pytest.mark.slow
def test_what_does_not_converge_on_columns_in_their_own_units_is_told_how_they_are_scaled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_units.py").write_text(
        "from sklearn.linear_model import LogisticRegression\ndef make(): return LogisticRegression()\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(FitFailed, match='in their own units: "scale": true brings them to mean 0 and deviation 1'):
        fitting(estimator="own_units:make", params={}).fit(X, Y)
    with pytest.raises(FitFailed) as asked:
        fitting(estimator="own_units:make", params={}, scale=False).fit(X, Y)
    assert "own units" not in str(asked.value)
    fitting(estimator="own_units:make", params={}, scale=True).fit(X, Y)


def factory(folder: Path, body: str, **keys: Any) -> Any:
    name = f"factory_{time.time_ns()}"
    (folder / f"{name}.py").write_text(f"from sklearn.ensemble import VotingClassifier\n{body}")
    spec = ModelSpec.model_validate({"data": "x.csv", "estimator": f"{name}:make"} | keys)
    try:
        return make_estimator(spec, folder)
    finally:
        sys.path.remove(str(folder.resolve()))


def test_factory_of_the_user_makes_what_json_cannot(tmp_path: Path) -> None:
    body = (
        "from sklearn.linear_model import LogisticRegression\n"
        "def make(C, random_state=None):\n"
        "    return VotingClassifier([('one', LogisticRegression(C=C, random_state=random_state))])\n"
    )
    made = factory(tmp_path, body, params={"C": 3}, random_state=5, search={"one__C": [1]})
    assert made.estimators[0][1].C == 3 and made.estimators[0][1].random_state == 5


@pytest.mark.parametrize(
    ("body", "keys", "message"),
    [
        ("def make(C): pass", {"params": {"c": 1}}, "^params.c is not a parameter of .*:make; it has C"),
        ("def make(): return 3", {}, "cannot be made from no parameters: 'int' object has no attribute 'get_params'"),
        ("def make(C): return C", {}, r"cannot be made from no parameters: make\(\) missing 1 required"),
        ("import nothing_like_it", {}, "cannot be imported from .*: No module named 'nothing_like_it'"),
        ("raise RuntimeError('no\\nnetwork')", {}, "RuntimeError: no network"),
        ("def build(): pass", {}, "cannot be imported from .*has no attribute 'make'"),
        ("make = 3", {}, "it must be a function that returns a classifier or a regressor"),
        (
            "from sklearn.cluster import KMeans\ndef make(): return KMeans()",
            {},
            "it must be a classifier or a regressor",
        ),
        (
            "def make(): return VotingClassifier([])",
            {"search": {"C": [1]}},
            "^search.C is not a parameter of .*:make; it has estimators",
        ),
    ],
    ids=str,
)
def test_factory_that_fails_is_a_sentence(tmp_path: Path, body: str, keys: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecInvalid, match=message) as caught:
        factory(tmp_path, body, **keys)
    assert "\n" not in str(caught.value)


SCHEDULER = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--no-dashboard"]


@pytest.fixture
def dask() -> Iterator[tuple[str, list["subprocess.Popen[bytes]"]]]:
    """A real scheduler and two real worker processes."""
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    processes = [_quiet([*SCHEDULER, "--port", str(port)])]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny"]
    processes += [_quiet([*worker, "--no-dashboard", "--host", "127.0.0.1"]) for _ in range(2)]
    try:
        yield address, processes[1:]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _quiet(command: list[str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _wait_for_workers(address: str, count: int) -> None:
    from distributed import Client

    with Client(address, timeout=60, set_as_default=False) as client:
        if count:
            client.wait_for_workers(count, timeout=60)


def forests(trees: int, depths: int) -> dict[str, Any]:
    """The search for a forest's depth."""
    return {
        "estimator": "sklearn.ensemble.RandomForestClassifier",
        "params": {"n_estimators": trees},
        "search": {"max_depth": list(range(1, depths + 1))},
    }


@pytest.mark.campaign
@pytest.mark.filterwarnings("ignore")  # those of Dask and Tornado
def test_search_on_a_dask_cluster_survives_a_killed_worker(
    dask: tuple[str, list["subprocess.Popen[bytes]"]],
) -> None:
    """The one that holds the most is killed, the rows among it."""
    from distributed import Client

    search = forests(60, 4)
    address, workers = dask
    _wait_for_workers(address, 2)
    started = threading.Event()
    killed: list[int] = []

    def kill_one() -> None:
        assert started.wait(60)
        held = watching.has_what()
        killed.append(pids[max(held, key=lambda worker: len(held[worker]))])
        os.kill(killed[0], signal.SIGKILL)

    def report(done: int, total: int) -> None:
        if done >= 2:
            started.set()

    with Client(address, set_as_default=False) as watching:
        pids = watching.run(os.getpid)
        killer = threading.Thread(target=kill_one)
        killer.start()
        with connect(address) as cluster:
            fit = fitting(cluster, report, **search).fit(X, Y)
        killer.join()
    (victim,) = (worker for worker in workers if worker.pid in killed)
    assert victim.wait(10) == -signal.SIGKILL
    assert [worker.poll() for worker in workers if worker is not victim] == [None]
    here = fitting(**search).fit(X, Y)
    assert fit.params == here.params
    assert np.array_equal(fit.pipeline.predict_proba(X), here.pipeline.predict_proba(X))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_dask_without_a_scheduler_or_a_worker_is_a_sentence() -> None:
    from distributed import Client

    address = f"tcp://127.0.0.1:{free_port()}"
    with pytest.raises(ClusterUnusable, match=f"--dask is '{address}', and no scheduler answers there"):
        with connect(address, seconds=1):
            pass
    with pytest.raises(ClusterUnusable, match="--dask is 'nonsense:xyz', and no scheduler answers there") as refused:
        with connect("nonsense:xyz", seconds=1):
            pass
    open_clients = [it for it in gc.get_objects() if issubclass(type(it), Client) and it.status != "closed"]
    assert refused and not open_clients, "the garbage collector will close them, in any thread, and may hang there"
    port = free_port()
    scheduler = _quiet([*SCHEDULER, "--port", str(port)])
    try:
        _wait_for_workers(f"tcp://127.0.0.1:{port}", 0)
        with pytest.raises(ClusterUnusable, match="whose scheduler has no worker yet; start one"):
            with connect(f"tcp://127.0.0.1:{port}"):
                pass
    finally:
        scheduler.kill()
        scheduler.wait()
