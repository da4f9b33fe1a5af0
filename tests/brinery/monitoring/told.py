"""Lines of counts as serving prints them, of rows that a test draws."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from brinery.assessment.profile import make_profile
from brinery.monitoring.lines import Tally
from brinery.monitoring.sketch import Profile, Sketch
from brinery.rows.feature import Feature
from brinery.tasks.classification import Answers, Classification

BEGIN = datetime(2026, 11, 1, 12, tzinfo=UTC)
DIGEST = "sha256:" + "a" * 64
TASK = Classification(classes=(0, 1, 2))


def numbers(count: int) -> tuple[Feature, ...]:
    return tuple(Feature(name=f"x{j}", kind="number", minimum=-9, maximum=9, nullable=j == 0) for j in range(count))


def labels(random: np.random.Generator, count: int) -> Answers:
    return TASK.answers(None, random.dirichlet((1, 1, 1), count))


def profile_of(rows: np.ndarray, features: tuple[Feature, ...], seed: int = 0) -> Profile:
    answers = labels(np.random.default_rng(seed), max(1, len(rows) // 4))
    return Profile.read(make_profile(rows, features, TASK, answers))


def tally_of(profile: Profile, features: tuple[Feature, ...], rows: np.ndarray, seed: int = 1) -> Tally:
    """What serving counts of rows."""
    sketch = Sketch(profile, features)
    sketch.add(rows, labels(np.random.default_rng(seed), len(rows)))
    count, counts, answers = sketch.take()
    told = {feature.name: {len(each): each} for feature, each in zip(features, counts, strict=True)}
    return Tally(count, told, {len(answers): answers})


def told(number: int, process: str = "p", rows: int = 100, **changes: Any) -> dict[str, Any]:
    """A line of one feature of three bins, each with rows."""
    line: dict[str, Any] = {
        "brinery": "counts",
        "model": "wine:7",
        "digest": DIGEST,
        "process": process,
        "line": number,
        "from": (BEGIN + timedelta(minutes=number)).isoformat(),
        "to": (BEGIN + timedelta(minutes=number + 1)).isoformat(),
        "all_requests": number + 1,
        "all_rows": rows * (number + 1),
        "part": 0,
        "Requests": 1,
        "Rows": rows,
        "Refusals": 0,
        "Warnings": 2,
        "Latency": [1.0],
        "refused": {"422": 1},
        "unfit": {"x": 1},
        "bins": {"rows": rows, "features": {"x": [rows, 0, 0]}, "answers": [rows, 0, 0, 0, 0]},
    }
    return {**line, **changes}


def written(line: dict[str, Any]) -> str:
    return json.dumps(line, separators=(",", ":"))
