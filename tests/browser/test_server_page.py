"""The server's page in a real browser: the form asks the model, and what is said stands at the field it is about."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from brinery.rows.feature import Feature
from brinery.versions.store import Store, open_store
from tests.browser.conftest import WIDTHS, Browser
from tests.examples import publish_example, publish_files, tiny
from tests.serving.served import Served, served

pytestmark = pytest.mark.browser
EVIL = '</script><script>document.title="owned"</script> "\'&/~'


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = open_store((tmp_path_factory.mktemp("registry") / "registry").as_uri(), create=True)
    for name in ("wine", "mixed", "progress"):
        publish_example(store, name)
    described, files = tiny("evil")
    feature = Feature(name=EVIL, kind="number", minimum=0, maximum=3)
    publish_files(store, described.model_copy(update={"features": (feature,), "description": EVIL}), files)
    return store


@pytest.fixture(scope="module")
def serving(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """`serving("wine")`: a server of that model, begun once."""
    begun: dict[str, Any] = {}

    def get(name: str | None) -> Served:
        if name not in begun:
            pinned = {"MODEL_NAME": name, "MODEL_VERSION": "1"} if name else {}
            entered = served(tmp_path_factory.mktemp("serve"), None, MODEL_REGISTRY=store.url, **pinned)
            begun[str(name)] = entered, entered.__enter__()
        found: Served = begun[str(name)][1]
        return found

    yield get
    for entered, _ in begun.values():
        entered.__exit__(None, None, None)


def open_page(browser: Browser, server: Served, path: str = "/", **looks: Any) -> None:
    browser.open(f"http://127.0.0.1:{server.port}{path}", **looks)


def ask(browser: Browser) -> dict[str, Any]:
    """Press the button; the answer, or the problem, as JSON."""
    browser.driver.execute_script("document.getElementById('raw').textContent = ''")
    browser.find("button[type=submit]").click()
    browser.wait(lambda: browser.text("#raw") != "")
    found: dict[str, Any] = json.loads(browser.text("#raw"))
    return found


def field(name: str) -> str:
    return f'[data-name="{name}"]'


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_form_is_filled_with_an_example_and_the_answer_has_bars(browser: Browser, serving: Any, path: str) -> None:
    server = serving("wine")
    open_page(browser, server, path)
    answer = ask(browser)
    assert browser.text(".prediction") == str(answer["prediction"]) and len(browser.all(".bars dt")) == 3
    shares = [float(each.text.rstrip(" %")) for each in browser.all(".bars .share")]
    assert sum(shares) == pytest.approx(100, abs=0.2) and shares == sorted(shares, reverse=True)
    widths = [each.size["width"] for each in browser.all(".bars .bar")]
    assert widths == sorted(widths, reverse=True) and widths[0] > 3 * widths[-1]
    assert "by wine:1" in browser.text("#answer") and browser.complaints == []
    card = httpx.get(str(browser.find("nav a").get_attribute("href")))
    assert card.status_code == 200


def test_slider_and_number_are_one_value(browser: Browser, serving: Any) -> None:
    open_page(browser, serving("wine"))
    example = browser.text("#curl")
    browser.type(f"{field('alcohol')} .value", "14.25")
    assert browser.find(f"{field('alcohol')} .slider").get_property("value") == "14.25"
    browser.driver.execute_script(
        "const slider = arguments[0]; slider.value = 12.5; slider.dispatchEvent(new Event('input', {bubbles: true}))",
        browser.find(f"{field('alcohol')} .slider"),
    )
    assert browser.find(f"{field('alcohol')} .value").get_property("value") == "12.5"
    assert '"alcohol": 12.5' in browser.text("#curl")
    browser.find("button[type=reset]").click()
    browser.wait(lambda: browser.text("#curl") == example)


def test_fields_of_each_kind_send_their_values(browser: Browser, serving: Any) -> None:
    server = serving("mixed")
    open_page(browser, server)
    browser.find(f"{field('mass')} .missing").click()
    assert not browser.find(f"{field('mass')} .value").is_enabled()
    browser.type(f"{field('year')} .value", "2009")
    switch = browser.find(f"{field('tagged')} .value")
    was = switch.is_selected()
    switch.click()
    browser.find(f"{field('island')} option:last-child").click()
    answer = ask(browser)
    row = {"mass": None, "year": 2009, "tagged": not was, "island": "Torgersen", "sex": "female"}
    assert answer == server.client.post("/classify", json={"data": row}).json()
    assert browser.complaints == []


def test_problems_and_warnings_are_at_their_fields(browser: Browser, serving: Any) -> None:
    open_page(browser, serving("mixed"))
    browser.type(f"{field('mass')} .value", "heavy")
    browser.type(f"{field('year')} .value", "")
    problem = ask(browser)
    assert problem["status"] == 422 and "422" in browser.text("#answer .problem")
    for name in ("mass", "year"):
        assert browser.find(f"{field(name)} .said .problem").is_displayed()
        assert browser.find(f"{field(name)} .value").get_attribute("aria-invalid") == "true"
    assert not browser.all(f"{field('island')} .said p")
    browser.type(f"{field('mass')} .value", "99999")
    browser.type(f"{field('year')} .value", "2008")
    answer = ask(browser)
    assert not browser.all(".said .problem") and not browser.all("[aria-invalid]")
    assert browser.text(f"{field('mass')} .said .warning") == answer["warnings"][0]["message"]


def test_code_that_is_shown_answers_as_the_form_does(browser: Browser, serving: Any, tmp_path: Path) -> None:
    open_page(browser, serving("mixed"))
    browser.find(f"{field('sex')} .missing").click()
    expected = ask(browser)
    done = subprocess.run(["bash", "-c", browser.text("#curl")], capture_output=True, text=True)
    assert json.loads(done.stdout) == expected
    done = subprocess.run([sys.executable, "-c", browser.text("#python")], capture_output=True, text=True)
    assert done.stdout.strip() == str(expected), done.stderr
    script = browser.text("#javascript").replace("console.log(await answer.json());", "return await answer.json();")
    found = browser.driver.execute_async_script(
        f"const done = arguments[0]; (async () => {{ {script} }})().then(done, (e) => done(String(e)))"
    )
    assert found == expected


@pytest.mark.parametrize(
    ("pasted", "year", "said"),
    [
        ("4000,2009,true,Dream,male", "2009", ""),
        ("island\tyear\tmass\tsex\ttagged\nDream\t2009\t\tmale\t1", "2009", ""),
        ('4000;2007;false;"Dream";', "2007", ""),
        ("1,2", None, "the line has 2 values, and the model 5 features"),
        ("mass,year\n1,2", None, "the header has no tagged, island, sex"),
    ],
)
def test_row_of_csv_is_pasted_into_the_fields(
    browser: Browser, serving: Any, pasted: str, year: str | None, said: str
) -> None:
    open_page(browser, serving("mixed"))
    browser.find("section details summary").click()
    browser.driver.execute_script(
        "const box = arguments[0]; box.value = arguments[1]; box.dispatchEvent(new Event('input', {bubbles: true}))",
        browser.find("#csv"),
        pasted,
    )
    assert browser.text("#pasted") == said
    if year is None:
        return
    assert browser.find(f"{field('year')} .value").get_property("value") == year
    assert browser.find(f"{field('island')} .value").get_property("value") == "Dream"
    assert ask(browser)["model"]["name"] == "mixed"


def test_number_is_shown_with_its_unit_free_interval_where_there_is_one(browser: Browser, serving: Any) -> None:
    open_page(browser, serving("progress"))
    answer = ask(browser)
    assert browser.text(".prediction") == str(answer["prediction"]) and not browser.all(".bars")
    assert "/predict" in browser.text("#curl")


def test_names_of_the_bucket_run_nothing(browser: Browser, serving: Any) -> None:
    server = serving("evil")
    open_page(browser, server)
    assert browser.driver.title == "evil:1" and browser.text("label[for=f0]") == EVIL
    answer = ask(browser)
    assert answer["prediction"] in (0, 1) and browser.driver.title == "evil:1"
    browser.type("#f0", "x")
    assert ask(browser)["status"] == 422 and browser.find(".field .said .problem").is_displayed()
    done = subprocess.run(["bash", "-c", browser.text("#curl")], capture_output=True, text=True)
    assert json.loads(done.stdout)["status"] == 422
    assert browser.complaints == []


def test_server_without_a_model_says_what_to_set(browser: Browser, serving: Any) -> None:
    open_page(browser, serving(None))
    assert "MODEL_VERSION is not set; set it to a version with its digest" in browser.text(".problem")
    assert not browser.all("form") and browser.complaints == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["wine", "mixed", "evil"])
def test_page_fits_and_has_no_barriers(browser: Browser, serving: Any, name: str, width: int, dark: bool) -> None:
    open_page(browser, serving(name), width=width, dark=dark)
    ask(browser)
    assert browser.overflow <= 0
    assert browser.barriers == []


def test_page_is_used_by_the_keyboard_alone(browser: Browser, serving: Any) -> None:
    open_page(browser, serving("wine"))
    browser.find("#f0").send_keys("\ue007")  # Enter
    browser.wait(lambda: bool(browser.all(".prediction")))
    assert re.fullmatch(r"[012]", browser.text(".prediction"))
