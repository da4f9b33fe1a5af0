"""The site as it is built: what is on its pages, what is written again, and what a build that fails leaves."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from brinery.errors import SettingInvalid, StoreError, StoreUnavailable
from brinery.promotion.chain import Chain, Records
from brinery.promotion.environment import Held
from brinery.site.facts import Version
from brinery.site.model import Outside
from brinery.site.pages.chart import metric_chart
from brinery.site.pages.table import cut
from brinery.site.place import Folder, open_place
from brinery.site.state import BUILDING, FILE
from brinery.versions.manifest import Gate, GateCheck
from brinery.versions.store import Store, open_store
from tests.brinery.site.registries import CARD, EVIL, build, contents, measured, promoted, put, small
from tests.conftest import ROOT, overwrite

WHOLE = b"</body></html>"


def text_of(out: Path, page: str) -> str:
    """What a person reads there."""
    hidden = r"<script.*?</script>|<style.*?</style>|<[^>]*>"
    return " ".join(re.sub(hidden, " ", (out / page).read_text(), flags=re.S).split())


def test_pages_tell_what_the_registry_holds(folder_store: Store, tmp_path: Path) -> None:
    out = tmp_path / "out"
    check = GateCheck(metric="accuracy", rule="min", side="least", limit=0.95, value=0.9, passed=False)
    first = put(folder_store, **measured(0.8), description="Which cultivar it is of")
    put(folder_store, **measured(0.9), gate=Gate(passed=False, checks=(check,)), spec={"params": {"C": 0.1}})
    put(folder_store, "other", card=None, **measured(0.51))
    promoted(folder_store, first, by="Anna", reason="it is better")
    built = build(folder_store, out, Outside(marks={str(first): "recorded"}))
    assert (built.models, built.versions, built.unreadable, built.removed) == (2, 3, 0, 0)
    assert {name for name in contents(out) if name.startswith("models/wine/")} == {
        f"models/wine/{page}.html" for page in ("1", "2", "1-card", "2-card", "compare", "index")
    }
    index = text_of(out, "index.html")
    assert "3 versions of 2 models" in index and "2 1 recorded" in index and "0.9000 accuracy, 0.880 to 0.920" in index
    model = text_of(out, "models/wine/index.html")
    assert "recorded 2026-11-01, Anna" in model and "it is better" in model and "failed" in model and "not set" in model
    second = text_of(out, "models/wine/2.html")
    assert "accuracy is 0.9000, at least 0.95 is asked for" in second and "It beats the baseline" in second
    assert "params.C 0.1" in second and "uv run registry promote" in second.partition("should not be served")[2]
    other = text_of(out, "models/other/1.html")
    assert "It cannot be told from the baseline" in other and "It has none." in other
    assert f"registry promote {first} --env-file .env" in text_of(out, "models/wine/1.html")


def test_each_page_runs_its_own_script_and_nothing_else(folder_store: Store, tmp_path: Path) -> None:
    put(folder_store, "wine", description=EVIL, spec={EVIL: EVIL, "params": {EVIL: [EVIL]}}, libraries={EVIL: EVIL})
    promoted(folder_store, put(folder_store, **measured(0.9), description="x" * 100_000), by=EVIL, reason=EVIL)
    build(folder_store, tmp_path / "out")
    for name, page in contents(tmp_path / "out").items():
        if not name.endswith(".html") or "-card" in name:
            continue
        html = page.decode()
        scripts = re.findall(r"<script([^>]*)>(.*?)</script>", html, flags=re.S)
        (own,) = [text for kind, text in scripts if not kind]
        assert f"script-src 'sha256-{b64encode(sha256(own.encode()).digest()).decode()}'" in html
        assert html.count("<script") == len(scripts) and "<!--" not in html and "owned" not in own
        data = [json.loads(text) for kind, text in scripts if kind]
        assert all(kind.startswith(' type="application/json"') for kind, _ in scripts if kind)
        assert "\u202e" not in html and len(html) < 100_000
        if name == "models/wine/1.html":
            assert ["params", EVIL] not in data[0]["parameters"] and "\\u202e" in str(data[0]["parameters"])


def test_numbers_and_times_of_any_size_stop_no_page(folder_store: Store, tmp_path: Path) -> None:
    data = small()[0].data.model_copy(update={"rows": 10**400, "train_rows": 10**400})
    figures = {"accuracy": 1e308, "a": -1e308, "b": 5e-324, "x" * 100_000: 0.5}
    spans = {name: (-1e308, 1e308) for name in figures}
    evaluation = small()[0].evaluation.model_copy(update={"intervals": spans, "baseline": {"accuracy": -1e308}})
    more: dict[str, Any] = {
        "metrics": figures,
        "evaluation": evaluation,
        "duration_seconds": 1e308,
        "peak_memory_bytes": 10**400,
    }
    files = {"golden.json": b'{"rows": [[NaN]], "answers": 7}'}
    for moment, hours in ((datetime.min, 14), (datetime.max, -14)):
        zoned = moment.replace(tzinfo=timezone(timedelta(hours=hours)))
        put(folder_store, data=data, trained_at=zoned, files=files, **more)
    built = build(folder_store, tmp_path / "out")
    assert (built.versions, built.unreadable) == (2, 0) and is_whole(tmp_path / "out")
    assert all(len(page) < 100_000 for name, page in contents(tmp_path / "out").items())


class Counted(Store):
    """Counts the objects that are read."""

    got: list[str]

    def request(self, kind: Any, path: str, ask: Any) -> Any:
        if kind == "get":
            self.got.append(path)
        return ask()


def test_what_did_not_change_is_neither_read_nor_written(folder_store: Store, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for _ in range(5):
        first = put(folder_store, **measured(0.9))
    promoted(folder_store, first)
    put(folder_store, "other")
    everything = build(folder_store, out)
    before = contents(out)
    counted = Counted(folder_store.backend, folder_store.url)
    counted.got = []
    again = build(counted, out)
    assert (again.written, again.left) == (0, everything.written) and contents(out) == before
    assert counted.got == []
    put(folder_store, **measured(0.95))
    new = build(counted, out)
    changed = {name for name, page in contents(out).items() if page != before.get(name)}
    beside = {f"models/wine/{page}.html" for page in ("6", "6-card", "3", "index", "compare")}  # 3 loses its card
    assert changed == {*beside, "index.html", FILE} and new.written == 6 and new.removed == 1
    read = {path.split("/")[2] for path in counted.got}
    assert read == {"000003", "000006"}


def test_page_that_somebody_took_away_is_written_again(folder_store: Store, tmp_path: Path) -> None:
    put(folder_store)
    out = tmp_path / "out"
    build(folder_store, out)
    for page in ("models/wine/1.html", "models/wine/1-card.html", "index.html"):
        before = contents(out)
        (out / page).unlink()
        build(folder_store, out)
        assert contents(out) == before


def test_pages_of_what_is_gone_are_removed_and_files_of_others_stay(folder_store: Store, tmp_path: Path) -> None:
    root, out = Path(folder_store.url.removeprefix("file://")), tmp_path / "out"
    put(folder_store)
    put(folder_store)
    put(folder_store, "other")
    build(folder_store, out)
    (out / "models/other/mine.html").write_text("mine")
    for folder in ("wine/versions/000001", "other"):
        shutil.rmtree(root / folder)
    built = build(folder_store, out)
    assert (built.models, built.versions, built.removed) == (1, 1, 6)
    assert {name for name in contents(out) if name.startswith("models/")} == {
        "models/other/mine.html",
        *(f"models/wine/{page}.html" for page in ("2", "2-card", "compare", "index")),
    }


def test_version_that_cannot_be_read_is_shown_with_why(folder_store: Store, tmp_path: Path) -> None:
    broken, altered = put(folder_store), put(folder_store)
    folder_store.create("wine/versions/000003/claim.json", b"{}")
    overwrite(folder_store, f"{broken.folder}/manifest.json", b"{")
    overwrite(folder_store, f"{altered.folder}/card.html", b"<script>")
    built = build(folder_store, tmp_path / "out")
    assert (built.versions, built.unreadable) == (1, 1)
    assert "version 1 the manifest of wine:1 is not JSON" in text_of(tmp_path / "out", "models/wine/index.html")
    assert "It is none that Brinery made, and is not shown" in text_of(tmp_path / "out", "models/wine/2.html")
    assert not (tmp_path / "out/models/wine/2-card.html").exists()


def test_model_without_a_version_that_can_be_read_has_nothing_to_compare(folder_store: Store, tmp_path: Path) -> None:
    overwrite(folder_store, f"{put(folder_store).folder}/manifest.json", b"{")
    build(folder_store, tmp_path / "out")
    assert {name for name in contents(tmp_path / "out") if name.startswith("models/")} == {"models/wine/index.html"}


def test_challenge_is_said_to_stand_beside(folder_store: Store, tmp_path: Path) -> None:
    first, second = put(folder_store), put(folder_store)
    for share in (0.0, 0.1):
        promoted(folder_store, first, challenger=str(second), share=share, was=str(first), reason="a try")
    build(folder_store, tmp_path / "out")
    shown = text_of(tmp_path / "out", "models/wine/index.html")
    assert "version 2 challenges wine:1, unseen, by" in shown and "wine:1, for 10 % of the requests, by" in shown
    assert "in place of" not in shown and "a try 2026-11-01" in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a" + "\u0301" * 5000, "a" + "\u0301" * 3 + "…"), ("\u0928\u093f\u0902", "\u0928\u093f\u0902")],
)
def test_marks_are_not_piled_upon_a_letter(text: str, shown: str) -> None:
    assert cut(text, 100) == shown


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.93, 1.0, ["0.90", "0.95", "1.00"]),
        (1.0, 1.0, ["0.94", "0.96", "0.98", "1.00"]),
        (52.1, 61.3, ["50", "55", "60", "65"]),
        (5e-324, 1e-323, ["0.0", "0.5", "1.0"]),
    ],
)
def test_axis_has_round_ticks_that_span_the_values(low: float, high: float, ticks: list[str]) -> None:
    known: dict[str, Any] = {
        **dict.fromkeys(("digest", "trained_at", "description", "kind", "gate", "data"), ""),
        **{"size": 0, "rows": 0, "commit": None, "dirty": False, "formats": ()},
    }
    version = Version(number=1, metrics={"accuracy": (low, low, high)}, **known)
    assert re.findall(r'class="quiet end">([^<]*)<', metric_chart("accuracy", [version], [])) == ticks


def test_only_the_records_are_shown_that_the_environment_leads_to(folder_store: Store, tmp_path: Path) -> None:
    first, second = put(folder_store), put(folder_store)
    name = promoted(folder_store, first, by="Anna")
    promoted(folder_store, second, by="Mallory", environment="elsewhere")
    chain = Records(folder_store, "wine", "env-file .env").chain(Held(pin=str(first), record=name))
    outside = Outside("env-file .env", {str(first): "live"}, {"wine": chain})
    assert isinstance(chain, Chain)
    build(folder_store, tmp_path / "out")
    assert "Mallory" in text_of(tmp_path / "out", "models/wine/index.html")
    build(folder_store, tmp_path / "out", outside)
    for page in ("models/wine/index.html", "models/wine/1.html", "models/wine/2.html"):
        assert "Mallory" not in text_of(tmp_path / "out", page)
    first_page = text_of(tmp_path / "out", "models/wine/1.html")
    assert "live" in first_page and "Anna" in first_page


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("registry", "which is in or around the registry"),
        ("registry/pages", "which is in or around the registry"),
        (".", "which is in or around the registry"),
        ("link/x", "which is in or around the registry"),
        ("file", "which is no folder"),
        ("https://pages", "it must be a folder or s3://BUCKET"),
        ("s3://", "--out is 's3://'; it must be a folder or s3://BUCKET"),
        ("full", "holds 'a.txt' and no site of a registry"),
        ("elsewhere", "is the site of 'file:///elsewhere'"),
        ("spoiled", "_site.json cannot be read"),
    ],
)
def test_site_is_refused_where_others_have_something(
    folder_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "registry")
    (tmp_path / "file").write_text("")
    for name, file, text in (
        ("full", "a.txt", ""),
        ("elsewhere", FILE, '{"registry": "file:///elsewhere"}'),
        ("spoiled", FILE, "{"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text(text)
    before = contents(tmp_path)
    with pytest.raises(SettingInvalid, match=re.escape(said)):
        build(folder_store, open_place(out, folder_store.url))
    assert contents(tmp_path) == before


@pytest.mark.parametrize(("link", "leads"), [("models", ""), ("models/wine", "wine")])
def test_site_is_never_written_through_a_link(folder_store: Store, tmp_path: Path, link: str, leads: str) -> None:
    put(folder_store)
    registry, path = Path(folder_store.url.removeprefix("file://")), tmp_path / "out" / link
    build(folder_store, tmp_path / "out")
    shutil.rmtree(path)
    path.symlink_to(registry / leads)
    before = contents(registry)
    with pytest.raises(SettingInvalid, match=f"{link} is a link"):
        build(folder_store, tmp_path / "out")
    assert contents(registry) == before


def test_site_never_goes_into_the_bucket_of_the_registry() -> None:
    with pytest.raises(SettingInvalid, match="'s3://models/site', into the bucket of the registry s3://models/prefix"):
        open_place("s3://models/site", "s3://models/prefix")


def test_site_goes_into_a_bucket_with_types(folder_store: Store, s3_store: Store, tmp_path: Path) -> None:
    import httpx

    place = open_place(s3_store.url, folder_store.url)
    put(folder_store)
    put(folder_store)
    built = build(folder_store, place)
    assert build(folder_store, place).left == built.written and len(place.names()) == built.written + 1
    bucket, _, prefix = s3_store.url.removeprefix("s3://").partition("/")
    got = httpx.get(f"{os.environ['AWS_ENDPOINT_URL_S3']}/{bucket}/{prefix}/index.html")
    assert got.headers["content-type"] == "text/html; charset=utf-8" and WHOLE in got.content
    shutil.rmtree(Path(folder_store.url.removeprefix("file://")) / "wine/versions/000002")
    assert build(folder_store, place).removed == 2 and "models/wine/2.html" not in place.names()
    other = open_store(f"{s3_store.url}-other")
    other.create("theirs.txt", b"")
    with pytest.raises(SettingInvalid, match="holds 'theirs.txt'"):
        build(folder_store, open_place(other.url, folder_store.url))


class Failing(Folder):
    """A folder that is full after so many files."""

    left: int

    def write(self, files: Mapping[str, bytes]) -> None:
        for name, data in files.items():
            if not self.left:
                raise StoreError("no space is left on the device")
            self.left -= 1
            super().write({name: data})


def is_whole(out: Path) -> bool:
    """Whether each page is, and each that the list of models leads to is there."""
    pages = {name: page for name, page in contents(out).items() if name.endswith(".html")}
    links = re.findall(rb'href="([^"]*\.html)"', pages.get("index.html", b""))
    there = {each.decode() for each in links} <= {*pages}
    return there and all(page.rstrip().endswith(WHOLE) for page in pages.values())


@pytest.mark.parametrize("writes", range(9))
def test_build_that_fails_anywhere_leaves_whole_pages_and_the_next_goes_on(
    folder_store: Store, tmp_path: Path, writes: int
) -> None:
    for name in ("wine", "other"):
        put(folder_store, name, card=None)
    place = Failing(tmp_path / "out")
    place.left = writes
    with pytest.raises(StoreError, match="no space"):
        build(folder_store, place)
    assert is_whole(tmp_path / "out")
    assert (tmp_path / "out/index.html").exists() == (writes == 8)  # only the state is left to write
    build(folder_store, tmp_path / "out")
    fresh = tmp_path / "fresh"
    build(folder_store, fresh)
    assert contents(fresh) == contents(tmp_path / "out") and BUILDING not in contents(fresh)


KILLED = """
import os, sys
from pathlib import Path
from brinery.site.place import Folder
from brinery.versions.store import open_store
from brinery.site.build import Site
from brinery.site.model import Outside
replace, left = Path.replace, [int(sys.argv[3])]
def counted(self, target):
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), 9)
    return replace(self, target)
Path.replace = counted
Site(open_store(sys.argv[1]), Folder(Path(sys.argv[2])), lambda names: Outside()).build()
"""


@pytest.mark.slow
def test_build_that_is_killed_leaves_no_half_of_a_page(folder_store: Store, tmp_path: Path) -> None:
    """Between a file's bytes and its name; and again in the build that follows, upon a site that was whole."""
    out = tmp_path / "out"
    put(folder_store)
    for writes in (3, 5):
        done = subprocess.run([sys.executable, "-c", KILLED, folder_store.url, str(out), str(writes)], cwd=ROOT)
        assert done.returncode == -signal.SIGKILL and is_whole(out) and BUILDING in contents(out)
        build(folder_store, out)
        build(folder_store, tmp_path / f"fresh-{writes}")
        assert contents(out) == contents(tmp_path / f"fresh-{writes}")
        put(folder_store)
        put(folder_store, "other")


class Gone(Store):
    """A registry whose objects cannot be reached."""

    def request(self, kind: Any, path: str, ask: Any) -> Any:
        if kind == "get" and path.endswith("manifest.json"):
            raise StoreUnavailable("no answer")
        return ask()


def test_registry_that_does_not_answer_leaves_the_site_as_it_was(folder_store: Store, tmp_path: Path) -> None:
    put(folder_store)
    build(folder_store, tmp_path / "out")
    put(folder_store)
    before = contents(tmp_path / "out")
    with pytest.raises(StoreUnavailable):
        build(Gone(folder_store.backend, folder_store.url), tmp_path / "out")
    after = contents(tmp_path / "out")
    assert {name: page for name, page in after.items() if name != BUILDING} == before
    assert build(folder_store, tmp_path / "out").versions == 2


@pytest.mark.slow
def test_several_processes_write_the_same_site_as_one(folder_store: Store, tmp_path: Path) -> None:
    for name in ("wine", "other"):
        promoted(folder_store, put(folder_store, name, **measured(0.9)))
    alone, many = build(folder_store, tmp_path / "alone"), build(folder_store, tmp_path / "many", many=1)
    assert alone == many and contents(tmp_path / "alone") == contents(tmp_path / "many")


def test_only_so_many_versions_are_read(folder_store: Store, tmp_path: Path) -> None:
    for _ in range(4):
        put(folder_store)
    built = build(folder_store, tmp_path / "out", most=2)
    assert built.versions == 2 and sorted(name for name in contents(tmp_path / "out") if name.count("/") == 2) == [
        f"models/wine/{page}.html" for page in ("3-card", "3", "4-card", "4", "compare", "index")
    ]
    assert "The newest 2 versions are shown" in text_of(tmp_path / "out", "models/wine/index.html")


def test_card_is_let_in_as_the_command_lets_it_in(folder_store: Store, tmp_path: Path) -> None:
    put(folder_store, card=CARD.replace("a card</body>", "<script>alert(1)</script></body>"))
    build(folder_store, tmp_path / "out")
    card = (tmp_path / "out/models/wine/1-card.html").read_text()
    assert "default-src 'none'" in card.partition("<title>")[0]
