"""A real browser, Chromium by its driver; from Debian they are the packages `chromium` and `chromium-driver`."""

import shutil
from collections.abc import Callable, Iterator

import pytest
from axe_selenium_python import Axe
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.waiting import wait_until

OPTIONS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars")
WIDTHS = (400, 1200, 2000)


class Browser:
    """Chromium, and what tests ask of a page."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(self, url: str, width: int = 1200, dark: bool = False) -> None:
        self.wide(width)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
        self.driver.get(url)

    def wide(self, width: int) -> None:
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        found: list[WebElement] = self.driver.find_elements(By.CSS_SELECTOR, selector)
        return found

    def type(self, selector: str, text: str) -> None:
        """Replace what is in a field by a text."""
        field = self.find(selector)
        field.clear()
        field.send_keys(text)

    def text(self, selector: str) -> str:
        """All text of an element, shown or not."""
        return str(self.find(selector).get_property("textContent"))

    def wait(self, holds: Callable[[], bool]) -> None:
        wait_until(holds, 20, lambda: self.driver.page_source[-3000:])

    @property
    def overflow(self) -> int:
        """Pixels by which the page is wider than its window."""
        return int(self.driver.execute_script("return document.documentElement.scrollWidth - innerWidth"))

    @property
    def complaints(self) -> list[str]:
        """What the console has, such as of what the page's policy forbids; but that requests were refused."""
        logged = [entry["message"] for entry in self.driver.get_log("browser")]
        return [message for message in logged if "the server responded with a status of" not in message]

    @property
    def barriers(self) -> list[str]:
        """What axe finds that is serious or worse."""
        axe = Axe(self.driver)
        axe.inject()
        found = axe.run()["violations"]
        return [
            f"{each['id']}: {each['nodes'][0]['html']}" for each in found if each["impact"] in ("serious", "critical")
        ]


def started() -> webdriver.Chrome:
    """Chromium, begun."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    assert program and driver, "Chromium and its driver are not installed: apt-get install chromium chromium-driver"
    options = Options()
    options.binary_location = program
    for option in OPTIONS:
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=Service(driver))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    driver = started()
    yield Browser(driver)
    driver.quit()
