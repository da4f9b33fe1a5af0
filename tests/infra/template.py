"""The template as it is written, and as SAM's own library translates it for CloudFormation."""

import json
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from brinery.promotion.release import release_id
from tests.conftest import ROOT, SAM, TOOL

TEMPLATE = ROOT / "infra/template.yaml"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/serving@sha256:" + "a" * 64
PIN = f"7@sha256:{'b' * 64}"
Resources = dict[str, dict[str, Any]]


def translate(**parameters: str) -> Any:
    """The template as it is written, and as SAM translates it with these parameters."""
    values = {
        "TrainingImageUri": IMAGE,
        "ServingImageUri": IMAGE,
        "ModelName": "wine",
        "DeletionRoleArn": "arn:aws:iam::123456789012:role/brinery-StackRole",
        "ModelVersion": PIN,
        **parameters,
    }
    values.setdefault("ReleaseId", release_id(values, TEMPLATE.read_text()))
    return json.loads(_translate(json.dumps(values)))  # anew, since tests change it


@cache
def _translate(values: str) -> str:
    done = subprocess.run(
        [*TOOL, SAM, "--with", "pyyaml==6.0.3", "python", str(Path(__file__).parent / "translate.py"), str(TEMPLATE)],
        input=values,
        capture_output=True,
        text=True,
        env={**os.environ, "AWS_DEFAULT_REGION": "us-east-1"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def raw() -> Any:
    return translate()["written"]


def roles() -> Resources:
    """The resources of github.yaml."""
    return translate()["roles"]["Resources"]  # type: ignore[no-any-return]


def translated(**parameters: str) -> Resources:
    """The resources that SAM makes of the template with these parameters."""
    return translate(**parameters)["translated"]["Resources"]  # type: ignore[no-any-return]


def of_type(resources: Resources, kind: str) -> Resources:
    return {name: each for name, each in resources.items() if each["Type"] == kind}
