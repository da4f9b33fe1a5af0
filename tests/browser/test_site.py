"""The registry's site in a real browser, from files and by its server: sorted, filtered, compared, and never owned."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from brinery.promotion.records import newest
from brinery.rows.feature import Feature
from brinery.site.model import Outside
from brinery.site.server import Server
from brinery.tasks.classification import Classification
from brinery.versions.manifest import Gate, GateCheck, Git
from brinery.versions.store import Store, open_store
from tests.background import in_background
from tests.brinery.site.registries import EVIL, build, measured, promoted, put, site_in, small
from tests.brinery.site.test_looks import DRIFT
from tests.browser.conftest import WIDTHS, Browser
from tests.examples import artifact, example

pytestmark = pytest.mark.browser
MANY = 450
SCROLLED = "return [...document.querySelectorAll('.scroll')].map((each) => each.scrollWidth - each.clientWidth)"
WINE = ("models/wine/index", "models/wine/3", "models/wine/compare")
PAGES = ("index", *WINE, "models/evil/index", "models/evil/1", "looks/index")


def failed() -> Gate:
    check = GateCheck(metric="accuracy", rule="min", side="least", limit=0.9, value=0.8, passed=False)
    return Gate(passed=False, checks=(check,))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = open_store((tmp_path_factory.mktemp("registry") / "registry").as_uri(), create=True)
    described, files = example("wine")
    wine: dict[str, Any] = {"files": {"golden.json": files["golden.json"]}, "features": described.features}
    changes: list[dict[str, Any]] = [{}, {"gate": failed(), "spec": {"params": {"C": 0.1}}}, {}]
    for accuracy, more in zip((0.9, 0.8, 0.95), changes, strict=True):
        reference = put(store, **{**wine, **measured(accuracy), "task": described.task, **more})
    promoted(store, reference, by="Anna", reason="it is better")
    for number in range(MANY):
        put(store, "many", card=None, **measured(round(0.5 + number / 1000, 4)))
    evil: dict[str, Any] = {
        "description": EVIL * 1000,
        "features": (Feature(name=EVIL + "x" * 100, kind="category", categories=(EVIL * 50, "y" * 5000)),),
        "task": Classification(classes=(EVIL, "z" * 500)),
        "libraries": {EVIL: EVIL},
        "spec": {EVIL: {EVIL: EVIL}, "params": {"x" * 500: EVIL}},
        "metrics": {EVIL: 0.5, "m" * 200: 0.1},
    }
    promoted(store, put(store, "evil", **evil), by=EVIL, reason=EVIL * 10)
    put(store, "evil", **evil)
    put(store, "a" * 63, description="w" * 100_000)
    spans = {"accuracy": (0.8, 0.9), "rmse": (12_345.67, 23_456.78), "mae": (1234.5, 2345.6)}
    evaluation = small()[0].evaluation.model_copy(update={"intervals": spans})
    for seed, accuracy in enumerate((0.9, 0.8)):
        reference = put(
            store,
            "others",
            git=Git(commit="c" * 40, dirty=True),
            metrics={"accuracy": accuracy, "rmse": 17_890.12, "mae": 1789.0 + seed},
            evaluation=evaluation,
            spec={"random_state": seed},
            artifacts={format: artifact(format) for format in ("onnx", "pickle")},
            files={"model.onnx": b"", "golden.json": _answered("a" if seed else "b")},
        )
        promoted(store, reference, by="Anna Karenina")
    return store


def _answered(label: str) -> bytes:
    """Two golden rows, of which the second one is answered so."""
    width = len(small()[0].features)
    answers = [{"prediction": each} for each in ("a", label)]
    return json.dumps({"rows": [[0.0] * width, [1.0] * width], "answers": answers}).encode()


def recorded(store: Store) -> Outside:
    return Outside(marks={str(newest(store, name)): "recorded" for name in ("wine", "evil")})


@pytest.fixture(scope="module")
def out(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs = tmp_path_factory.mktemp("runs")
    (runs / f"\u202e{'n' * 200}.txt").write_text("")
    (runs / f"{'n' * 150}.json").write_text(json.dumps({**DRIFT, "rows": 10**400}))
    out = tmp_path_factory.mktemp("site")
    build(store, out, recorded(store), runs=[str(runs)])
    return out


@pytest.fixture(scope="module")
def server(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    site = site_in(store, tmp_path_factory.mktemp("served"), recorded(store))
    site.build()
    with in_background(Server(site, 0)) as running:
        yield running


@pytest.fixture(params=["file", "http"])
def root(request: pytest.FixtureRequest) -> str:
    """Where the site is: in a folder, and behind its server."""
    if request.param == "file":
        folder: Path = request.getfixturevalue("out")
        return folder.as_uri()
    return str(request.getfixturevalue("server").url)


def column(browser: Browser, place: int) -> list[str]:
    cell = "row.cells[arguments[0]].firstChild.textContent"
    script = f"return [...document.querySelectorAll('#versions tbody tr')].map((row) => {cell})"
    found: list[str] = browser.driver.execute_script(script, place)
    return found


def texts(browser: Browser, selector: str) -> list[str]:
    script = "return [...document.querySelectorAll(arguments[0])].map((each) => each.innerText)"
    found: list[str] = browser.driver.execute_script(script, selector)
    return found


def test_models_lead_to_versions_and_those_to_cards(browser: Browser, root: str) -> None:
    browser.open(f"{root}/index.html")
    browser.type("input[type=search]", "wine")
    assert texts(browser, "tbody th a") == ["wine"] and browser.text("output") == "1 of 5 models"
    browser.find("tbody th a").click()
    browser.wait(lambda: browser.driver.title == "wine")
    assert "Anna" in browser.text(".timeline") and len(browser.all("svg[role=img]")) == 2
    browser.find("#versions tbody th a").click()
    browser.wait(lambda: browser.driver.title == "wine:3")
    assert "It beats the baseline: accuracy 0.9500 against 0.5000" in browser.text("main")
    browser.find("nav.links a").click()
    browser.wait(lambda: browser.driver.title == "a card")
    assert browser.complaints == []


def test_versions_sort_by_click_and_by_keyboard_those_beyond_the_first_among_them(browser: Browser, out: Path) -> None:
    browser.open(f"{out.as_uri()}/models/many/index.html")
    assert len(browser.all("#versions tbody tr")) == 200 and column(browser, 0)[0] == str(MANY)
    accuracy = browser.all("#versions thead button")[4]
    accuracy.click()
    assert browser.find("[aria-sort]").get_attribute("aria-sort") == "ascending"
    assert column(browser, 4)[:2] == ["0.5000", "0.5010"] and column(browser, 0)[0] == "1"
    accuracy.send_keys("\ue007")  # Enter
    assert browser.find("[aria-sort]").get_attribute("aria-sort") == "descending"
    assert column(browser, 4)[0] == f"{0.5 + (MANY - 1) / 1000:.4f}"
    browser.type("input[type=search]", "0.51")
    assert browser.text("output").endswith(f" of {MANY} versions")
    assert all("0.51" in each for each in texts(browser, "#versions tbody tr"))
    browser.type("input[type=search]", "nothing-like-that")
    assert browser.all("#versions tbody tr") == [] and browser.text("output") == f"0 of {MANY} versions"
    browser.find("input[type=search]").send_keys("\ue003" * 20)  # Backspace
    browser.find("#versions-more").click()
    assert len(browser.all("#versions tbody tr")) == 400
    link = browser.find("#versions tbody tr:last-child a").get_property("href")
    assert str(link).endswith(f"/models/many/{column(browser, 0)[-1]}.html")
    assert browser.complaints == []


def test_gates_are_filtered_by_their_words(browser: Browser, out: Path) -> None:
    browser.open(f"{out.as_uri()}/models/wine/index.html")
    browser.type("#versions-tools input", "failed")
    assert column(browser, 0) == ["2"]
    browser.type("#versions-tools input", "anna recorded")
    assert column(browser, 0) == ["3"]


def compared(browser: Browser) -> list[list[str]]:
    browser.wait(lambda: bool(browser.all("#result section")) and not browser.all("#result[aria-busy]"))
    cells = "[...row.cells].map((cell) => cell.innerText)"
    script = f"return [...document.querySelectorAll('#result tbody tr')].map((row) => {cells})"
    found: list[list[str]] = browser.driver.execute_script(script)
    return found


def test_any_two_versions_are_compared(browser: Browser, root: str) -> None:
    browser.open(f"{root}/models/wine/compare.html#1..3")
    rows = {row[0].split("\n")[0]: row for row in compared(browser)}
    assert rows["accuracy"][1:] == ["0.9000\n0.8800 to 0.9200", "0.9500\n0.9300 to 0.9700", "+0.0500\nbetter"]
    assert rows["log_loss"][3] == "−0.0500\nbetter"
    assert "18 rows that both have, 0 get another answer" in browser.text("#result")
    assert not browser.all("#result .differs") and browser.all("#result details:not([open])")
    assert [each.text for each in browser.all("#after option")] == ["3 (recorded)", "2", "1"]
    browser.find("#before option[value='2']").click()
    browser.wait(lambda: "params.C" in browser.text("#result"))
    assert browser.driver.current_url.endswith("#2..3")
    rows = {row[0].split("\n")[0]: row for row in compared(browser)}
    assert rows["gate"][1:] == ["failed", "not set"] and rows["params.C"][1:] == ["0.1", "–"]
    browser.find("#swap").click()
    browser.wait(lambda: "worse" in browser.text("#result"))
    assert browser.driver.current_url.endswith("#3..2") and browser.complaints == []


def test_versions_are_called_neither_better_nor_worse_by_other_rows(browser: Browser, out: Path) -> None:
    browser.open(f"{out.as_uri()}/models/others/compare.html#1..2", width=400)
    rows = {row[0].split("\n")[0]: row for row in compared(browser)}
    assert rows["accuracy"][3] == "−0.1000" and not browser.all("#result .passed, #result .failed")
    said = browser.text("#result")
    assert "The held-out rows are not the same (seed of the split differs)" in said
    assert "Of 2 rows that both have, 1 gets another answer." in said and "1 row with the same answer" in said
    assert browser.driver.execute_script(SCROLLED) == [0] * len(browser.all("#result .scroll"))


@pytest.mark.parametrize("page", ["index", "looks/index", "models/others/index"])
def test_tables_fit_whatever_they_hold(browser: Browser, out: Path, page: str) -> None:
    browser.open(f"{out.as_uri()}/{page}.html")
    assert set(browser.driver.execute_script(SCROLLED)) == {0}


def test_version_is_compared_with_the_one_before_and_with_the_promoted_one(browser: Browser, out: Path) -> None:
    for link, chosen in ((1, ["1", "2"]), (2, ["3", "2"])):
        browser.open(f"{out.as_uri()}/models/wine/2.html")
        browser.all("nav.links a")[link].click()
        compared(browser)
        assert [browser.find(id).get_property("value") for id in ("#before", "#after")] == chosen


def test_version_whose_page_is_gone_is_told(browser: Browser, store: Store, tmp_path: Path) -> None:
    build(store, tmp_path)
    (tmp_path / "models/wine/2.html").unlink()
    browser.open(f"{tmp_path.as_uri()}/models/wine/compare.html#2..3")
    browser.wait(lambda: "the page of version 2 does not answer" in browser.text("#result"))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_page_fits_has_no_barriers_and_runs_nothing_of_the_bucket(
    browser: Browser, out: Path, page: str, dark: bool
) -> None:
    browser.open(f"{out.as_uri()}/{page}.html", dark=dark)
    for width in WIDTHS:
        browser.wide(width)
        assert browser.overflow <= 0, width
    assert browser.barriers == []
    assert browser.complaints == [] and browser.driver.title != "owned"


def test_texts_of_the_bucket_are_shown_and_compared_as_texts(browser: Browser, out: Path) -> None:
    browser.open(f"{out.as_uri()}/models/evil/compare.html#1..2", width=400)
    browser.wait(lambda: bool(browser.all("#result section")))
    assert browser.overflow <= 0 and "<script>" in browser.text("#result") and browser.driver.title == "evil: compare"
    browser.open(f"{out.as_uri()}/models/evil/1.html")
    assert "\\u202egpj.exe" in browser.text("main") and "\u202e" not in browser.driver.page_source
    links = browser.driver.execute_script("return [...document.links].map((link) => link.protocol)")
    assert set(links) == {"file:"} and browser.complaints == []


def test_page_of_many_versions_shows_some_at_once_and_stays_small(browser: Browser, out: Path) -> None:
    page = out / "models/many/index.html"
    browser.open(page.as_uri())
    assert len(browser.all("tbody tr")) <= 300 and page.stat().st_size < 600_000


def test_pages_print_without_tools(browser: Browser, out: Path) -> None:
    browser.open(f"{out.as_uri()}/models/wine/index.html")
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert not browser.find("#versions-tools").is_displayed() and not browser.find("nav.links").is_displayed()
        assert browser.find("#versions tbody").is_displayed()
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
