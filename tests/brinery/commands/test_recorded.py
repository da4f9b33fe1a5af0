"""`registry log` where no environment, or no model, is named."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from brinery.commands.registry import main
from brinery.promotion.records import write
from brinery.versions.reference import Reference
from brinery.versions.store import Store
from tests.brinery.promotion.conftest import record

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)


def told(capsys: pytest.CaptureFixture[str], store: Store, *arguments: str) -> tuple[int, str, str]:
    code = main(["log", *arguments, "--registry", store.url])
    return code, *capsys.readouterr()


@pytest.fixture
def recorded(folder_store: Store) -> Store:
    for version in range(3):
        write(folder_store, record(folder_store, Reference("wine", version + 1, "a" * 64), at=AT + timedelta(version)))
    write(folder_store, record(folder_store, Reference("beer", 1, "b" * 64), at=AT, name="beer"))
    folder_store.create("_promotions/wine/stray.json", b"{}")
    folder_store.create(f"_promotions/wine/20271101T120000Z-{'0' * 64}.json", b"{}")
    return folder_store


def test_promotions_of_every_model_are_counted(recorded: Store, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = told(capsys, recorded)
    rows = {line.split()[0]: line.split() for line in out.splitlines()[1:3]}
    assert code == 0 and rows["beer"][1:4] == ["1", "2026-11-01T12:00:00Z", "promote"]
    assert rows["wine"][1:4] == ["4", "2027-11-01T12:00:00Z", "-"]  # the newest is none that can be read
    assert "who may write there may have written them" in out


def test_promotions_of_a_model_are_listed_as_recorded(recorded: Store, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = told(capsys, recorded, "wine", "--json")
    found = json.loads(out)
    assert code == 0 and [each["at"][:10] for each in found["records"]] == ["2026-11-01", "2026-11-02", "2026-11-03"]
    assert found["others"] == 1
    assert "1 more are older, or are none of this registry" in told(capsys, recorded, "wine")[1]
    assert "no promotion of ale that can be read is recorded" in told(capsys, recorded, "ale")[1]


def test_file_that_is_named_without_a_model_tells_of_the_one_that_it_serves(
    recorded: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("beer", "wine"):
        recorded.create(f"{name}/versions/000001/claim.json", b"{}")
    file = tmp_path / "served.env"
    file.write_text(f"MODEL_NAME=wine\nMODEL_VERSION=1@sha256:{'a' * 64}\n")
    code, out, _ = told(capsys, recorded, "--env-file", str(file))
    assert code == 0 and "was set by hand to wine:1@sha256:" in out
    file.write_text("")
    code, _, err = told(capsys, recorded, "--env-file", str(file))
    assert code == 1 and "serves no model of file:" in err


def test_nothing_recorded_is_said(folder_store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, folder_store) == (0, f"no promotions are recorded in {folder_store.url} yet\n", "")
