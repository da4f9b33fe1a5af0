"""The `registry` command as a person meets it."""

import json
import re
from pathlib import Path

import obstore
import pytest

from brinery.commands.registry import main
from brinery.versions.manifest import digest_of
from brinery.versions.publish import publish
from brinery.versions.reference import Reference
from brinery.versions.store import Store
from tests.conftest import overwrite, python
from tests.examples import publish_example, tiny

Registry = tuple[Store, Reference]


@pytest.fixture
def registry(folder_store: Store, monkeypatch: pytest.MonkeyPatch) -> Registry:
    monkeypatch.setenv("MODEL_REGISTRY", folder_store.url)
    return folder_store, publish_example(folder_store, "wine")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_list_shows_versions_newest_first(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    store, _ = registry
    second = publish_example(store, "wine")
    publish(store, *tiny())
    code, out, err = run(capsys, "list")
    assert (code, err) == (0, "")
    head, *lines = out.splitlines()
    assert head.split() == ["VERSION", "TRAINED", "SIZE", "GATE", "ACCURACY", "LOG", "LOSS", "DIGEST"]
    assert [line.split()[0] for line in lines] == ["tiny:1", "wine:2", "wine:1"]
    assert f"sha256:{(second.digest or '')[:12]}…" in lines[1]
    assert "days ago" in lines[1] and "kB" in lines[1]


def test_list_as_json_gives_whole_references(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "list", "wine", "--json")
    assert code == 0
    assert [entry["reference"] for entry in json.loads(out)] == [str(registry[1])]


def test_list_of_an_empty_registry_says_so(
    folder_store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MODEL_REGISTRY", folder_store.url)
    assert run(capsys, "list")[:2] == (0, f"no versions in {folder_store.url} yet; `train` publishes them\n")
    assert run(capsys, "list", "--json")[:2] == (0, "[]\n")


def test_list_shows_a_broken_version_among_the_others(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    store, first = registry
    publish_example(store, "wine")
    overwrite(store, f"{first.folder}/manifest.json", b"{")
    code, out, _ = run(capsys, "list")
    assert code == 0
    assert "wine:1   UNREADABLE" in out
    assert "the manifest of wine:1 is not JSON" in out
    assert "wine:2" in out


def test_show_tells_what_a_version_is(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    _, reference = registry
    code, out, _ = run(capsys, "show", "wine:1")
    assert code == 0
    assert f"reference     {reference}" in out
    assert f"MODEL_NAME=wine MODEL_VERSION={reference.version_text}" in out
    assert "proline                       number  278 to 1680     refused" in out


def test_show_as_json_gives_the_manifest(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    _, reference = registry
    code, out, _ = run(capsys, "show", str(reference), "--json")
    shown = json.loads(out)
    assert code == 0
    assert shown["digest"] == f"sha256:{reference.digest}"
    assert set(shown["files"]) == {"model.joblib", "model.onnx", "golden.json", "card.html"}


def test_verify_hashes_all_and_replays(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    _, reference = registry
    code, out, _ = run(capsys, "verify", str(reference))
    assert code == 0
    assert f"{reference} is what was published" in out
    assert out.count("sha256 as in the manifest") == 4
    assert "golden rows reproduced by onnx" in out and "golden rows reproduced by pickle" in out
    code, out, _ = run(capsys, "verify", "wine:1", "--json")
    assert json.loads(out)["golden_rows_replayed"] == ["onnx", "pickle"]
    assert json.loads(out)["pinned"] is False


@pytest.mark.parametrize("name", ["model.joblib", "model.onnx", "golden.json", "card.html"])
def test_verify_finds_any_changed_file(registry: Registry, capsys: pytest.CaptureFixture[str], name: str) -> None:
    store, reference = registry
    path = f"{reference.folder}/{name}"
    data = bytearray(obstore.get(store.backend, path).bytes())
    data[-1] ^= 1
    overwrite(store, path, bytes(data))
    code, out, err = run(capsys, "verify", "wine:1")
    assert (code, out) == (1, "")
    assert err == (
        f"registry: {name} of wine:1 does not have the sha256 that the manifest gives: its contents were changed\n"
    )


WRONG = {
    "no version": (["show", "wine"], "reference 'wine' has no version; write wine:VERSION"),
    "latest": (["show", "wine:latest"], "'latest' is not a version"),
    "not there": (["show", "wine:9"], "wine has no version 9 in file:.*; it has 1"),
    "no model": (["show", "beer:1"], "there is no model beer in file:.*; it has wine"),
    "list no model": (["list", "beer"], "there is no model beer in file:.*; it has wine"),
    "parent": (["verify", "../wine:1"], "model name '../wine' is not valid"),
    "list parent": (["list", "../.."], "model name '../..' is not valid"),
    "parent version": (["verify", "wine:../1"], "version '../1' of wine is not valid"),
    "odd unicode": (["verify", "wine\u202e\ud800:1"], r"model name 'wine\\u202e\\ud800' is not valid"),
    "odd digit": (["verify", "wine:٧"], r"version '\\u0667' of wine is not valid"),
    "other pin": (["verify", f"wine:1@sha256:{'0' * 64}"], "it is not the pinned one"),
    "bad url": (["list", "--registry", "ftp://x"], "MODEL_REGISTRY is 'ftp://x'; it must be s3://BUCKET"),
    "no folder": (["list", "--registry", "file:///no/such"], "the folder does not exist"),
}


@pytest.mark.parametrize(("arguments", "message"), WRONG.values(), ids=WRONG)
def test_command_answers_bad_input_in_one_line(
    registry: Registry, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (1, "")
    assert err.startswith("registry: ") and err.count("\n") == 1
    assert re.search(message, err)


DAMAGE = {
    "truncated": (lambda data: data[:-1], "model.joblib", "the manifest says"),
    "oversized": (lambda data: data * 9, "model.joblib", "bytes; at most"),
    "not a manifest": (lambda data: b"\xff", "manifest.json", "is not JSON"),
    "unknown schema": (
        lambda data: data.replace(b'"schema_version": 1', b'"schema_version": 2'),
        "manifest.json",
        "update",
    ),
    "other scikit-learn": (
        lambda data: data.replace(b'"scikit-learn": "', b'"scikit-learn": "9'),
        "manifest.json",
        "here",
    ),
    "another's name": (lambda data: data.replace(b'"name": "tiny"', b'"name": "tony"'), "manifest.json", "is that of"),
    "missing": (None, "golden.json", "golden.json of tiny:1 is missing"),
}


@pytest.mark.parametrize(("damage", "name", "message"), DAMAGE.values(), ids=DAMAGE)
def test_verify_in_a_process_of_its_own_shows_no_traceback(
    folder_store: Store, tmp_path: Path, damage: object, name: str, message: str
) -> None:
    path = f"{publish(folder_store, *tiny()).folder}/{name}"
    if callable(damage):
        overwrite(folder_store, path, damage(bytes(folder_store.read(path, 2**20))))
    else:
        obstore.delete(folder_store.backend, path)
    result = python("-m", "brinery.commands.registry", "verify", "tiny:1", MODEL_REGISTRY=folder_store.url)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("registry: ") and result.stderr.count("\n") == 1
    assert message in result.stderr


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["show"], ["list", "--nonsense"]], ids=str)
def test_command_used_wrongly_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "registry verify wine:7@sha256:…" in capsys.readouterr().out


def test_digest_is_that_of_the_stored_bytes(registry: Registry) -> None:
    store, reference = registry
    assert digest_of(bytes(store.read(f"{reference.folder}/manifest.json", 2**20))) == reference.digest
