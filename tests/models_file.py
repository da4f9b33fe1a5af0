"""Files that declare models: the smallest declaration, what writes one, and the file that the tests train from."""

import json
from pathlib import Path
from typing import Any

from tests.conftest import ROOT

SPEC = {"data": "sklearn:wine", "estimator": "sklearn.linear_model.LogisticRegression"}
# A copy of the one that the repository is shipped with, which its users replace by their own.
EXAMPLES = ROOT / "tests/data/models.json"


def write(folder: Path, models: Any) -> Path:
    """A models.json in `folder`: an object, or the text of a file that is none."""
    path = folder / "models.json"
    path.write_text(models if isinstance(models, str) else json.dumps(models))
    return path
