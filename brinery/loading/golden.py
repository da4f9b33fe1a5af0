"""Golden rows: held-out rows and the answers that a loaded model must reproduce."""

import json
from collections.abc import Buffer, Sequence
from typing import Any

from brinery.errors import GoldenMismatch, RowInvalid
from brinery.formats.predictor import Predictor
from brinery.rows.parser import RowParser
from brinery.tasks.task import AnyAnswers, AnyTask
from brinery.versions.manifest import Manifest

COUNT = 20


def make_golden(rows: Sequence[Sequence[Any]], task: AnyTask, answers: AnyAnswers) -> bytes:
    """The contents of golden.json: rows as lists in feature order, the answers as serving writes them, and how much
    a number in an answer may differ."""
    golden = {"rows": rows, "answers": task.written(answers), "tolerance": task.tolerance(answers)}
    return (json.dumps(golden, allow_nan=False) + "\n").encode()


def read_golden(data: Buffer, manifest: Manifest) -> dict[str, Any]:
    """The contents of golden.json, whichever schema it was stored by."""
    golden: dict[str, Any] = json.loads(memoryview(data).tobytes())
    if manifest.schema_version != 1:
        return golden
    from brinery.versions import schema_1  # of old versions, and slow to import

    return schema_1.golden_as_2(golden, manifest)


def replay(data: Buffer, manifest: Manifest, format: str, parser: RowParser, model: Predictor) -> None:
    """Predict the golden rows and compare with what is recorded, as the task does.

    Raises:
        GoldenMismatch: the model answers differently, or fails.
    """
    name = f"{manifest.name}:{manifest.version} ({format})"
    try:
        golden = read_golden(data, manifest)
        rows, recorded = golden["rows"], manifest.task.read(golden["answers"])
        if not rows or len(rows) != len(recorded):
            raise ValueError(f"{len(rows)} rows have {len(recorded)} answers")
        difference = manifest.task.difference(model.predict(parser.parse(rows, len(rows)).array), recorded)
    except RowInvalid as exc:
        raise GoldenMismatch(f"{name}: the golden rows do not fit the features: {exc}") from exc
    except Exception as exc:
        raise GoldenMismatch(f"{name} fails on its golden rows: {type(exc).__name__}: {ascii(str(exc))[:300]}") from exc
    if not difference.alike:
        raise GoldenMismatch(
            f"{name} does not reproduce its golden rows: {difference.text}; a number may differ by "
            f"{manifest.task.tolerance(recorded):g}"
        )
