"""The release id of a stack, which is new where anything is that its function is configured by.

`python -m brinery.promotion.release TEMPLATE [NAME=VALUE …]` prints that of a stack whose parameters, as CloudFormation
describes them in JSON, come on standard input, once it has this template and these values; `none` without a pin.
"""

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path

# What the function is not configured by: all other parameters count, also those that are yet to come.
NOT_SERVING = frozenset(
    (
        *("ReleaseId", "TrainingImageUri", "CanaryType", "ProvisionedConcurrency", "AlertEmail", "WorkDays"),
        *("Access", "JwtIssuer", "JwtAudience"),
        *("InputBucket", "InputPrefix", "OutputBucket", "OutputPrefix"),
        *("DriftSchedule", "TaskCluster", "TaskSubnets", "CaptureDays"),
    )
)


def release_id(parameters: Mapping[str, str], template: str) -> str:
    """The hex sha256 of a stack's parameters of serving and of its template's text.

    Of an image the digest counts, where it has one, and not what it is called.
    """
    serving = {name: value for name, value in parameters.items() if name not in NOT_SERVING}
    serving["ServingImageUri"] = serving["ServingImageUri"].rpartition("@")[2]
    release = {"parameters": serving, "template": hashlib.sha256(template.encode()).hexdigest()}
    return hashlib.sha256(json.dumps(release, sort_keys=True).encode()).hexdigest()


def main(template: str, *changes: str) -> None:
    described = {each["ParameterKey"]: each["ParameterValue"] for each in json.load(sys.stdin)}
    parameters = {**described, **dict(change.split("=", 1) for change in changes)}
    print(release_id(parameters, Path(template).read_text()) if parameters.get("ModelVersion") else "none")


if __name__ == "__main__":
    if len(sys.argv) < 2 or not all("=" in change for change in sys.argv[2:]):
        sys.exit("usage: python -m brinery.promotion.release TEMPLATE [NAME=VALUE …] < PARAMETERS")
    main(*sys.argv[1:])
