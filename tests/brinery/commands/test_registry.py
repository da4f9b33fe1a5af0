"""The `registry` command as a person meets it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import obstore
import pytest

from brinery.commands.registry import main
from brinery.promotion.records import write
from brinery.versions.manifest import SCHEMA_VERSION, Gate, GateCheck, digest_of
from brinery.versions.reference import Reference
from brinery.versions.store import Store
from tests.brinery.promotion.conftest import record
from tests.conftest import ROOT, overwrite, python
from tests.examples import publish_example, publish_files, tiny

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
    publish_files(store, *tiny())
    code, out, err = run(capsys, "list")
    assert (code, err) == (0, "")
    head, *lines = out.splitlines()
    assert head.split() == ["VERSION", "PROMOTED", "TRAINED", "SIZE", "GATE", "METRICS", "DIGEST"]
    assert [line.split()[0] for line in lines] == ["tiny:1", "wine:2", "wine:1"]
    assert f"sha256:{(second.digest or '')[:12]}…" in lines[1]
    assert "days ago" in lines[1] and "kB" in lines[1]


def test_list_as_json_gives_whole_references(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "list", "wine", "--json")
    assert code == 0
    assert [entry["reference"] for entry in json.loads(out)] == [str(registry[1])]


@pytest.mark.parametrize(
    ("passed", "checks", "verdict"), [(True, 0, "none"), (True, 1, "passed"), (False, 1, "FAILED")]
)
def test_list_as_json_gives_the_verdict_of_the_table(
    registry: Registry, capsys: pytest.CaptureFixture[str], passed: bool, checks: int, verdict: str
) -> None:
    check = GateCheck(metric="accuracy", rule="min", side="least", limit=0.9, value=0.95, passed=passed)
    manifest, files = tiny()
    publish_files(
        registry[0], manifest.model_copy(update={"gate": Gate(passed=passed, checks=(check,) * checks)}), files
    )
    (found,) = json.loads(run(capsys, "list", manifest.name, "--json")[1])
    assert found["gate"] == verdict and f"  {verdict}  " in run(capsys, "list", manifest.name)[1]


def test_show_of_a_model_shows_its_newest_version(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    store, name = registry[0], tiny()[0].name
    references = [publish_files(store, *tiny()) for _ in range(2)]
    assert json.loads(run(capsys, "show", name, "--json")[1])["reference"] == str(references[1])


def test_list_marks_what_is_recorded_and_what_an_environment_serves(
    folder_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file serves a version that no record tells of, with a challenger, and says nothing of another model."""
    monkeypatch.setenv("MODEL_REGISTRY", folder_store.url)
    first, second, third = (publish_files(folder_store, *tiny()) for _ in range(3))
    publish_files(folder_store, *tiny("other"))
    write(folder_store, record(folder_store, first))
    env = tmp_path / ".env"
    text = f"MODEL_NAME=tiny\nMODEL_VERSION={second.version_text}\nCHALLENGER_VERSION={third.version_text}\n"
    env.write_text(text)

    def marks(*more: str) -> dict[str, str | None]:
        return {each["reference"]: each["promoted"] for each in json.loads(run(capsys, "list", "--json", *more)[1])}

    recorded, live = marks(), marks("--env-file", str(env))
    assert [recorded[str(each)] for each in (first, second, third)] == ["recorded", None, None]
    assert [live[str(each)] for each in (first, second, third)] == [None, "live", "challenger"]
    assert len(live) == 4 and [*live.values()].count(None) == 2


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
    assert "wine:1   -         UNREADABLE" in out
    assert "the manifest of wine:1 is not JSON" in out
    assert "wine:2" in out


def newer(data: bytes) -> bytes:
    """A manifest as a later Brinery may store it."""
    manifest = {**json.loads(data), "schema_version": SCHEMA_VERSION + 1, "key": "that nobody here knows"}
    return json.dumps(manifest).encode()


def test_newer_version_is_one_sentence_and_a_row_of_the_list(
    registry: Registry, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    store, reference = registry
    publish_example(store, "wine")
    path = f"{reference.folder}/manifest.json"
    overwrite(store, path, newer(bytes(store.read(path, 2**20))))
    message = f"wine:1 was published by a newer Brinery: its manifest has schema_version {SCHEMA_VERSION + 1}"
    code, out, err = run(capsys, "list")
    assert (code, err) == (0, "") and "wine:2" in out and "wine:1   -         UNREADABLE" in out and message in out
    (_, shown) = json.loads(run(capsys, "list", "--json")[1])
    assert shown["reference"] == "wine:1" and message in shown["error"]
    environment = ["--env-file", str(tmp_path / ".env")]
    for arguments in (["show"], ["verify"], ["diff", "wine:2"], ["promote", *environment]):
        code, out, err = run(capsys, *arguments, "wine:1")
        assert (code, out) == (1, "") and message in err and err.count("\n") == 1


def test_list_shows_the_newest_of_many(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    store, _ = registry
    for number in range(2, 61):
        store.create(f"wine/versions/{number:06d}/manifest.json", b"{}")
    publish_files(store, *tiny())
    for arguments, shown in (((), 4), (("wine",), 50), (("wine", "--all"), 60), (("--all",), 61)):
        code, out, _ = run(capsys, "list", *arguments, "--json")
        assert (code, len(json.loads(out))) == (0, shown)
        said = "`registry list MODEL --all` shows the older ones too" in run(capsys, "list", *arguments)[1]
        assert said == ("--all" not in arguments)


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
    assert (shown.pop("digest"), shown.pop("reference")) == (f"sha256:{reference.digest}", str(reference))
    assert shown == json.loads(bytes(registry[0].read(f"{reference.folder}/manifest.json", 2**20)))
    assert set(shown["files"]) == {"model.joblib", "model.onnx", "golden.json", "card.html", "profile.json"}


def test_show_tells_which_format_there_is_none_of_and_why(
    registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    described, files = tiny()
    publish_files(registry[0], described.model_copy(update={"omitted": {"onnx": "it answers otherwise"}}), files)
    code, out, _ = run(capsys, "show", "tiny:1")
    assert code == 0 and "no model.onnx  it answers otherwise\n" in out


def test_verify_hashes_all_and_replays(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    _, reference = registry
    code, out, _ = run(capsys, "verify", str(reference))
    assert code == 0
    assert f"{reference} is what was published" in out
    assert out.count("sha256 as in the manifest") == 5
    assert "golden rows reproduced by onnx" in out and "golden rows reproduced by pickle" in out
    code, out, _ = run(capsys, "verify", "wine:1", "--json", "--trust-bucket")
    assert json.loads(out)["golden_rows_replayed"] == ["onnx", "pickle"]
    assert json.loads(out)["pinned"] is False


def test_verify_runs_no_pickle_that_no_digest_vouches_for(
    registry: Registry, capsys: pytest.CaptureFixture[str], folder_store: Store
) -> None:
    code, out, _ = run(capsys, "verify", "wine:1")
    assert (code, "golden rows reproduced by onnx" in out) == (0, True)
    assert "pickle not run: wine:1: no digest from outside vouches for it, and loading it runs what it holds" in out
    publish_files(folder_store, *tiny())
    code, out, err = run(capsys, "verify", "tiny:1", "--registry", folder_store.url)
    assert (code, out) == (2, "")
    assert err.startswith("registry: tiny:1: no digest from outside vouches for it")


@pytest.mark.parametrize("name", ["model.joblib", "model.onnx", "golden.json", "card.html", "profile.json"])
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
    "no version": (["verify", "wine"], "reference 'wine' has no version; write wine:VERSION"),
    "no model to show": (["show", "beer"], "there is no model beer in"),
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
    "newer schema": (lambda data: newer(data), "manifest.json", "was published by a newer Brinery"),
    "other scikit-learn": (
        lambda data: data.replace(b'"scikit-learn": "', b'"scikit-learn": "9'),
        "manifest.json",
        "here",
    ),
    "another's name": (lambda data: data.replace(b'"name": "tiny"', b'"name": "tony"'), "manifest.json", "is that of"),
    "missing": (None, "golden.json", "golden.json of tiny:1 is missing"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("damage", "name", "message"), DAMAGE.values(), ids=DAMAGE)
def test_verify_in_a_process_of_its_own_shows_no_traceback(
    folder_store: Store, tmp_path: Path, damage: object, name: str, message: str
) -> None:
    path = f"{publish_files(folder_store, *tiny()).folder}/{name}"
    if callable(damage):
        overwrite(folder_store, path, damage(bytes(folder_store.read(path, 2**20))))
    else:
        obstore.delete(folder_store.backend, path)
    result = python(
        "-m", "brinery.commands.registry", "verify", "tiny:1", "--trust-bucket", MODEL_REGISTRY=folder_store.url
    )
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("registry: ") and result.stderr.count("\n") == 1
    assert message in result.stderr


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["show"], ["list", "--nonsense"]], ids=str)
def test_command_used_wrongly_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


HEAVY = "numpy pydantic obstore boto3 botocore dotenv concurrent.futures subprocess"
WITHOUT_A_RUN = {"help": ["--help"], "of a subcommand": ["promote", "--help"], "usage": ["list", "--nonsense"]}


@pytest.mark.parametrize("arguments", WITHOUT_A_RUN.values(), ids=WITHOUT_A_RUN)
def test_nothing_heavy_is_imported_before_the_arguments_are_read(arguments: list[str]) -> None:
    code = f"""
import sys
from brinery.commands.registry import main
try:
    main({arguments!r})
finally:
    print(sorted(set({HEAVY!r}.split()) & set(sys.modules)), file=sys.stderr)
"""
    done = python("-c", code)
    assert done.returncode == (0 if "--help" in arguments else 2)
    assert done.stderr.splitlines()[-1] == "[]"


@pytest.mark.parametrize("module", ["obstore", "pydantic", "numpy"])
def test_interruption_while_modules_are_imported_shows_no_traceback(tmp_path: Path, module: str) -> None:
    (tmp_path / f"{module}.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    url = (tmp_path / "registry").as_uri()
    (tmp_path / "registry").mkdir()
    done = python("-m", "brinery.commands.registry", "list", "--registry", url, PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "registry: interrupted; `registry log` tells what was recorded before\n"


@pytest.mark.parametrize(("reader", "message"), [("| true", ""), ("> /dev/full", "registry: the result cannot be")])
def test_help_that_nobody_reads_shows_no_traceback(reader: str, message: str) -> None:
    line = f"set -o pipefail; {sys.executable} -m brinery.commands.registry --help {reader}"
    done = subprocess.run(["/bin/bash", "-c", line], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == bool(message)
    assert done.stderr.startswith(message) and done.stderr.count("\n") == bool(message)


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "registry verify wine:7@sha256:…" in capsys.readouterr().out


def test_digest_is_that_of_the_stored_bytes(registry: Registry) -> None:
    store, reference = registry
    assert digest_of(bytes(store.read(f"{reference.folder}/manifest.json", 2**20))) == reference.digest
