"""The file of models from S3, pinned by its sha256."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from brinery.errors import ArtifactSize, BrineryError, ObjectMissing, SettingInvalid
from brinery.versions.catalog import versions
from brinery.versions.store import Store
from tests.conftest import ROOT, overwrite
from tests.models_file import SPEC, write
from training.__main__ import main
from training.models_file import MOST_BYTES, ModelsFile, models_file

KEY = "releases/models 7%.json"
DIGEST = hashlib.sha256(b"{}").hexdigest()


def put(store: Store, models: Any, key: str = KEY) -> dict[str, str]:
    """Store a file of models; the environment that pins it."""
    data = models if isinstance(models, bytes) else json.dumps(models).encode()
    store.create(key, data)
    return {"MODELS_URI": f"{store.url}/{key}", "MODELS_SHA256": hashlib.sha256(data).hexdigest()}


def train(folder: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """`train` as its image runs it, in a working folder."""
    return subprocess.run(
        [sys.executable, "-m", "training", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1", **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=200,
    )


@pytest.mark.slow
def test_file_from_s3_is_as_one_of_the_working_folder_and_its_runs_use_the_same_bytes(
    s3_store: Store, tmp_path: Path
) -> None:
    (tmp_path / "rows.csv").write_text("size,kind\n" + "".join(f"{i}.5,{i // 20}\n" for i in range(40)))
    (tmp_path / "own.py").write_text("from sklearn.tree import DecisionTreeClassifier as make\n")
    mine = {"data": "rows.csv", "target": "kind", "estimator": "own:make", "schedule": "0 0 1 1 *"}
    (tmp_path / "models.json").write_text("nothing that is read")
    pinned = put(s3_store, {"mine": mine})
    pinned["MODEL_REGISTRY"] = s3_store.url
    ran = train(tmp_path, "--due", **pinned)
    run, last = map(json.loads, ran.stdout.splitlines())
    assert (ran.returncode, run["outcome"], last["trained"], ran.stderr) == (0, "published", 1, "")
    ran = train(tmp_path, "--json", **pinned)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert versions(s3_store, "mine") == [1, 2]
    overwrite(s3_store, KEY, json.dumps({"mine": {**mine, "data": "other.csv"}}).encode())
    ran = train(tmp_path, "--due", **pinned)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith(f"train: MODELS_SHA256 is {pinned['MODELS_SHA256']}, and the file at {s3_store.url}/")


@pytest.mark.parametrize(
    ("uri", "sha256", "message"),
    [
        ("", DIGEST, f"MODELS_URI is not set, and MODELS_SHA256 is '{DIGEST}'; it must be s3://BUCKET/KEY"),
        *(
            (uri, DIGEST, f"MODELS_URI is {ascii(uri)}; it must be s3://BUCKET/KEY")
            for uri in (
                "https://models/a",
                "models.json",
                "s3://models",
                "s3://models/",
                "s3://M/a",
                "s3://models/a/",
                "s3://models/a//b",
                "s3://models/a/../b",
            )
        ),
        (
            "s3://models/a",
            "",
            "MODELS_SHA256 is not set, and MODELS_URI is 's3://models/a'; it must be the sha256 of the",
        ),
        (
            "s3://models/a",
            DIGEST[1:],
            f"MODELS_SHA256 is '{DIGEST[1:]}'; it must be the sha256 of the file there, 64 hexa",
        ),
        ("s3://models/a", DIGEST.upper(), f"MODELS_SHA256 is '{DIGEST.upper()}'; it must be the sha256"),
    ],
)
def test_variables_that_name_no_file_are_refused(uri: str, sha256: str, message: str) -> None:
    with pytest.raises(SettingInvalid) as caught:
        models_file(None, "file:///x", {"MODELS_URI": uri, "MODELS_SHA256": sha256})
    assert str(caught.value).startswith(message)


def test_registry_of_a_file_from_s3_must_be_named() -> None:
    with pytest.raises(SettingInvalid) as caught:
        models_file(None, None, {"MODELS_URI": "s3://models/a", "MODELS_SHA256": DIGEST})
    assert str(caught.value) == (
        "MODEL_REGISTRY is not set, and MODELS_URI is 's3://models/a'; it must be s3://BUCKET[/PREFIX] or file:///FOLDER"
    )


def test_file_that_is_another_or_not_there_or_too_large_is_refused(s3_store: Store) -> None:
    def refused(error: type[BrineryError], pinned: dict[str, str]) -> str:
        with pytest.raises(error) as caught:
            models_file(None, s3_store.url, pinned)
        return str(caught.value)

    pinned = put(s3_store, {"wine": SPEC})
    file = models_file(None, s3_store.url, pinned)
    assert (file.shown, file.folder, json.loads(file.data)) == (pinned["MODELS_URI"], Path.cwd(), {"wine": SPEC})
    assert refused(SettingInvalid, {**pinned, "MODELS_SHA256": DIGEST}) == (
        f"MODELS_SHA256 is {DIGEST}, and the file at {pinned['MODELS_URI']} has {pinned['MODELS_SHA256']}; it must be "
        "the sha256 of the file there, 64 hexadecimal digits in lower case"
    )
    nowhere = f"{s3_store.url}/nothing"
    assert refused(ObjectMissing, {**pinned, "MODELS_URI": nowhere}).startswith(f"{nowhere} is not there")
    large = refused(ArtifactSize, put(s3_store, b" " * (MOST_BYTES + 1), "large"))
    assert large == f"{s3_store.url}/large has 1048577 bytes; at most 1048576 are allowed"


def test_faults_of_a_file_from_s3_name_it(
    s3_store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pinned = put(s3_store, {"wine": {**SPEC, "seed": 1}})
    for name, value in pinned.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MODEL_REGISTRY", s3_store.url)
    assert main([]) == 1
    assert capsys.readouterr().err.startswith(
        f"train: {pinned['MODELS_URI']}: wine.seed is not a known key; allowed are "
    )


def test_file_that_is_named_is_read_whatever_the_environment_says(tmp_path: Path) -> None:
    path = write(tmp_path, {"wine": SPEC})
    assert models_file(path, None, {"MODELS_URI": "s3://models/a"}) == ModelsFile.at(path)


def test_file_of_the_working_folder_is_read_where_the_variables_are_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write(tmp_path, {"wine": SPEC}).parent)
    file = models_file(None, None, {"MODELS_URI": "", "MODELS_SHA256": ""})
    assert (file.shown, file.folder) == ("models.json", tmp_path)
