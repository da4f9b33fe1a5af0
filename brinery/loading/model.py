"""A verified model: what it is, and its answers."""

import json
from collections.abc import Buffer
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from brinery.errors import FormatMissing, RowInvalid
from brinery.loading.golden import Predictor
from brinery.rows.parser import MAX_ERRORS, Batch, RowParser, Warned
from brinery.versions.manifest import Label, Manifest
from brinery.versions.read import read_file
from brinery.versions.reference import Reference
from brinery.versions.store import Store

TOO_FAR = "is too far from the training range for the model to answer"


class Prediction(NamedTuple):
    """Answers in row order; `probabilities` has shape (rows, classes), or is None where the model has none."""

    labels: list[Label]
    probabilities: NDArray[np.float64] | None
    warnings: list[Warned]
    single: bool


@dataclass(frozen=True)
class VerifiedModel:
    """A version that has passed every check; `timings` are seconds of fetch, verify, load and self-test."""

    reference: Reference
    pinned: bool
    manifest: Manifest
    format: str
    timings: dict[str, float]
    parser: RowParser
    predictor: Predictor
    store: Store

    @cached_property
    def class_keys(self) -> list[str]:
        """The classes as keys of a JSON object."""
        return [label if isinstance(label, str) else json.dumps(label) for label in self.manifest.classes]

    def card(self) -> Buffer:
        """The model card's page, fetched and verified.

        Raises:
            FormatMissing: the version has no card.
            IntegrityError, StoreError: it is not what was published, or cannot be read.
        """
        if "card.html" not in self.manifest.files:
            raise FormatMissing(f"{self.manifest.name}:{self.manifest.version} has no model card")
        return read_file(self.store, self.manifest, "card.html")

    def classify(self, data: Any, max_rows: int) -> Prediction:
        """Answer decoded JSON: a row, or a list of rows.

        Raises:
            RowInvalid: the input does not fit the features, or is too far from them for an answer.
            TooManyRows: more rows than `max_rows`.
        """
        batch: Batch = self.parser.parse(data, max_rows)
        indices, probabilities = self._predict(batch)
        classes = self.manifest.classes
        labels = [classes[i] for i in indices.tolist()]
        return Prediction(labels, probabilities, self.parser.outside_range(batch), batch.single)

    def _predict(self, batch: Batch) -> tuple[NDArray[np.intp], NDArray[np.float64] | None]:
        """Predict values that are finite, but may overflow inside the model: 1e308 is a number."""
        try:
            with np.errstate(all="ignore"):
                indices, probabilities = self.predictor.predict(batch.array)
        except Exception as exc:
            if not self.parser.outside_range(batch):
                raise
            raise RowInvalid([("/data", TOO_FAR)]) from exc
        if probabilities is not None and not (finite := np.isfinite(probabilities)).all():
            rows = np.flatnonzero(~finite.all(axis=1))[:MAX_ERRORS]
            raise RowInvalid([("/data" if batch.single else f"/data/{row}", TOO_FAR) for row in rows])
        return indices, probabilities
