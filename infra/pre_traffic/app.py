"""The pre-traffic check: CodeDeploy asks it whether a new version of the function may get requests.

It replays the golden rows of the pinned version through the function itself; a wrong answer, or none, rolls back.
"""

import hashlib
import json
import logging
import os
from typing import Any

import boto3

TOLERANCE = 1e-5
log = logging.getLogger()
log.setLevel(logging.INFO)


class Refused(Exception):
    """The new version does not answer as it must."""


def handler(event: dict[str, Any], context: object) -> None:
    """Tell CodeDeploy `Succeeded` or `Failed`, whatever happens."""
    status = "Failed"
    try:
        check(os.environ, boto3.client("s3"), boto3.client("lambda"))
        status = "Succeeded"
    except Exception:
        log.exception("the new version must not get requests")
    boto3.client("codedeploy").put_lifecycle_event_hook_execution_status(
        deploymentId=event["DeploymentId"],
        lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
        status=status,
    )


def check(environ: Any, s3: Any, functions: Any) -> None:
    """Ask the new version what it is and how it classifies its golden rows.

    Raises:
        Refused: it is not ready, is another model, or answers otherwise than recorded.
    """
    function, bucket, prefix = environ["NEW_VERSION"], environ["REGISTRY_BUCKET"], environ["REGISTRY_PREFIX"]
    name, pin = environ["MODEL_NAME"], environ["MODEL_VERSION"]
    number, digest = pin.split("@sha256:")
    folder = f"{prefix}/{name}/versions/{int(number):06d}"
    manifest = json.loads(_stored(s3, bucket, f"{folder}/manifest.json", digest))
    golden = json.loads(_stored(s3, bucket, f"{folder}/golden.json", manifest["files"]["golden.json"]["sha256"]))

    _ask(functions, function, "GET", "/readyz")
    served = _ask(functions, function, "GET", "/model/version")
    if (served["name"], served["version"], served["digest"]) != (name, int(number), f"sha256:{digest}"):
        raise Refused(f"it serves {served['name']}:{served['version']}@{served['digest']}, not {name}:{pin}")
    answers = _ask(functions, function, "POST", "/classify", {"data": golden["rows"]})["predictions"]
    labels = [answer["prediction"] for answer in answers]
    if labels != golden["predictions"]:
        raise Refused(f"it answers {labels} to the golden rows, recorded are {golden['predictions']}")
    if golden["probabilities"] is not None:
        for answer, recorded in zip(answers, golden["probabilities"], strict=True):
            found = list(answer["probabilities"].values())
            if any(abs(a - b) > TOLERANCE for a, b in zip(found, recorded, strict=True)):
                raise Refused(f"it gives probabilities {found} to a golden row, recorded are {recorded}")
    log.info("%s answers %d golden rows of %s:%s as recorded", function, len(labels), name, number)


def _stored(s3: Any, bucket: str, key: str, sha256: str) -> bytes:
    data: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise Refused(f"{key} is not what was published")
    return data


def _ask(functions: Any, function: str, method: str, path: str, body: object = None) -> Any:
    """One HTTP API event straight to the new version, which no alias points to yet."""
    http = {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "pre-traffic"}
    event = {
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json", "host": "pre-traffic"},
        "requestContext": {"http": http, "stage": "$default", "requestId": "pre-traffic"},
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
    }
    answer = functions.invoke(FunctionName=function, Payload=json.dumps(event).encode())
    payload = json.loads(answer["Payload"].read())
    if answer.get("FunctionError") or payload.get("statusCode") != 200:
        raise Refused(f"{method} {path} gives {json.dumps(payload)[:500]}")
    return json.loads(payload["body"])
