"""Answers as a log has them, which anybody may have written: those that a version can have given."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from brinery.tasks.classification import Classification
from brinery.versions.manifest import Manifest

SHARES = 1e-3  # that the probabilities of one answer may be away from 1 together


def usable_answers(manifest: Manifest, written: Sequence[Mapping[str, Any]]) -> list[bool]:
    """Whether each is an answer of the version's task, such as `task.read` takes."""
    task = manifest.task
    if not isinstance(task, Classification):
        return [_is_number(each.get("prediction")) for each in written]
    with_shares = "log_loss" in manifest.metrics
    known = {(type(label), label) for label in task.classes}
    return [
        _is_of(known, each.get("prediction")) and (not with_shares or _are_shares(each.get("probabilities"), task.keys))
        for each in written
    ]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_of(known: set[tuple[type, Any]], label: Any) -> bool:
    return isinstance(label, bool | int | str) and (type(label), label) in known


def _are_shares(given: Any, keys: Sequence[str]) -> bool:
    if not isinstance(given, dict) or not all(_is_number(given.get(key)) and 0 <= given[key] <= 1 for key in keys):
        return False
    return abs(sum(float(given[key]) for key in keys) - 1) <= SHARES
