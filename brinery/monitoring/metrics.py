"""Metrics as lines of a log carry them to CloudWatch, in its embedded metric format."""

import time
from collections.abc import Collection, Mapping
from typing import Any

NAMESPACE = "Brinery"


def embedded(
    service: str, metrics: Mapping[str, float | list[float]], milliseconds: Collection[str] = ()
) -> dict[str, Any]:
    """What a line of JSON holds for CloudWatch to keep metrics of a service, counts but for those in milliseconds."""
    units = [{"Name": name, "Unit": "Milliseconds" if name in milliseconds else "Count"} for name in metrics]
    directive = {"Namespace": NAMESPACE, "Dimensions": [["Service"]], "Metrics": units}
    stamp = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    return {"_aws": stamp, "Service": service, **metrics}
