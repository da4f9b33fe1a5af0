"""The `train` command as a person meets it."""

import hashlib
import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import joblib
import pytest
from sklearn.datasets import load_wine

from brinery.loading.load import load
from brinery.promotion.records import write as write_record
from brinery.versions.publish import publish
from brinery.versions.reference import Reference
from brinery.versions.store import open_store
from tests.brinery.loading.test_isolation import Code
from tests.brinery.promotion.conftest import record
from tests.conftest import ROOT, python
from tests.examples import example, pickled, publish_example
from tests.https_site import Pages, https_site
from tests.models_file import EXAMPLES, SPEC, write
from tests.training.conftest import Train
from tests.training.slow import slow_model, wait_for_the_fit
from training.__main__ import main

MODELS = ["wine", "wine-alcohol", "penguins", "digits", "breast-cancer", "diabetes"]


@pytest.mark.slow
@pytest.mark.parametrize("models", [["wine", "penguins"], pytest.param(MODELS, marks=pytest.mark.campaign)], ids=len)
def test_train_publishes_and_prints_lines_that_promote(tmp_path: Path, models: list[str]) -> None:
    registry = (tmp_path / ".registry").as_uri()
    result = python("-m", "training", *models, "--models", str(EXAMPLES), "--registry", registry)
    assert (result.returncode, result.stderr) == (0, "")
    *tables, columns, notes, promote, by_hand = (part.splitlines() for part in result.stdout.split("\n\n"))
    rows = []
    for (head, *of_task), first in zip(tables, ("ACCURACY", "RMSE"), strict=False):
        assert head.split()[:4] == ["MODEL", "REFERENCE", first, "BASELINE"] and head.split()[-2:] == [
            "GATE",
            "SECONDS",
        ]
        rows += of_task
    assert [row.split()[0] for row in rows] == models and all("passed" in row for row in rows)
    assert columns[:2] == [
        "Columns:",
        "  wine: 13 numbers (alcohol, malic_acid, ash, alcalinity_of_ash, magnesium, total_phenols, …); "
        "numbers are scaled",
    ]
    assert columns[models.index("penguins") + 1] == (
        "  penguins: 3 categories (island, sex?, year), 4 numbers (bill_length_mm?, bill_depth_mm?, "
        "flipper_length_mm?, body_mass_g?) (? may be missing); numbers are scaled"
    )
    said = '  penguins: column "sex" has 11 cells such as "NA" (line 5), '
    assert notes[0] == "Notes:" and [note for note in notes if note.startswith(said)]
    assert promote[0] == "Promote and serve one of them, with a record:" and len(promote) == len(by_hand)
    say, *lines = by_hand
    assert say == "Serve one of them by hand:"
    store = open_store((tmp_path / ".registry").as_uri())
    for line, name in zip(lines, models, strict=True):
        served = rf"MODEL_REGISTRY={re.escape(registry)} uv run serve"
        match = re.fullmatch(rf"MODEL_NAME={name} MODEL_VERSION=(1@sha256:[0-9a-f]{{64}}) {served}", line)
        assert match
        assert load(store, Reference.of(name, match[1])).manifest.gate.passed


def test_train_names_how_to_serve_from_another_folder(
    tmp_path: Path, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("SERVE_COMMAND", "PROMOTE_COMMAND"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    out = train({"wine": SPEC})[1]
    run = f"uv run --project {ROOT}"
    assert f" {run} serve\n" in out
    assert re.search(
        rf"\n{run} registry promote wine:1@sha256:\w{{64}} --env-file \.env && {run} --env-file \.env serve\n", out
    )
    monkeypatch.chdir(ROOT / "tests")
    named = f"MODEL_REGISTRY={(tmp_path / '.registry').as_uri()} uv run"
    out = train({"wine": SPEC})[1]
    assert f" {named} serve\n" in out and f"\n{named} registry promote wine:2@sha256:" in out


def test_model_without_a_gate_did_not_pass_one(train: Train) -> None:
    out = train({"wine": SPEC})[1].splitlines()[1]
    assert " none " in out and "passed" not in out


@pytest.mark.slow
def test_model_that_does_not_beat_its_baseline_is_marked_and_named(tmp_path: Path, train: Train) -> None:
    models = {"wine": SPEC, "blind": {**SPEC, "estimator": "sklearn.dummy.DummyClassifier"}}
    _, out, _ = train(models)
    wine, blind = out.splitlines()[1:3]
    assert " 0.400 " in wine and "NOT BEATEN" not in wine
    assert "  0.400     0.400 NOT BEATEN  " in blind
    note = "accuracy is 0.4000, no better than the 0.4000 of the baseline, which looks at no feature"
    assert f"\nNotes:\n  blind: {note}\n\n" in out
    printed = [json.loads(line) for line in train(models, "--json")[1].splitlines()]
    assert [result["notes"] for result in printed] == [[], [note]]
    assert [result["gate"] for result in printed] == [{"verdict": "none", "passed": None, "checks": []}] * 2
    for model, there in (("wine", False), ("blind", True)):
        card = (tmp_path / f".registry/{model}/versions/000001/card.html").read_text()
        assert (note in card.partition("<h2>Gate</h2>")[0]) == there


@pytest.mark.slow
def test_train_says_how_metrics_of_folds_were_taken(train: Train) -> None:
    models = {"wine": SPEC, "folded": {**SPEC, "params": {"max_iter": 1000}, "cv": 3}}
    _, out, _ = train(models)
    assert "\n\nMetrics:\n  folded: the answers of all 3 folds together, measured once\n\nColumns:\n" in out
    assert [json.loads(line)["folds"] for line in train(models, "--json")[1].splitlines()] == [None, 3]
    assert "Metrics:" not in train({"wine": SPEC})[1]


def test_notes_print_nothing_that_a_terminal_would_obey(tmp_path: Path, train: Train) -> None:
    rows = "".join(f"{n % 7},{'paid' if n % 2 else 'open'},{n % 2}\n" for n in range(80))
    (tmp_path / "rows.csv").write_text(f"age,bi\x1b[31mll,kind\n{rows}")
    _, out, _ = train({"mine": {**SPEC, "data": "rows.csv", "target": "kind"}})
    assert 'mine: column "bi\\x1b[31mll" tells the target by itself' in out


@pytest.mark.slow
def test_train_names_how_to_serve_as_it_is_told(tmp_path: Path, train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVE_COMMAND", "docker compose up -d --wait serve")
    monkeypatch.setenv("PROMOTE_COMMAND", "promote {reference} && {image}docker compose up")
    boosted = {**SPEC, "estimator": "xgboost.XGBClassifier", "params": {"n_estimators": 5}}
    _, out, _ = train({"wine": SPEC, "boosted": boosted})
    for name, image in (("wine", ""), ("boosted", "RUNTIME=onnx ")):
        line = rf"^{image}MODEL_NAME={name} MODEL_VERSION=1@sha256:\w{{64}} docker compose up -d --wait serve$"
        assert re.search(line, out, re.MULTILINE), out
        assert re.search(rf"^promote {name}:1@sha256:\w{{64}} && {image}docker compose up$", out, re.MULTILINE), out
    monkeypatch.setenv("SERVE_COMMAND", "docker run brinery-serving:{runtime}")
    _, out, _ = train({"wine": SPEC, "boosted": boosted})
    for name, image in (("wine", "sklearn"), ("boosted", "onnx")):
        assert re.search(rf"^MODEL_NAME={name} .* brinery-serving:{image}$", out, re.MULTILINE), out


def test_train_fills_the_manifest(tmp_path: Path, train: Train) -> None:
    spec = {**SPEC, "description": "Cultivars", "features": ["alcohol", "proline"], "search": {"C": [0.001, 1.0]}}
    code, out, _ = train({"wine": spec}, "--json")
    assert code == 0
    manifest = load(
        open_store((tmp_path / ".registry").as_uri()), Reference.parse(json.loads(out)["reference"])
    ).manifest
    assert [feature.name for feature in manifest.features] == ["alcohol", "proline"]
    assert manifest.description == "Cultivars"
    assert manifest.spec["params"] == {"C": 1.0}
    assert (manifest.data.rows, manifest.data.train_rows, manifest.data.test_rows) == (178, 133, 45)
    assert {"accuracy", "balanced_accuracy", "macro_f1", "roc_auc", "log_loss"} == set(manifest.metrics)
    assert {"data", "fit", "evaluate", "export"} == set(manifest.timings)
    assert manifest.trained_at.utcoffset() is not None


@pytest.mark.slow
@pytest.mark.parametrize("name", [MODELS[0], *(pytest.param(name, marks=pytest.mark.campaign) for name in MODELS[2:4])])
def test_same_commit_data_and_seed_give_the_same_pickle(tmp_path: Path, name: str) -> None:
    arguments = ["--models", str(EXAMPLES), "--registry", (tmp_path / "registry").as_uri()]
    for seed in ("1", "2"):  # of Python's hashes, which no pickle may depend on
        assert python("-m", "training", name, *arguments, PYTHONHASHSEED=seed).returncode == 0
    first, second = ((tmp_path / f"registry/{name}/versions/00000{n}/model.joblib").read_bytes() for n in (1, 2))
    differing = [i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b]
    assert first == second, (
        f"{len(first)} and {len(second)} bytes; they differ from {differing[:1]} to {differing[-1:]}"
    )


def test_manifest_has_the_lineage(tmp_path: Path, train: Train) -> None:
    (tmp_path / "rows.csv").write_text("size,kind\n" + "".join(f"{i}.5,{i // 20}\n" for i in range(40)))
    spec = {"data": "rows.csv", "target": "kind", "estimator": "sklearn.tree.DecisionTreeClassifier"}
    assert train({"mine": spec})[0] == 0
    manifest = load(open_store((tmp_path / ".registry").as_uri()), Reference("mine", 1)).manifest
    data = manifest.data
    assert (data.source, data.rows, data.columns, data.train_rows, data.test_rows) == ("rows.csv", 40, 2, 30, 10)
    assert data.sha256 == hashlib.sha256((tmp_path / "rows.csv").read_bytes()).hexdigest()
    assert manifest.spec["random_state"] == 0 and manifest.spec["test_size"] == 0.25
    assert manifest.duration_seconds and manifest.duration_seconds >= sum(manifest.timings.values()) * 0.9
    assert manifest.peak_memory_bytes and manifest.peak_memory_bytes > 50_000_000
    assert manifest.evaluation and manifest.evaluation.not_compared == "nothing was promoted yet"


class Wine(Pages):
    """Scikit-learn's wines as CSV."""

    pages = {"/wine.csv": load_wine(as_frame=True).frame.to_csv(index=False).encode()}


def test_nothing_secret_of_an_address_is_stored(
    tmp_path: Path, train: Train, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setenv("no_proxy", "localhost")
    with https_site(Wine, certificate) as site:
        secret = f"{site.replace('//', '//me:password@')}/wine.csv?signature=abc"
        assert train({"wine": {**SPEC, "data": secret}})[0] == 0
    stored = b"".join(path.read_bytes() for path in (tmp_path / ".registry").rglob("*") if path.is_file())
    assert f"{site}/wine.csv".encode() in stored
    assert b"password" not in stored and b"signature=abc" not in stored


@pytest.mark.slow
def test_version_worse_than_the_promoted_one_is_published_and_marked(tmp_path: Path, train: Train) -> None:
    store = open_store((tmp_path / ".registry").as_uri(), create=True)
    good = {**SPEC, "params": {"max_iter": 1000}, "gate": {"no_worse_than_promoted": {"accuracy": 0.02}}}
    code, out, _ = train({"wine": good}, "--json")
    assert code == 0
    write_record(store, record(store, Reference.parse(json.loads(out)["reference"])))
    assert train({"wine": good})[0] == 0
    code, out, _ = train({"wine": {**good, "params": {"C": 1e-6}}})
    assert code == 3
    assert re.search(
        r"wine did not pass its gate: accuracy is 0\.\d+, at least 0\.98 is asked for \(no worse than", out
    )
    manifest = load(store, Reference("wine", 3)).manifest
    assert not manifest.gate.passed and manifest.evaluation and manifest.evaluation.promoted
    assert manifest.evaluation.promoted.metrics["accuracy"] == 1.0


@pytest.mark.slow
def test_train_marks_a_version_that_fails_its_gate(tmp_path: Path, train: Train) -> None:
    weak = {**SPEC, "features": ["ash"], "gate": {"accuracy": {"min": 0.99}, "log_loss": {"max": 9}}}
    code, out, err = train({"weak": weak, "wine": SPEC})
    assert (code, err) == (3, "")
    assert "FAILED" in out
    assert re.search(r"weak did not pass its gate: accuracy is 0\.\d{4}, at least 0\.99 is asked for", out)
    assert "MODEL_NAME=weak" not in out and "MODEL_NAME=wine" in out
    assert not load(open_store((tmp_path / ".registry").as_uri()), Reference("weak", 1)).manifest.gate.passed


WRONG = {
    "unknown data": (
        {"data": "sklearn:beer"},
        "wine: data is 'sklearn:beer'; scikit-learn's data sets are breast_cancer",
    ),
    "unknown column": (
        {"features": ["alcohole"]},
        'wine: sklearn:wine has no column "alcohole"; it has alcohol, malic',
    ),
    "unknown target": ({"target": "cultivar"}, 'wine: sklearn:wine has no column "cultivar"'),
    "fractions as classes": ({"target": "ash"}, 'the target "ash" of sklearn:wine holds fractions'),
    "no such class": ({"estimator": "sklearn.linear_model.Logistic"}, "scikit-learn has no such estimator"),
    "no such module": ({"estimator": "sklearn.nothing.Logistic"}, "scikit-learn has no such estimator"),
    "neither": ({"estimator": "sklearn.cluster.KMeans"}, "it must be a classifier or a regressor"),
    "a regressor on texts": (
        {"data": str(ROOT / "tests/data/penguins.csv"), "target": "species", "estimator": "sklearn.linear_model.Ridge"},
        'holds "Adelie" (line 2), "Gentoo" (line 154) and "Chinstrap" (line 278), where a regressor predicts numbers; '
        "a classifier answers with texts",
    ),
    "a metric of another task": (
        {"gate": {"rmse": {"max": 1}}},
        "gate.rmse is no metric of a classifier; those are ac",
    ),
    "a target that is no number": (
        {"data": "sklearn:diabetes", "estimator": "sklearn.linear_model.Ridge", "kinds": {"target": "date"}},
        'kinds calls the target "target" date; a regressor predicts a number or an integer',
    ),
    "a target that is no integer": (
        {"target": "ash", "estimator": "sklearn.linear_model.Ridge", "kinds": {"ash": "integer"}},
        'kinds calls the target "ash" integer, and it holds ',
    ),
    "a score of numbers above 0": (
        {
            "target": "target",
            "estimator": "sklearn.linear_model.Ridge",
            "search": {"alpha": [1, 2]},
            "scoring": "mape",
        },
        "scoring is mape, which needs a target above 0 in every row",
    ),
    "a score of no search": ({"scoring": "accuracy"}, "has scoring and no search"),
    "weights of no class": (
        {"estimator": "sklearn.linear_model.Ridge", "class_weight": "balanced"},
        "class_weight is given, and sklearn.linear_model.Ridge is a regressor; it has no classes",
    ),
    "a score of another task": (
        {"estimator": "sklearn.linear_model.Ridge", "search": {"alpha": [1, 2]}, "scoring": "accuracy"},
        "scoring is accuracy, no metric of a regressor; those are rmse, mae, ",
    ),
    "an ensemble of others": (
        {"estimator": "sklearn.ensemble.VotingClassifier"},
        'a function of your own can make it: "module:function"',
    ),
    "a function": ({"estimator": "sklearn.datasets.load_wine"}, "scikit-learn has no such estimator"),
    "unknown parameter": ({"params": {"c": 1}}, "wine.params.c is not a parameter of LogisticRegression; it has C, "),
    "unknown searched": ({"search": {"c": [1]}}, "wine.search.c is not a parameter of LogisticRegression"),
    "bad parameter": (
        {"params": {"C": "high"}},
        "did not fit: The 'C' parameter of LogisticRegression must be a float",
    ),
    "no convergence": ({"params": {"max_iter": 1}}, "did not fit: lbfgs failed to converge"),
    "an overflow": ({"params": {"C": 10**400}}, "did not fit: int too large to convert to float"),
    "no neighbours": (
        {"estimator": "sklearn.neighbors.RadiusNeighborsClassifier", "params": {"radius": 0.01}},
        "did not predict the held-out rows: No neighbors found for test samples",
    ),
    "too few rows": ({"test_size": 0.01}, "178 rows cannot be split by test_size 0.01"),
    "metric without probabilities": (
        {"estimator": "sklearn.svm.LinearSVC", "gate": {"roc_auc": {"min": 0.5}}},
        "wine.gate.roc_auc needs probabilities, which this estimator does not give",
    ),
}


@pytest.mark.parametrize(("change", "message"), WRONG.values(), ids=WRONG)
def test_train_says_what_is_wrong_in_one_line(tmp_path: Path, train: Train, change: Any, message: str) -> None:
    code, out, err = train({"wine": {**SPEC, **change}})
    assert (code, out) == (1, "")
    assert err.startswith("train: ") and err.count("\n") == 1
    assert message in err


def test_train_goes_on_after_a_model_that_failed(tmp_path: Path, train: Train) -> None:
    code, out, err = train({"bad": {**SPEC, "target": "x"}, "wine": SPEC})
    assert code == 1
    assert "wine:1@sha256:" in out and "train: bad: " in err


def test_train_serves_a_model_without_probabilities(tmp_path: Path, train: Train) -> None:
    assert train({"wine": {**SPEC, "estimator": "sklearn.svm.LinearSVC"}})[0] == 0
    model = load(open_store((tmp_path / ".registry").as_uri()), Reference("wine", 1))
    assert "log_loss" not in model.manifest.metrics


@pytest.mark.parametrize("arguments", [["--nonsense"], ["--models"]], ids=str)
def test_train_used_wrongly_exits_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


def test_train_keeps_what_estimators_say_off_stdout(tmp_path: Path, train: Train) -> None:
    forest = {
        **SPEC,
        "estimator": "sklearn.ensemble.RandomForestClassifier",
        "params": {"n_estimators": 5, "verbose": 2, "n_jobs": 2},
    }
    code, out, err = train({"wine": forest}, "--json")
    assert code == 0
    assert json.loads(out)["model"] == "wine"
    assert "building tree" in err
    stored = joblib.load(tmp_path / ".registry/wine/versions/000001/model.joblib")
    assert (stored[-1].n_jobs, stored[-1].verbose) == (None, 0)


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({}, 0, "models.json is right, its data not read: iris\n"),
        ({"estimator": "sklearn.svm.Nothing"}, 1, "sklearn.svm.Nothing"),
        ({"params": {"depth": 3}}, 1, "depth"),
    ],
    ids=str,
)
def test_check_reads_and_makes_what_is_declared_and_trains_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Any, code: int, said: str
) -> None:
    file = write(
        tmp_path, {"iris": {"data": "missing.csv", "estimator": "sklearn.tree.DecisionTreeClassifier", **change}}
    )
    registry = tmp_path / "registry"
    assert main(["--check", "--models", str(file), "--registry", registry.as_uri()]) == code
    captured = capsys.readouterr()
    assert said in captured.out + captured.err and not registry.exists()


def test_train_without_a_models_file_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--models", str(tmp_path / "models.json")]) == 1
    assert "models.json does not exist; it declares the models to train" in capsys.readouterr().err


@pytest.mark.slow
def test_train_stopped_by_sigterm_names_what_was_not_published(tmp_path: Path) -> None:
    arguments = ["-m", "training", "--models", str(write(tmp_path, {"wine": SPEC, "slow": slow_model(tmp_path)}))]
    process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for_the_fit(tmp_path, process)
    process.terminate()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert b"MODEL_NAME=wine MODEL_VERSION=1@sha256:" in out
    assert err.decode().splitlines()[-1] == "train: slow: interrupted; this version was not published"
    assert b"Traceback" not in err


FORGER = """
import os
open({target!r}, "a").write(os.environ.get("AWS_SECRET_ACCESS_KEY", "no secret") + "\\n")
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "ran", "outcome"),
    [
        ((), "", "not compared"),
        pytest.param(("--trust-bucket",), "no secret\n", "not compared", marks=pytest.mark.campaign),
        pytest.param(("--baseline", "wine=BEST"), "", "passed", marks=pytest.mark.campaign),
    ],
    ids=["nothing vouches", "the bucket is trusted", "a pin from outside"],
)
def test_forged_version_is_not_run_beside_the_credentials_of_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], ran: str, outcome: str
) -> None:
    """One forged version and one forged record: both need no more than the right to create objects."""
    folder = tmp_path / ".registry"
    store = open_store(folder.as_uri(), create=True)
    best = publish_example(store, "wine")
    described, files = example("wine")
    pickle_alone = described.model_copy(update={"artifacts": {"pickle": described.artifacts["pickle"]}})
    evil = {**files, "model.joblib": pickled(Code(FORGER.format(target=str(tmp_path / "ran"))))}
    del evil["model.onnx"]
    forged = publish(store, pickle_alone, evil, lambda *_: None).reference
    write_record(store, record(store, forged, at=datetime.now(UTC)))
    gate = {"no_worse_than_promoted": {"accuracy": 0.5}}
    write(
        tmp_path,
        {
            "wine": {
                "data": "sklearn:wine",
                "estimator": "sklearn.linear_model.LogisticRegression",
                "params": {"max_iter": 9999},
                "gate": gate,
            }
        },
    )
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    given = [each.replace("BEST", best.version_text) for each in options]
    done = python("-m", "training", "--models", str(tmp_path / "models.json"), *given)
    assert done.returncode == (0 if outcome == "passed" else 3), done.stderr
    assert outcome in done.stdout
    assert ((tmp_path / "ran").read_text() if (tmp_path / "ran").exists() else "") == ran


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("wine", "is not valid; it must be a number"),
        ("wine=7", "'wine=7' has no digest; it must be NAME=VERSION@sha256:"),
        ("wine=x@sha256:1", "is not valid"),
    ],
)
def test_baseline_without_a_digest_is_wrong_usage(given: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--baseline", given])
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("given", ["", "=", "wine=", "  "])
def test_variable_that_names_no_baseline_yet_is_none(train: Train, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("BASELINE", given)
    assert train({"wine": {"data": "sklearn:wine", "estimator": "sklearn.dummy.DummyClassifier"}})[0] == 0


def test_variable_with_a_baseline_without_a_digest_is_refused(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASELINE", "wine=7")
    code, out, err = train({"wine": {"data": "sklearn:wine", "estimator": "sklearn.dummy.DummyClassifier"}})
    assert (code, out, err) == (1, "", "train: BASELINE: 'wine=7' has no digest; it must be NAME=VERSION@sha256:…\n")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere each imports for itself")
def test_command_and_its_check_import_once_and_only_the_command_has_secrets(tmp_path: Path) -> None:
    (tmp_path / "spy.py").write_text(
        "import json, os, pathlib, psutil, sys\n"
        "from sklearn.dummy import DummyClassifier\n"
        "def make():\n"
        "    check = next(each for each in psutil.Process().children() if 'ahead' in ' '.join(each.cmdline()))\n"
        "    told = {'own': os.environ['SPIED'], 'path': sys.path, 'check': sorted(check.environ()), "
        "'as it began': sorted(psutil.Process().environ()), 'argv': sys.argv}\n"
        "    pathlib.Path(__file__).with_suffix('.json').write_text(json.dumps(told))\n"
        "    return DummyClassifier()\n"
    )
    models = write(tmp_path, {"wine": {"data": "sklearn:wine", "estimator": "spy:make"}})
    done = python("-m", "training", "--models", str(models), SPIED="on")
    assert done.returncode == 0, done.stderr
    seen = json.loads((tmp_path / "spy.json").read_text())
    assert (seen["own"], seen["argv"][1:]) == ("on", ["--models", str(models)])
    assert str(ROOT) in seen["path"]
    assert "SPIED" not in seen["check"] + seen["as it began"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "start",
    [
        "trap '' CHLD; {train} --models {file}",
        "cat {file} | {train} --models /dev/stdin",
        "ulimit -Sn 30; {train} --models {file} <&-",
        "env =x PYTHONPATH=:. TMPDIR='{folder}/a ü' {train} --models {file}",
        "cd {folder}; {train} --models {file}",
    ],
)
def test_train_starts_in_odd_places(tmp_path: Path, start: str) -> None:
    (tmp_path / "a ü").mkdir()
    for module in ("training.py", "json.py"):
        (tmp_path / module).write_text("raise ImportError('it is not this one')")
    models = write(tmp_path, {"wine": {"data": "sklearn:wine", "estimator": "sklearn.dummy.DummyClassifier"}})
    train = f"{Path(sys.executable).parent / 'train'} --registry {(tmp_path / 'registry').as_uri()}"
    command = start.format(train=train, file=models, folder=tmp_path)
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert "wine:1@sha256:" in done.stdout
    assert list((tmp_path / "a ü").iterdir()) == []


@pytest.mark.slow
def test_options_of_python_hold_also_where_train_starts_again(tmp_path: Path) -> None:
    (tmp_path / "spy.py").write_text(
        "import sys\n"
        "from joblib.externals.loky.backend import utils\n"
        "from sklearn.dummy import DummyClassifier\n"
        "def make():\n"
        "    print(sys.flags.optimize, sys.flags.utf8_mode, sys.warnoptions, utils.psutil is not None)\n"
        "    return DummyClassifier()\n"
    )
    models = write(tmp_path, {"wine": {"data": "sklearn:wine", "estimator": "spy:make"}})
    done = python("-O", "-X", "utf8", "-W", "ignore::FutureWarning", "-m", "training", "--models", str(models))
    assert done.returncode == 0 and "1 1 ['ignore::FutureWarning'] True\n" in done.stderr


@pytest.mark.campaign
def test_workers_of_a_fit_see_no_credentials(tmp_path: Path) -> None:
    (tmp_path / "spy.py").write_text(
        "import subprocess, sys\n"
        "from sklearn.dummy import DummyClassifier\n"
        "original = DummyClassifier.fit\n"
        "def fit(self, x, y, sample_weight=None):\n"
        "    code = 'import os; print(*os.environ, file=open(%r, \"a\"))' % __file__.replace('.py', '.txt')\n"
        "    subprocess.run([sys.executable, '-c', code], check=True)\n"
        "    return original(self, x, y, sample_weight)\n"
        "DummyClassifier.fit = fit\n"
        "def make():\n    return DummyClassifier()\n"
    )
    models = write(tmp_path, {"wine": {"data": "sklearn:wine", "estimator": "spy:make", "cv": 2}})
    done = python("-m", "training", "--models", str(models), AWS_SECRET_ACCESS_KEY="canary", SPIED="on")
    assert done.returncode == 0, done.stderr
    seen = (tmp_path / "spy.txt").read_text().split()
    assert "SPIED" in seen and not [name for name in seen if name.startswith("AWS_")]
