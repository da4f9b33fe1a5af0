"""The templates' metric filters on what the product logs; no local service evaluates such patterns."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from brinery.versions.store import Store
from tests.conftest import overwrite, python
from tests.examples import publish_example
from tests.infra.template import of_type, raw
from tests.models_file import write
from tests.serving.test_handler import BOOT

CLAUSE = re.compile(r'\(\$\.([a-z_.]+) (?:= "([^"]*)"|IS (TRUE))\)')


def matches(pattern: str, line: str) -> bool:
    """Whether a CloudWatch pattern of those used here matches: `?"phrase" ?"other"`, or `{ (…) && (…) }` on JSON."""
    if not pattern.startswith("{"):
        phrases = re.findall(r'\?"([^"]*)"', pattern)
        assert " ".join(f'?"{phrase}"' for phrase in phrases) == pattern
        return any(phrase in line for phrase in phrases)
    clauses, joined = CLAUSE.findall(pattern), CLAUSE.sub("?", pattern).strip("{} ")
    assert set(joined.split(" && ")) == {"?"} or set(joined.split(" || ")) == {"?"}, joined
    try:
        found = json.loads(line)
    except ValueError:
        return False

    def holds(path: str, wanted: str, true: str) -> bool:
        value: Any = found
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        return value is True if true else isinstance(value, str) and wanted in ("*", value)

    return (all if "&&" in joined else any)(holds(*clause) for clause in clauses)


def counted(template: str, lines: str) -> dict[str, int]:
    """How often each filter of a template matches, of those that do."""
    filters = of_type(raw(template)["Resources"], "AWS::Logs::MetricFilter")
    patterns = {name: each["Properties"]["FilterPattern"] for name, each in filters.items()}
    counts = {name: sum(matches(pattern, line) for line in lines.splitlines()) for name, pattern in patterns.items()}
    return {name: count for name, count in counts.items() if count}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "counts"),
    [
        (None, {}),
        ("version", {"InitFailures": 1, "NewVersionFailures": 1}),
        ("manifest.json", {"InitFailures": 1, "NewVersionFailures": 1, "IntegrityFailures": 1}),
        ("model.onnx", {"InitFailures": 1, "NewVersionFailures": 1, "IntegrityFailures": 1}),
    ],
)
def test_serving_that_cannot_load_is_counted(folder_store: Store, change: str | None, counts: dict[str, int]) -> None:
    reference = publish_example(folder_store, "alcohol")
    pin = reference.version_text.replace("1@", "2@", 1) if change == "version" else reference.version_text
    if change and "." in change:
        overwrite(folder_store, f"{reference.folder}/{change}", b"{}")
    environment = {"MODEL_REGISTRY": folder_store.url, "MODEL_NAME": "alcohol", "MODEL_VERSION": pin}
    ran = python("-c", BOOT, "/readyz", AWS_LAMBDA_FUNCTION_VERSION="8", REQUIRE_PIN="on", **environment)
    assert counted("serving", ran.stderr) == counts, ran.stderr


def test_challenger_that_cannot_be_loaded_is_counted_by_itself(folder_store: Store) -> None:
    """No version of the function is held back for it, and nobody is told that the pinned model could not be loaded."""
    reference = publish_example(folder_store, "alcohol")
    pin = reference.version_text
    environment = {"MODEL_REGISTRY": folder_store.url, "MODEL_NAME": "alcohol", "MODEL_VERSION": pin}
    challenged = {"CHALLENGER_VERSION": pin.replace("1@", "2@"), "AWS_LAMBDA_FUNCTION_VERSION": "8"}
    ran = python("-c", BOOT, "/readyz", REQUIRE_PIN="on", **environment, **challenged)
    assert ran.stdout.strip().startswith("200"), ran.stdout
    assert counted("serving", ran.stderr) == {"ChallengerFailures": 1}, ran.stderr


@pytest.mark.slow
def test_training_is_counted_by_its_outcomes(tmp_path: Path) -> None:
    """The registry's task: one line a run and one at the end, and a sentence for each model that failed."""
    good = {"data": "sklearn:iris", "estimator": "sklearn.tree.DecisionTreeClassifier", "schedule": "0 0 1 1 *"}
    write(
        tmp_path,
        {
            "good": good,
            "gated": {**good, "gate": {"accuracy": {"min": 1.0}}, "params": {"max_depth": 1}},
            "bad": {**good, "data": "missing.csv"},
        },
    )
    ran = python("-m", "training", "--models", str(tmp_path / "models.json"), "--due")
    assert ran.returncode == 1 and len(ran.stdout.splitlines()) == 4, ran.stderr
    counts = counted("registry", ran.stdout)
    assert counts.pop("TrainingFailures", 0) <= 1  # the line of the run may quote what the command said
    assert counts == {"TrainingLooked": 1, "TrainingGates": 1}
    assert counted("registry", ran.stderr) == {"TrainingFailures": 1}, ran.stderr
    again = python("-m", "training", "--models", str(tmp_path / "models.json"), "--due")
    assert counted("registry", again.stdout + again.stderr) == {"TrainingLooked": 1}, again.stderr
    crashed = python("-c", "import training.nothing_of_this_name")
    assert counted("registry", crashed.stderr) == {"TrainingFailures": 1}
