"""The templates as they are written, and serving's as SAM's own library translates it for CloudFormation."""

import atexit
import json
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from brinery.promotion.release import release_id
from tests.conftest import ROOT, SAM, TOOL

INFRA = ROOT / "infra"
SERVING = INFRA / "serving.yaml"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/serving@sha256:" + "a" * 64
TRAINING_IMAGE = IMAGE.replace("serving", "training")
PIN = f"7@sha256:{'b' * 64}"
ROUTES = {
    *("POST /classify", "POST /predict", "GET /model/version", "GET /model/card"),
    *("GET /healthz", "GET /readyz", "GET /", "GET /docs", "GET /openapi.json"),
}
JOB_ROUTES = {"POST /jobs", "GET /jobs/{id}"}
Resources = dict[str, dict[str, Any]]


def translate(**parameters: str) -> Any:
    """The templates as they are written, by name, and serving's as SAM translates it with these parameters."""
    values = {
        "RegistryBucket": "registry",
        "TrainingImageUri": TRAINING_IMAGE,
        "ServingImageUri": IMAGE,
        "ModelName": "wine",
        "ModelVersion": PIN,
        **parameters,
    }
    values.setdefault("ReleaseId", release_id(values, SERVING.read_text()))
    return json.loads(_translate(json.dumps(values)))  # anew, since tests change it


@cache
def _translate(values: str) -> str:
    process = _translator()
    assert process.stdin and process.stdout
    process.stdin.write(values + "\n")
    process.stdin.flush()
    line = process.stdout.readline()
    assert line, f"it was not translated with {values}"
    return line


@cache
def _translator() -> "subprocess.Popen[str]":
    """The process that translates for all tests; a start takes seconds."""
    script = str(Path(__file__).parent / "translate.py")
    process = subprocess.Popen(
        [*TOOL, SAM, "--with", "pyyaml==6.0.3", "python", script, str(INFRA)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "AWS_DEFAULT_REGION": "us-east-1"},
        start_new_session=True,
    )
    atexit.register(os.killpg, process.pid, 9)
    return process


def raw(name: str) -> Any:
    """The template of this name as it is written."""
    return translate()["written"][name]


def translated(**parameters: str) -> Resources:
    """The resources that SAM makes of serving's template with these parameters."""
    return translate(**parameters)["translated"]["Resources"]  # type: ignore[no-any-return]


def of_type(resources: Resources, kind: str) -> Resources:
    return {name: each for name, each in resources.items() if each["Type"] == kind}
