"""The pre-traffic check, with a function that answers as serving does, and some that do not."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from infra.pre_traffic import app
from registry import Reference, Store, load
from tests.conftest import overwrite
from tests.examples import publish_example


class Objects:
    """S3's GetObject on a registry."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        assert Bucket == "bucket"
        return {"Body": io.BytesIO(bytes(self.store.read(Key.removeprefix("models/"), 10**7)))}


class Functions:
    """Lambda's Invoke on a function that serves a version; `spoil` changes an answer's status and body by path."""

    def __init__(self, store: Store, reference: Reference, spoil: Callable[[str, int, Any], tuple[int, Any]]) -> None:
        self.model, self.spoil = load(store, reference), spoil

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        assert FunctionName == "arn:function:9"
        event = json.loads(Payload)
        path = event["rawPath"]
        status, body = self.spoil(path, 200, self._answer(path, event["body"]))
        return {"Payload": io.BytesIO(json.dumps({"statusCode": status, "body": json.dumps(body)}).encode())}

    def _answer(self, path: str, body: str | None) -> Any:
        if path == "/readyz":
            return {}
        if path == "/model/version":
            reference = self.model.reference
            return {"name": reference.name, "version": reference.version, "digest": f"sha256:{reference.digest}"}
        found = self.model.classify(json.loads(body or "")["data"], 1000)
        assert found.probabilities is not None
        rows = zip(found.labels, found.probabilities.tolist(), strict=True)
        keys = self.model.class_keys
        return {"predictions": [{"prediction": a, "probabilities": dict(zip(keys, p, strict=True))} for a, p in rows]}


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


def test_version_that_answers_as_recorded_gets_traffic(folder_store: Store) -> None:
    for name in ("wine", "mixed"):
        reference = publish_example(folder_store, name)
        app.check(environment(reference), Objects(folder_store), Functions(folder_store, reference, same))


def not_ready(path: str, status: int, body: Any) -> tuple[int, Any]:
    return (503, {"detail": "no verified model"}) if path == "/readyz" else (status, body)


def another(path: str, status: int, body: Any) -> tuple[int, Any]:
    return status, {**body, "version": 2} if path == "/model/version" else body


def other_label(path: str, status: int, body: Any) -> tuple[int, Any]:
    if path == "/classify":
        body["predictions"][3]["prediction"] = 7
    return status, body


def other_probability(path: str, status: int, body: Any) -> tuple[int, Any]:
    if path == "/classify":
        first = next(iter(body["predictions"][0]["probabilities"]))
        body["predictions"][0]["probabilities"][first] += 1e-4
    return status, body


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (not_ready, "GET /readyz gives .*no verified model"),
        (another, "it serves wine:2@sha256:.*, not wine:1@sha256"),
        (other_label, "it answers .* to the golden rows, recorded are"),
        (other_probability, "it gives probabilities .* to a golden row, recorded are"),
    ],
)
def test_version_that_answers_otherwise_is_refused(
    folder_store: Store, spoil: Callable[[str, int, Any], tuple[int, Any]], message: str
) -> None:
    reference = publish_example(folder_store, "wine")
    with pytest.raises(app.Refused, match=message):
        app.check(environment(reference), Objects(folder_store), Functions(folder_store, reference, spoil))


@pytest.mark.parametrize("file", ["manifest.json", "golden.json"])
def test_rows_that_were_not_published_are_refused(folder_store: Store, file: str) -> None:
    reference = publish_example(folder_store, "wine")
    functions = Functions(folder_store, reference, same)
    path = f"{reference.folder}/{file}"
    overwrite(folder_store, path, bytes(folder_store.read(path, 10**7)) + b" ")
    with pytest.raises(app.Refused, match=f"{file} is not what was published"):
        app.check(environment(reference), Objects(folder_store), functions)


@pytest.mark.parametrize(("fault", "status"), [(None, "Succeeded"), (RuntimeError("why"), "Failed")])
def test_codedeploy_is_always_told(monkeypatch: pytest.MonkeyPatch, fault: Exception | None, status: str) -> None:
    told: list[dict[str, str]] = []

    class CodeDeploy:
        def put_lifecycle_event_hook_execution_status(self, **arguments: str) -> None:
            told.append(arguments)

    def check(*_: object) -> None:
        if fault:
            raise fault

    monkeypatch.setattr(app, "check", check)
    monkeypatch.setattr("boto3.client", lambda name: CodeDeploy())
    app.handler({"DeploymentId": "d", "LifecycleEventHookExecutionId": "e"}, None)
    assert told == [{"deploymentId": "d", "lifecycleEventHookExecutionId": "e", "status": status}]
