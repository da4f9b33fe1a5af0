"""What the serving image copies is all that serving imports of this project."""

import re
import shutil
from pathlib import Path

from tests.conftest import ROOT, python

COPY = re.compile(r"^COPY (?:--\S+ )*(.*)$", re.MULTILINE)
IMPORT_ALL = """
import importlib, pathlib, sys
sys.path[:] = [sys.argv[1], *(each for each in sys.path if each and not (pathlib.Path(each) / "brinery").exists())]
found = sorted(pathlib.Path(sys.argv[1], "serving").glob("*.py"))
for file in found:
    if file.stem != "handler":  # which loads a model
        importlib.import_module(f"serving.{file.stem}")
print(len(found), {pathlib.Path(module.__file__).is_relative_to(sys.argv[1]) for name, module in sys.modules.items()
                   if name.partition(".")[0] in ("brinery", "serving")})
"""


def test_all_modules_of_serving_can_be_imported_from_what_the_image_copies(tmp_path: Path) -> None:
    copied = 0
    for line in COPY.findall((ROOT / "serving/Dockerfile").read_text()):
        *sources, target = line.split()
        for source in sources:
            if not source.startswith(("brinery", "serving")):
                continue
            copied += 1
            to = tmp_path / target.removeprefix("task/")
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, to, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                to.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / source, to)
    assert copied > 10
    ran = python("-P", "-c", IMPORT_ALL, str(tmp_path))
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == f"{len(list((ROOT / 'serving').glob('*.py')))} {{True}}"
