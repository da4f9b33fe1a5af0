"""A model that takes for ever to fit, and what waits until it does so."""

import time
from pathlib import Path
from subprocess import Popen
from typing import Any

from tests.models_file import SPEC

FITTING = "fitting"


def slow_model(folder: Path) -> dict[str, Any]:
    """The declaration of a forest that leaves a mark in `folder`, that of models.json, when its fit begins."""
    (folder / "slow_forest.py").write_text(
        "from pathlib import Path\n"
        "from sklearn.ensemble import RandomForestClassifier\n"
        "class Slow(RandomForestClassifier):\n"
        "    def fit(self, *rest, **more):\n"
        f"        Path({str(folder / FITTING)!r}).touch()\n"
        "        return super().fit(*rest, **more)\n"
        "def make(random_state=None):\n"
        "    return Slow(100_000, n_jobs=-1, random_state=random_state)\n"
    )
    return {**SPEC, "estimator": "slow_forest:make"}


def wait_for_the_fit(folder: Path, process: "Popen[Any]", seconds: float = 120) -> None:
    """Until the model of `slow_model` is being fitted by `process`, or by one that it started."""
    deadline = time.monotonic() + seconds
    while not (folder / FITTING).exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
