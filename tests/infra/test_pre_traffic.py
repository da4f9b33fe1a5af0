"""The pre-traffic check of the template, against serving's own handler, and some that answer otherwise."""

import io
import json
import subprocess
import sys
import types
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from brinery.loading.load import load
from brinery.loading.model import VerifiedModel
from brinery.versions.read import read_manifest
from brinery.versions.reference import Reference
from brinery.versions.store import Store, open_store
from serving.challenger import Challenger
from serving.invocation import Answer
from tests.conftest import ROOT, overwrite
from tests.examples import publish_example
from tests.infra.template import raw
from tests.serving.conftest import _event_loop as _event_loop
from tests.serving.conftest import event_v2, handling

STORED = open_store((ROOT / "tests/brinery/versions/stored/schema_1").as_uri())
TREE = "sklearn.tree.DecisionTreeClassifier"
Spoil = Callable[[str, int, Any], tuple[int, Any]]


@pytest.fixture(scope="module")
def hook() -> Any:
    """The module that CloudFormation makes of the template's code."""
    properties = raw("serving")["Resources"]["PreTrafficFunction"]["Properties"]
    assert properties["Handler"] == "index.handler"
    module = types.ModuleType("index")
    exec(properties["InlineCode"], module.__dict__)  # noqa: S102
    return module


class Objects:
    """S3's GetObject on a registry."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        assert Bucket == "bucket"
        return {"Body": io.BytesIO(bytes(self.store.read(Key.removeprefix("models/"), 10**7)))}


class Functions:
    """Lambda's Invoke on a function that serves a version; `spoil` changes an answer's status and body by path."""

    def __init__(
        self, store: Store, reference: Reference, spoil: Spoil, challenged_by: Reference | None = None
    ) -> None:
        challenger = None if challenged_by is None else answering_all(load(store, challenged_by))
        self.handler, self.spoil = handling(load(store, reference), challenger), spoil

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        assert FunctionName == "arn:function:9"
        event = json.loads(Payload)
        answer: Answer = self.handler(event, None)
        status, body = self.spoil(event["rawPath"], answer["statusCode"], json.loads(answer["body"]))
        return {"Payload": io.BytesIO(json.dumps({**answer, "statusCode": status, "body": json.dumps(body)}).encode())}


def answering_all(model: VerifiedModel) -> Challenger:
    """A challenger of which every request is answered that does not ask for the champion."""
    challenger = Challenger(lambda: model, 1.0)
    challenger.start()
    challenger.wait(60)
    return challenger


def same(path: str, status: int, body: Any) -> tuple[int, Any]:
    return status, body


def environment(reference: Reference) -> dict[str, str]:
    return {
        "NEW_VERSION": "arn:function:9",
        "REGISTRY_BUCKET": "bucket",
        "REGISTRY_PREFIX": "models",
        "MODEL_NAME": reference.name,
        "MODEL_VERSION": reference.version_text,
    }


@pytest.mark.parametrize("name", ["wine", "mixed", "progress"])
def test_version_that_answers_as_recorded_gets_traffic(hook: Any, folder_store: Store, name: str) -> None:
    reference = publish_example(folder_store, name)
    hook.check(environment(reference), Objects(folder_store), Functions(folder_store, reference, same))


def test_version_is_checked_by_its_own_answers_whatever_challenges_it(hook: Any, folder_store: Store) -> None:
    reference, other = (publish_example(folder_store, "alcohol", estimator=each) for each in (None, TREE))
    functions = Functions(folder_store, reference, same, challenged_by=other)
    hook.check(environment(reference), Objects(folder_store), functions)
    event = event_v2('{"data": 13.0}', path="/predict")
    assert json.loads(functions.handler(event, None)["body"])["model"]["version"] == other.version


def not_ready(path: str, status: int, body: Any) -> tuple[int, Any]:
    return (503, {"detail": "no verified model"}) if path == "/readyz" else (status, body)


def another(path: str, status: int, body: Any) -> tuple[int, Any]:
    return status, {**body, "version": 2} if path == "/model/version" else body


def other_label(path: str, status: int, body: Any) -> tuple[int, Any]:
    if path == "/predict":
        body["predictions"][3]["prediction"] = 7
    return status, body


def other_probability(path: str, status: int, body: Any) -> tuple[int, Any]:
    if path == "/predict":
        first = next(iter(body["predictions"][0]["probabilities"]))
        body["predictions"][0]["probabilities"][first] += 1e-4
    return status, body


@pytest.mark.parametrize("answer", [[99.9, 150.0], [100.0, 150.1], [100.0], 100.0, [100.0, 150.0, 1.0], [0]])
def test_interval_and_labels_are_compared_item_by_item(hook: Any, answer: Any) -> None:
    assert hook._same([100.00001, 149.99999], [100.0, 150.0], 1e-4)
    assert not hook._same(answer, [100.0, 150.0], 1e-4)
    assert hook._same(["a", 1, True], ["a", 1, True], 1e-4) and not hook._same(["a"], ["b"], 1e-4)


@pytest.mark.parametrize(("by", "message"), [(1e-4, None), (1e-2, "it answers .* to golden row 1, recorded is")])
def test_number_may_differ_by_the_deviation_and_no_more(
    hook: Any, folder_store: Store, by: float, message: str | None
) -> None:
    def other_number(path: str, status: int, body: Any) -> tuple[int, Any]:
        if path == "/predict":
            body["predictions"][1]["prediction"] += by  # of a target with a deviation of 77
        return status, body

    reference = publish_example(folder_store, "progress")
    functions = Functions(folder_store, reference, other_number)
    with pytest.raises(hook.Refused, match=message) if message else nullcontext():
        hook.check(environment(reference), Objects(folder_store), functions)


@pytest.mark.parametrize("name", ["numbers", "columns", "booleans", "labels"])
def test_version_of_schema_1_gets_traffic_too(hook: Any, name: str) -> None:
    published = read_manifest(STORED, Reference(name, 1))
    hook.check(environment(published.reference), Objects(STORED), Functions(STORED, published.reference, same))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (not_ready, "GET /readyz gives .*no verified model"),
        (another, "it serves wine:2@sha256:.*, not wine:1@sha256"),
        (other_label, "it answers .*7.* to golden row 3, recorded is"),
        (other_probability, "it answers .* to golden row 0, recorded is"),
    ],
)
def test_version_that_answers_otherwise_is_refused(hook: Any, folder_store: Store, spoil: Spoil, message: str) -> None:
    reference = publish_example(folder_store, "wine")
    with pytest.raises(hook.Refused, match=message):
        hook.check(environment(reference), Objects(folder_store), Functions(folder_store, reference, spoil))


@pytest.mark.parametrize("file", ["manifest.json", "golden.json"])
def test_rows_that_were_not_published_are_refused(hook: Any, folder_store: Store, file: str) -> None:
    reference = publish_example(folder_store, "wine")
    functions = Functions(folder_store, reference, same)
    path = f"{reference.folder}/{file}"
    overwrite(folder_store, path, bytes(folder_store.read(path, 10**7)) + b" ")
    with pytest.raises(hook.Refused, match=f"{file} is not what was published"):
        hook.check(environment(reference), Objects(folder_store), functions)


@pytest.mark.parametrize(("spoil", "status"), [(same, "Succeeded"), (not_ready, "Failed")])
def test_codedeploy_is_always_told(
    hook: Any, folder_store: Store, monkeypatch: pytest.MonkeyPatch, spoil: Spoil, status: str
) -> None:
    told: list[dict[str, str]] = []

    class CodeDeploy:
        def put_lifecycle_event_hook_execution_status(self, **arguments: str) -> None:
            told.append(arguments)

    reference = publish_example(folder_store, "alcohol")
    clients = {
        "s3": Objects(folder_store),
        "lambda": Functions(folder_store, reference, spoil),
        "codedeploy": CodeDeploy(),
    }
    for variable, value in environment(reference).items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr("boto3.client", clients.__getitem__)
    hook.handler({"DeploymentId": "d", "LifecycleEventHookExecutionId": "e"}, None)
    assert told == [{"deploymentId": "d", "lifecycleEventHookExecutionId": "e", "status": status}]


def test_code_in_the_template_is_held_to_the_style(tmp_path: Path) -> None:
    source = tmp_path / "index.py"
    source.write_text(raw("serving")["Resources"]["PreTrafficFunction"]["Properties"]["InlineCode"])
    config = str(ROOT / "pyproject.toml")
    for command in (
        ["ruff", "check", "--config", config],
        ["ruff", "format", "--check", "--config", config],
        ["mypy", "--config-file", config],
    ):
        program = Path(sys.executable).parent / command[0]
        done = subprocess.run([str(program), *command[1:], str(source)], capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == 0, done.stdout + done.stderr
