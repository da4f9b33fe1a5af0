"""What is found in the places that `--runs` names: what drift, quality and scoring say, and nothing of anybody else."""

import json
from pathlib import Path
from typing import Any

import pytest

from brinery.errors import SettingInvalid
from brinery.output.page import page
from brinery.output.stored import BEGIN, POLICY
from brinery.site.looks import read_looks
from brinery.versions.reference import Reference
from brinery.versions.store import Store
from tests.brinery.site.registries import EVIL, build, contents, put

DIGEST = "0" * 64
DRIFT = {
    "reference": f"wine:1@sha256:{DIGEST}",
    "drift": True,
    "to": "2026-11-02T10:00:00+00:00",
    "rows": 1200,
    "features": [{"verdict": "drift"}],
}
QUALITY = {
    "worse": False,
    "gate_broken": False,
    "versions": [
        {
            "reference": f"wine:1@sha256:{DIGEST}",
            "to": "2026-11-03T10:00:00+00:00",
            "rows": 80,
            "metrics": [{"verdict": "cannot tell"}],
        }
    ],
}
RUN = {
    "run": "5" * 64,
    "parts": [],
    "started_at": "2026-11-04T10:00:00Z",
    "reference": f"wine:1@sha256:{DIGEST}",
    "rows": 344,
    "refused": {"rows": 3, "files": []},
}


def written(folder: Path, files: dict[str, Any]) -> Path:
    for name, told in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(told if isinstance(told, str) else json.dumps(told))
    return folder


def drift_page(**changes: Any) -> str:
    return page("Drift of wine:1", "", ["<p>moved</p>"], "", {**DRIFT, **changes})


def test_what_drift_quality_and_scoring_left_is_listed(folder_store: Store, tmp_path: Path) -> None:
    put(folder_store)
    runs = written(
        tmp_path / "runs",
        {
            "drift.html": drift_page(),
            "deep/quality.json": QUALITY,
            "run-12/_manifest.json": RUN,
            "run-12/_run.json": {},
            "run-12/_pieces/000001.json": {},
            "run-12/part-000000.parquet": "",
        },
    )
    found = read_looks([str(runs)])
    assert [(each.kind, each.version, each.verdict, each.rows) for each in found.found] == [
        ("scoring", 1, "3 rows refused", 344),
        ("quality", 1, "cannot tell", 80),
        ("drift", 1, "drift", 1200),
    ]
    assert found.notes == ()
    out = tmp_path / "out"
    assert build(folder_store, out, runs=[str(runs)]).looks == 3
    (copied,) = [name for name in contents(out) if name.startswith("looks/") and name != "looks/index.html"]
    assert (out / copied).read_text() == drift_page().replace(BEGIN, BEGIN + POLICY)
    assert f'href="{copied.removeprefix("looks/")}"' in (out / "looks/index.html").read_text().replace("../looks/", "")
    assert f"../../{copied}" in (out / "models/wine/index.html").read_text()
    written(runs, {"drift.html": drift_page(drift=False, features=[])})
    build(folder_store, out, runs=[str(runs)])
    assert "no drift" in (out / "looks/index.html").read_text()
    build(folder_store, out)
    assert not (out / "looks").exists()


@pytest.mark.parametrize(
    "text",
    [
        drift_page().replace(BEGIN, "<script>alert(1)</script>" + BEGIN),
        drift_page().replace("<p>moved</p>", '<meta http-equiv="refresh" content="0;url=http://other">'),
        drift_page(reference=EVIL),
        drift_page(to="yesterday"),
        drift_page(features=7),
        page("Drift of wine:1", "", []),
        "",
        "\x00" * 10,
        "[" * 100_000,
    ],
)
def test_pages_of_others_are_named_and_never_shown(tmp_path: Path, text: str) -> None:
    found = read_looks([str(written(tmp_path, {"drift.html": text, "other.json": text}))])
    (note,) = found.notes
    assert found.found == () and note.endswith(": files of others, which are not shown: 2 (drift.html, other.json).")


def test_names_of_files_are_bounded_and_seen(folder_store: Store, tmp_path: Path) -> None:
    put(folder_store)
    names = {f"{number}-\u202e<img src=x>{'x' * 150}.txt": "" for number in range(20)}
    build(folder_store, tmp_path / "out", runs=[str(written(tmp_path / "runs", names))])
    shown = (tmp_path / "out/looks/index.html").read_text()
    assert "which are not shown: 20 (" in shown and "\u202e" not in shown and "<img" not in shown


def test_numbers_beyond_belief_and_days_to_come_do_not_stand_in_front(tmp_path: Path) -> None:
    later = {"a.json": {**DRIFT, "to": "9999-12-31T23:59:59+00:00"}, "b.json": {**DRIFT, "rows": 10**400}}
    many = {**RUN, "refused": {"rows": 10**400}}
    found = read_looks([str(written(tmp_path, {**later, "c.json": {**DRIFT, "to": "0001-01-01"}, "d.json": many}))])
    assert [(each.at[:10], each.rows) for each in found.found] == [
        ("2026-11-02", None),
        ("0001-01-01", 1200),
        ("9999-12-31", 1200),
    ]
    assert "(d.json)" in found.notes[0]


@pytest.mark.parametrize("place", ["nowhere", "https://pages", "s3://"])
def test_place_that_is_none_is_refused(place: str) -> None:
    with pytest.raises(SettingInvalid, match="--runs"):
        read_looks([place])


def test_looks_in_a_bucket_are_found(s3_store: Store) -> None:
    s3_store.create("drift/wine-20261102T100000Z.html", drift_page().encode())
    (found,) = read_looks([s3_store.url]).found
    assert Reference(found.model, found.version or 0) == Reference("wine", 1) and found.page is not None
