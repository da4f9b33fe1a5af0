"""The pictures of README, of a real run: `python -m tests.browser.pictures` writes them to docs/pictures."""

import base64
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from brinery.commands.registry import main as registry
from tests.browser.conftest import Browser, started
from tests.conftest import ROOT
from tests.serving.served import served

PICTURES = ROOT / "docs/pictures"
WIDTH, HEIGHT = 1100, 760
PENGUINS = json.loads((ROOT / "models.json").read_text())["penguins"] | {"data": str(ROOT / "tests/data/penguins.csv")}
RUNS: Sequence[tuple[list[str], str | None]] = (  # of which features a version is made, and why it is promoted
    (["bill_length_mm"], None),
    (["bill_length_mm", "island"], "the first"),
    (["bill_length_mm", "island", "flipper_length_mm"], "flippers, too"),
    (["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g", "island", "sex", "year"], "all features"),
    (["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g", "island"], None),
)


def main() -> int:
    """Train, promote, serve, look; the exit code."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url, live = folder.joinpath("registry").as_uri(), ""
        for features, reason in RUNS:
            reference = _trained(folder, url, features)
            if reason:
                live = reference
                file = str(folder / ".env")
                registry(["promote", reference, "--env-file", file, "--reason", reason, "--registry", url, "--force"])
        registry(["site", "--out", f"{folder}/site", "--registry", url])
        model, _, version = live.partition(":")
        with served(folder, None, MODEL_REGISTRY=url, MODEL_NAME=model, MODEL_VERSION=version) as server:
            browser = Browser(started())
            try:
                _take(browser, (folder / "site/models/penguins/index.html").as_uri(), "site")
                _take(browser, f"http://127.0.0.1:{server.port}/model/card", "card")
                _take(browser, f"http://127.0.0.1:{server.port}/", "page", asked=True)
            finally:
                browser.driver.quit()
    return 0


def _trained(folder: Path, url: str, features: list[str]) -> str:
    """The reference of a version of penguins by these features."""
    kinds = {"kinds": {"year": "category"}} if "year" in features else {"kinds": {}}
    spec = PENGUINS | {"features": features, "gate": {"balanced_accuracy": {"min": 0.95}}} | kinds
    (folder / "models.json").write_text(json.dumps({"penguins": spec}))
    command = [sys.executable, "-m", "training", "--models", f"{folder}/models.json", "--registry", url, "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return str(json.loads(done.stdout)["reference"])


def _take(browser: Browser, address: str, name: str, asked: bool = False) -> None:
    browser.open(address, width=WIDTH)
    if asked:
        browser.find("button[type=submit]").click()
        browser.wait(lambda: browser.text("#raw") != "")
        browser.driver.execute_script("scrollTo(0, 0)")
    size = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    taken = browser.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "webp", "quality": 85})
    PICTURES.mkdir(exist_ok=True)
    (PICTURES / f"{name}.webp").write_bytes(base64.b64decode(taken["data"]))


if __name__ == "__main__":
    sys.exit(main())
