"""The model card in a real browser: what the first screen says, how large pictures are, dark, narrow and on paper."""

import base64
from pathlib import Path

import pytest
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from brinery.assessment.publish_fitted import publish_fitted
from tests.browser.conftest import WIDTHS, Browser

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of the card of a small model."""
    folder = tmp_path_factory.mktemp("registry")
    x, y = load_wine(return_X_y=True, as_frame=True)
    train, test = x.index % 4 > 0, x.index % 4 == 0
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(x[train].to_numpy(), y[train])
    given = {"x_train": x[train], "y_train": y[train], "registry": folder.as_uri()}
    reference = publish_fitted("wine", model, x[test], y[test], gate={"accuracy": {"min": 0.9}}, **given)
    found: Path = folder / reference.folder / "card.html"
    return found.as_uri()


def sizes(browser: Browser, selector: str) -> list[dict[str, float]]:
    return [each.rect for each in browser.all(selector)]


@pytest.mark.parametrize("width", WIDTHS)
def test_card_fits_the_window_and_its_first_screen_has_the_verdict(browser: Browser, card: str, width: int) -> None:
    browser.open(card, width)
    assert browser.overflow <= 0 and browser.complaints == []
    assert browser.find("h1").text == "wine:1 model card" and browser.driver.title == "wine:1: model card"
    assert [each.text for each in browser.all(".badges strong")] == ["beaten", "passed", "not compared"]
    assert all(each["y"] + each["height"] < 900 for each in sizes(browser, ".badges li"))


def test_pictures_are_large_where_there_is_room(browser: Browser, card: str) -> None:
    browser.open(card, 1200)
    first, second, *_ = sizes(browser, ".figures svg")
    assert first["width"] > 500 and abs(first["y"] - second["y"]) < 2 and second["x"] > first["x"] + 500
    letters = "return getComputedStyle(document.querySelector('figure svg text')).fontSize"
    assert float(str(browser.driver.execute_script(letters)).rstrip("px")) * first["width"] / 360 >= 13
    browser.open(card, 400)
    first, second, *_ = sizes(browser, ".figures svg")
    assert first["width"] > 340 and second["y"] > first["y"] + first["height"]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_card_has_no_barriers(browser: Browser, card: str, dark: bool) -> None:
    browser.open(card, dark=dark)
    assert browser.barriers == []


def test_card_prints_light_on_a_few_pages(browser: Browser, card: str) -> None:
    browser.open(card, dark=True)
    paper = base64.b64decode(browser.driver.execute_cdp_cmd("Page.printToPDF", {})["data"])
    assert 2 <= paper.count(b"/Type /Page\n") <= 8
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert browser.driver.execute_script("return getComputedStyle(document.body).color") == "rgb(31, 35, 40)"
    assert browser.overflow <= 0
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
