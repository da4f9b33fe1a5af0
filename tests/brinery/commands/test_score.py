"""The `score` command: its exit codes, what it says, and how it ends when it is asked to."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from brinery.commands.registry import main as registry_main
from brinery.commands.score import main
from brinery.versions.reference import Reference
from brinery.versions.store import Store
from tests.brinery.scoring.runs import parts, rows_of, write_rows
from tests.brinery.scoring.test_score import wine_rows
from tests.conftest import ROOT

Published = tuple[Store, dict[str, Reference]]


def test_done_and_done_before_end_with_0(
    published: Published, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, references = published
    monkeypatch.chdir(tmp_path)
    write_rows(rows_of("wine"), tmp_path / "rows.csv")
    asked = [str(references["wine"]), "rows.csv", "out", "--registry", store.url]
    assert main(asked) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"out: 178 rows in 1 part, by {references['wine']}\n  with its onnx: ") and err == ""
    assert main([*asked, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["done_before"] is True and (found["rows"], found["parts"], found["refused"]) == (178, 1, 0)
    assert main(asked) == 0 and capsys.readouterr().out.startswith("out is done already: 178 rows")


def test_no_digest_ends_with_2_and_an_error_with_1(
    published: Published, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, references = published
    monkeypatch.chdir(tmp_path)
    write_rows(rows_of("alcohol"), tmp_path / "rows.csv")
    given = ["rows.csv", "out", "--registry", store.url]
    assert main(["wine:1", *given]) == 2
    assert f"nothing outside the bucket vouches for what it offers, {references['wine']}" in capsys.readouterr().err
    assert main([str(references["wine"]), *given]) == 1
    assert "score: rows.csv lacks malic_acid" in capsys.readouterr().err
    assert main([str(references["wine"]), "none", "out", "--registry", store.url]) == 1
    assert "score: there is no none in " in capsys.readouterr().err
    for wrong in (["--max-refused", "-1"], ["--format", "xml"], ["--no"]):
        with pytest.raises(SystemExit) as exit:
            main([str(references["wine"]), *given, *wrong])
        assert exit.value.code == 2


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.campaign)])
def test_a_signal_ends_it_after_the_piece_and_the_same_command_goes_on(
    published: Published, tmp_path: Path, number: signal.Signals
) -> None:
    store, references = published
    write_rows(wine_rows(1_500_000), tmp_path / "rows.parquet")
    command = [sys.executable, "-m", "brinery.commands.score", str(references["wine"])]
    command += [str(tmp_path / "rows.parquet"), str(tmp_path / "out"), "--registry", store.url]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not (tmp_path / "out/_pieces").exists():
        pass
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number, err
    assert err.startswith("score: stopped, with ") and err.endswith("; the same command goes on from there\n")
    told = int(err.split("with ")[1].split()[0])
    assert 1 <= told == len(parts(tmp_path / "out")) < 12 and not (tmp_path / "out/_manifest.json").exists()
    subprocess.run(command, cwd=ROOT, check=True, timeout=120)
    assert (tmp_path / "out/_manifest.json").exists() and len(parts(tmp_path / "out")) == 12


def test_help_is_quick_and_needs_nothing() -> None:
    code = "import sys; from brinery.commands import score\ntry: score.main(['--help'])\nexcept SystemExit: pass\n"
    code += "assert not {'numpy', 'pyarrow', 'obstore', 'pydantic'} & set(sys.modules), sorted(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, env=dict(os.environ))
    assert done.returncode == 0 and "score wine:7@sha256:" in done.stdout, done.stderr


def test_drift_reads_the_counts_of_runs(
    published: Published, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, references = published
    monkeypatch.chdir(tmp_path)
    write_rows(rows_of("wine"), tmp_path / "rows.csv")
    for out in ("out", "again"):
        assert main([str(references["wine"]), "rows.csv", out, "--registry", store.url]) == 0
    capsys.readouterr()
    asked = ["drift", "wine", "--registry", store.url, "--run"]
    assert registry_main([*asked, "out"]) == 0
    assert capsys.readouterr().out.startswith("wine:1: 178 rows\n")
    assert registry_main([*asked, "out/_manifest.json", (tmp_path / "out").as_uri(), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["rows"], found["binned"], found["lines"]["doubled"], found["lost"]) == (178, 178, 1, 0)
    for place, told in (("none", "there is no folder none"), (".", "is no run of `score` that is done")):
        assert registry_main([*asked, place]) == 1 and told in capsys.readouterr().err
