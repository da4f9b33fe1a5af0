"""The example of a network, where torch is installed: it is trained, exported, and publishes as the README says.

Without torch there is no test here, since none may be skipped; the others use tests/data/digits.onnx, which it wrote.
"""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from brinery.commands.registry import main
from tests.conftest import ROOT

if find_spec("torch") is not None:

    def test_network_of_the_example_is_published(tmp_path: Path) -> None:
        command = [sys.executable, str(ROOT / "examples/digits_network.py"), str(tmp_path)]
        told = subprocess.run(command, capture_output=True, text=True, check=True)
        assert told.stdout.startswith("accuracy on 360 held-out rows: 0.9") and told.stderr == ""
        rows = ["--rows", f"{tmp_path}/held_out.csv", "--train-rows", f"{tmp_path}/train.csv", "--target", "target"]
        more = ["--gate", '{"accuracy": {"min": 0.9}}', "--registry", tmp_path.as_uri()]
        assert main(["publish", "digits", f"{tmp_path}/digits.onnx", *rows, *more]) == 0
