"""Golden rows: held-out rows and the answers that a loaded model must reproduce."""

import json
from collections.abc import Buffer, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from brinery.errors import GoldenMismatch, RowInvalid
from brinery.rows.parser import RowParser
from brinery.versions.manifest import Manifest

TOLERANCE = 1e-5
COUNT = 20


class Predictor(Protocol):
    """A loaded model, in whichever format."""

    format: str

    def predict(self, array: np.ndarray) -> tuple[NDArray[np.intp], NDArray[np.float64] | None]:
        """Class indices, shape (rows,), and probabilities, shape (rows, classes), where the model has them."""
        ...


def make_golden(rows: Sequence[Sequence[Any]], labels: Sequence[Any], probabilities: np.ndarray | None) -> bytes:
    """The contents of golden.json: rows as lists in feature order, labels, and probabilities by class."""
    golden = {
        "rows": rows,
        "predictions": labels,
        "probabilities": None if probabilities is None else probabilities.tolist(),
    }
    return (json.dumps(golden, allow_nan=False) + "\n").encode()


def replay(data: Buffer, manifest: Manifest, parser: RowParser, model: Predictor) -> None:
    """Predict the golden rows and compare; labels must be equal, probabilities within 1e-5.

    Raises:
        GoldenMismatch: the model answers differently, or fails.
    """
    name = f"{manifest.name}:{manifest.version} ({model.format})"
    try:
        golden = json.loads(memoryview(data).tobytes())
        rows, expected, probable = golden["rows"], golden["predictions"], golden["probabilities"]
        indices, probabilities = model.predict(parser.parse(rows, len(rows)).array)
        labels = [manifest.classes[i] for i in indices]
        expected_probabilities = None if probable is None else np.array(probable, dtype=np.float64)
    except RowInvalid as exc:
        raise GoldenMismatch(f"{name}: the golden rows do not fit the features: {exc}") from exc
    except Exception as exc:
        raise GoldenMismatch(f"{name} fails on its golden rows: {type(exc).__name__}: {ascii(str(exc))[:300]}") from exc
    wrong = [i for i, (ours, theirs) in enumerate(zip(labels, expected, strict=False)) if ours != theirs]
    if wrong or len(labels) != len(expected) or not labels:
        raise GoldenMismatch(f"{name} gives other labels than recorded for {len(wrong)} of {len(expected)} golden rows")
    if (probabilities is None) != (expected_probabilities is None):
        raise GoldenMismatch(f"{name}: probabilities are given or recorded, but not both")
    if probabilities is not None and expected_probabilities is not None:
        same_shape = probabilities.shape == expected_probabilities.shape
        if not same_shape or not np.allclose(probabilities, expected_probabilities, rtol=0, atol=TOLERANCE):
            raise GoldenMismatch(
                f"{name} gives probabilities that differ from the recorded ones by more than {TOLERANCE:g}"
            )
