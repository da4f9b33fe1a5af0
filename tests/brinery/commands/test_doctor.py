"""`registry doctor` on real stores, whole and broken."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import obstore
import pytest

from brinery.commands.registry import main
from brinery.errors import AccessDenied
from brinery.promotion.records import write
from brinery.versions.finding import Finding
from brinery.versions.promises import try_promises
from brinery.versions.store import Store
from tests.brinery.promotion.conftest import record
from tests.conftest import overwrite
from tests.examples import publish_example

CHECKS = ["create", "create twice", "read after write", "list after write", "clock", "overwrite", "delete"]


def doctor(capsys: pytest.CaptureFixture[str], store: Store, *arguments: str) -> tuple[int, dict[str, tuple[str, str]]]:
    code = main(["doctor", "--registry", store.url, "--json", *arguments])
    captured = capsys.readouterr()
    assert captured.err == ""
    return code, {each["check"]: (each["state"], each["detail"]) for each in json.loads(captured.out)}


def test_doctor_finds_the_registry_as_other_commands_do(
    folder_store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(Path(folder_store.url.removeprefix("file://")).parent)
    Path("registry").rename(".registry")
    assert main(["doctor"]) == 0 and "create twice" in capsys.readouterr().out


@pytest.mark.slow
def test_store_keeps_its_promises_and_nothing_is_left(store: Store) -> None:
    found = list(try_promises(store))
    assert [each.check for each in found] == CHECKS
    assert [each.state for each in found] == ["ok"] * 5 + ["note"] * 2
    assert not store.files("_doctor")


class Broken(Store):
    """A store that breaks one promise."""

    def __init__(self, store: Store, promise: str) -> None:
        super().__init__(store.backend, store.url)
        self.promise = promise

    def create(self, path: str, data: Any) -> None:
        if self.promise == "create":
            raise AccessDenied("no")
        if self.promise == "create twice":
            obstore.put(self.backend, path, data, mode="overwrite")
        else:
            super().create(path, data)

    def read(self, path: str, limit: int) -> Any:
        if self.promise == "denied":
            raise AccessDenied("no")
        return b"stale" if self.promise == "read after write" else super().read(path, limit)

    def files(self, prefix: str) -> dict[str, int]:
        return {} if self.promise == "list after write" else super().files(prefix)


@pytest.mark.parametrize("promise", ["create twice", "read after write", "list after write"])
def test_broken_promise_is_told(folder_store: Store, promise: str) -> None:
    found = {each.check: each.state for each in try_promises(Broken(folder_store, promise))}
    assert found[promise] == "bad" and found["clock"] == "ok"


def test_clock_that_is_wrong_is_told(folder_store: Store) -> None:
    found = {each.check: each for each in try_promises(folder_store, lambda: datetime.now(UTC) - timedelta(hours=1))}
    assert found["clock"].state == "bad" and "clock is +36" in found["clock"].detail


def test_what_the_caller_may_not_do_is_no_fault(folder_store: Store) -> None:
    (only,) = try_promises(Broken(folder_store, "create"))
    assert only == Finding("create", "unknown", only.detail)
    found = {each.check: each.state for each in try_promises(Broken(folder_store, "denied"))}
    assert found["read after write"] == "unknown" and "bad" not in found.values()


def test_doctor_says_what_it_could_not_clean_up(folder_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: Any, **__: Any) -> None:
        raise obstore.exceptions.PermissionDeniedError("AccessDenied")

    monkeypatch.setattr(obstore, "delete", denied)
    found = {each.check: each for each in try_promises(folder_store)}
    (left,) = folder_store.files("_doctor")
    assert found["delete"] == Finding(
        "delete", "ok", f"the store refuses this caller to delete, so that {left} is left behind"
    )


def test_whole_registry_has_nothing_to_tell(folder_store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    publish_example(folder_store, "alcohol")
    code, found = doctor(capsys, folder_store)
    assert code == 0 and found["alcohol: versions"] == ("ok", "1, of which each manifest can be read")
    assert list(found) == [*CHECKS, "alcohol: versions"]


def test_what_does_not_belong_there_is_told_and_stops_nothing(
    folder_store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    reference = publish_example(folder_store, "alcohol")
    for path in (
        f"{reference.folder}/extra",
        "alcohol/x\u202e.txt",
        "alcohol/versions/7/manifest.json",
        "Not A Name/x",
    ):
        folder_store.create(path, b"")
    folder_store.create("alcohol/versions/000009/claim.json", b"{}")
    code, found = doctor(capsys, folder_store)
    assert code == 0
    state, detail = found["alcohol: strangers"]
    assert state == "note" and detail.count(",") == 2 and "x\\u202e.txt" in detail and "000001/extra" in detail
    assert found["alcohol: numbers"] == ("note", "claimed and not published: 9")
    assert found["folders"] == ("note", "no model can be named Not A Name")

    folder_store.create("alcohol/versions/999999/claim.json", b"{}")
    overwrite(folder_store, f"{reference.folder}/manifest.json", b"{")
    code, found = doctor(capsys, folder_store)
    assert code == 1
    assert found["alcohol: numbers"] == ("note", "claimed and not published: 9, 999999")
    assert found["alcohol: versions"][0] == "bad" and "is not JSON" in found["alcohol: versions"][1]


def test_records_off_every_chain_are_told(
    folder_store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reference = publish_example(folder_store, "alcohol")
    files = [tmp_path / f"{name}.env" for name in ("a", "b")]
    held = {}
    for path in files:
        held[path] = write(folder_store, record(folder_store, reference, f"env-file {path}"))
        path.write_text(f"MODEL_NAME=alcohol\nMODEL_VERSION={reference.version_text}\nMODEL_RECORD={held[path]}\n")
    stranger = write(folder_store, record(folder_store, reference, by="x"))
    folder_store.create("_promotions/alcohol/x.json", b"")
    named = [part for path in files for part in ("--env-file", str(path))]
    code = main(["doctor", "--registry", folder_store.url, *named])
    out = capsys.readouterr().out
    assert code == 0 and out.count("leads to 1 record") == 2
    assert f"no environment that was named leads to {stranger}\n" in out and "objects that are no records: x\n" in out
    assert doctor(capsys, folder_store, *named[:2])[1]["alcohol: records"][1].count(",") == 1
    folder_store.backend.delete(f"_promotions/alcohol/{held[files[0]]}.json")
    code, found = doctor(capsys, folder_store, *named[:2])
    assert code == 1 and found["alcohol: chain"][0] == "bad" and "is missing from" in found["alcohol: chain"][1]
