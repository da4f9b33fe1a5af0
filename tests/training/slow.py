"""A model that takes for ever to fit, and what waits until it does so."""

from pathlib import Path
from subprocess import Popen
from typing import Any

from tests.models_file import SPEC
from tests.waiting import wait_while_it_runs

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


def sleeping_model(folder: Path, first: str = "pass") -> dict[str, Any]:
    """The declaration of a model whose fit never ends; `first` is a statement that it begins with."""
    (folder / "sleeping.py").write_text(
        "import signal, time\n"
        "from pathlib import Path\n"
        "from sklearn.linear_model import LogisticRegression\n"
        "class Sleeping(LogisticRegression):\n"
        "    def fit(self, *rest, **more):\n"
        f"        {first}\n"
        f"        Path({str(folder / FITTING)!r}).touch()\n"
        "        time.sleep(1000)\n"
        "def make():\n"
        "    return Sleeping()\n"
    )
    return {**SPEC, "estimator": "sleeping:make"}


def hanging_model(folder: Path) -> dict[str, Any]:
    """… and which ignores that it is told to end."""
    ignore = "[signal.signal(number, signal.SIG_IGN) for number in (signal.SIGTERM, signal.SIGALRM)]"
    return sleeping_model(folder, ignore)


def hanging_search(folder: Path) -> dict[str, Any]:
    """… in each process of a search."""
    return {**sleeping_model(folder), "search": {"C": [0.1, 1, 10]}}


def wait_for_the_fit(folder: Path, process: "Popen[Any]", seconds: float = 120) -> None:
    """Until the model of `slow_model` is being fitted by `process`, or by one that it started."""
    wait_while_it_runs(process, (folder / FITTING).exists, seconds)
