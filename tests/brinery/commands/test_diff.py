"""`registry diff`: what changed between two versions."""

import json

import pytest

from brinery.commands.registry import main
from brinery.versions.manifest import Gate, GateCheck
from brinery.versions.store import Store
from tests.examples import example, publish_example, publish_files


@pytest.fixture
def store(folder_store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Four versions of `alcohol`: two that are alike, one that failed its gate, and one that is another model."""
    monkeypatch.setenv("MODEL_REGISTRY", folder_store.url)
    alcohol, files = example("alcohol")
    wine, wine_files = example("wine")
    check = GateCheck(metric="accuracy", rule="min", side="least", limit=0.99, value=0.5, passed=False)
    failed = alcohol.model_copy(update={"gate": Gate(passed=False, checks=(check,))})
    other = wine.model_copy(update={"name": "alcohol", "metrics": {"accuracy": 0.95, "log_loss": 0.2}})
    for _ in range(2):
        publish_example(folder_store, "alcohol")
    publish_files(folder_store, failed, files)
    publish_files(folder_store, other, wine_files)
    return folder_store


def diff(capsys: pytest.CaptureFixture[str], before: int | str, after: int | str, *options: str) -> str:
    assert main(["diff", f"alcohol:{before}", f"alcohol:{after}", *options]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


@pytest.mark.usefixtures("store")
def test_versions_that_are_alike_have_no_change(capsys: pytest.CaptureFixture[str]) -> None:
    out = diff(capsys, 1, 2)
    assert "golden rows: 0 of 36 get another label; a probability differs by 0" in out
    assert out.count("no change") == 6
    assert "gate      none       FAILED" in diff(capsys, 1, 3)


@pytest.mark.usefixtures("store")
def test_diff_tells_what_changed(capsys: pytest.CaptureFixture[str]) -> None:
    out = diff(capsys, 1, 4)
    assert "  ash: added: number, 1.36 to 3.23\n" in out and "alcohol: removed" not in out
    assert "  ash: removed: number, 1.36 to 3.23\n" in diff(capsys, 4, 1)
    result = json.loads(diff(capsys, 1, 4, "--json"))
    assert result["metrics"]["log_loss"]["before"] is None and result["metrics"]["log_loss"]["after"] == 0.2
    assert result["features"]["ash"] == [None, "number, 1.36 to 3.23"]
    assert result["golden_rows"]["compared"] == 18  # those of the version that has all features of the other
    assert result["golden_rows"]["other_label"] > 0
    assert set(result["sizes"]) >= {"model.joblib", "golden.json"}


def test_regressors_are_compared_by_their_numbers(folder_store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    progress, files = example("progress")
    for _ in range(2):
        publish_files(folder_store, progress.model_copy(update={"name": "alcohol"}), files)
    publish_example(folder_store, "alcohol")
    where = ("--registry", folder_store.url)
    assert "golden rows: 0 of 40 get another number; one differs by 0 deviations at most" in diff(capsys, 1, 2, *where)
    out = diff(capsys, 1, 3, *where)
    assert "golden rows: not compared: one is a regression, the other a classification" in out
    assert "kind: regression -> classification" in out


def test_task_tells_what_differs_of_it(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    mixed, files = example("mixed")
    publish_files(store, mixed.model_copy(update={"name": "alcohol"}), files)
    out = diff(capsys, 1, 5)
    assert "task:\n  classes: 0, 1, 2 -> Adélie, Gentoo\n" in out
    assert "golden rows: not compared: each version has features that the other has not" in out
    assert json.loads(diff(capsys, 1, 5, "--json"))["task"] == {"classes": ["0, 1, 2", "Adélie, Gentoo"]}
