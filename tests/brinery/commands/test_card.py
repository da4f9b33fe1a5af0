"""`registry card`: the card as it was published, which runs nothing."""

import webbrowser
from pathlib import Path

import pytest

from brinery.commands.registry import main
from brinery.output.stored import BEGIN, POLICY
from brinery.versions.reference import Reference
from brinery.versions.store import Store
from tests.conftest import overwrite
from tests.examples import example, publish_files, tiny
from tests.models_file import write

CARD = f"{BEGIN}<title>a card</title><script>alert(1)</script></head><body>a card</body></html>\n"


def with_card(store: Store, text: str) -> Reference:
    described, files = example("alcohol")
    return publish_files(store, described, {**files, "card.html": text.encode()})


def told(capsys: pytest.CaptureFixture[str], store: Store, *arguments: str) -> tuple[int, str, str]:
    code = main(["card", *arguments, "--registry", store.url])
    out, err = capsys.readouterr()
    return code, out, err


def test_card_is_printed_with_a_policy_before_anything_of_it(
    folder_store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    reference = with_card(folder_store, CARD)
    assert told(capsys, folder_store, str(reference)) == (0, CARD.replace(BEGIN, BEGIN + POLICY), "")


def test_card_of_a_run_of_training_begins_as_it_must(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from training.__main__ import main as train

    write(tmp_path, {"iris": {"data": "sklearn:iris", "estimator": "sklearn.tree.DecisionTreeClassifier"}})
    registry = (tmp_path / "registry").as_uri()
    assert train(["--models", str(tmp_path / "models.json"), "--registry", registry]) == 0
    capsys.readouterr()
    assert main(["card", "iris:1", "--registry", registry]) == 0
    assert capsys.readouterr().out.startswith(BEGIN + POLICY)


def test_card_is_opened_in_a_browser(
    folder_store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def show(url: str) -> bool:
        opened.append(url)
        return True

    monkeypatch.setattr(webbrowser, "open", show)
    reference = with_card(folder_store, CARD)
    code, out, _ = told(capsys, folder_store, str(reference), "--open")
    path = Path(opened[0].removeprefix("file://"))
    assert code == 0 and path.read_text().startswith(BEGIN + POLICY) and str(path) in out


LEADS_AWAY = CARD.replace("a card", "<META http-equiv=refresh content='0;url=http://other'>" + 2 * "<meta>")


@pytest.mark.parametrize("text", ["<script>alert(1)</script>" + CARD, CARD.upper(), "", "\ufeff" + CARD, LEADS_AWAY])
def test_card_that_begins_otherwise_is_not_shown(
    folder_store: Store, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    reference = with_card(folder_store, text)
    code, out, err = told(capsys, folder_store, str(reference))
    assert (code, out) == (1, "") and "is none that Brinery made" in err


def test_card_that_was_changed_or_is_not_there_is_a_sentence(
    folder_store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    reference = with_card(folder_store, CARD)
    overwrite(folder_store, f"{reference.folder}/card.html", CARD.replace("alert", "other").encode())
    code, _, err = told(capsys, folder_store, str(reference))
    assert code == 1 and "card.html" in err
    without = publish_files(folder_store, *tiny())
    code, _, err = told(capsys, folder_store, str(without))
    assert (code, err) == (1, "registry: tiny:1 has no model card\n")
