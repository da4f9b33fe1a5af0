"""The verified load: from a reference to a model that has reproduced its golden rows.

The order is the contract's and is the same in every mode: reference, manifest (capped), its digest
against the pin, its name and version, its schema, the libraries, the artifact (capped), its digest,
and only then the bytes are loaded and the golden rows replayed.
"""

import hashlib
import json
from collections.abc import Buffer, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from time import perf_counter
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from registry.errors import (
    ArtifactDigest,
    ArtifactMissing,
    ArtifactSize,
    DigestMismatch,
    FormatMissing,
    LibraryMismatch,
    ModelInvalid,
    ObjectMissing,
    PinRequired,
    RowInvalid,
    VersionMissing,
)
from registry.golden import Predictor, replay
from registry.manifest import MAX_BYTES, FileName, Label, Manifest, digest_of, parse_manifest
from registry.reference import Reference
from registry.rows import MAX_ERRORS, Batch, RowParser, Warned
from registry.store import Store

Format = Literal["auto", "pickle", "onnx"]
ARTIFACTS: dict[str, FileName] = {"onnx": "model.onnx", "pickle": "model.joblib"}
RUNTIMES = {"onnx": "onnxruntime", "pickle": "sklearn"}
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


def read_manifest(store: Store, reference: Reference) -> tuple[Manifest, str]:
    """The manifest of `reference` and its digest, checked as far as it can be by itself.

    Raises:
        VersionMissing: there is no such version.
        DigestMismatch, IdentityMismatch, SchemaUnknown, ManifestInvalid: see `registry.errors`.
        StoreError: the store refused or could not be reached.
    """
    try:
        data = bytes(store.read(f"{reference.folder}/manifest.json", MAX_BYTES))
    except ObjectMissing as exc:
        raise VersionMissing(f"{reference.name}:{reference.version} is not in the registry: {exc}") from exc
    digest = digest_of(data)
    if reference.pinned and digest != reference.digest:
        raise DigestMismatch(
            f"the manifest stored for {reference} has digest sha256:{digest}: it is not the pinned one"
        )
    return parse_manifest(data, reference), digest


def read_file(store: Store, manifest: Manifest, name: FileName, timings: dict[str, float] | None = None) -> Buffer:
    """The bytes of one of a version's files, verified against the manifest.

    Raises:
        ArtifactMissing, ArtifactSize, ArtifactDigest: it is not what was published.
        StoreError: the store refused or could not be reached.
    """
    of = f"{name} of {manifest.name}:{manifest.version}"
    declared = manifest.files[name]
    timings = {} if timings is None else timings
    with _timed(timings, "fetch"):
        try:
            data = store.read(f"{Reference(manifest.name, manifest.version).folder}/{name}", declared.size)
        except ObjectMissing as exc:
            raise ArtifactMissing(f"{of} is missing: {exc}") from exc
    with _timed(timings, "verify"):
        size = memoryview(data).nbytes
        if size != declared.size:
            raise ArtifactSize(f"{of} has {size} bytes; the manifest says {declared.size}")
        if hashlib.sha256(data).hexdigest() != declared.sha256:
            raise ArtifactDigest(f"{of} does not have the sha256 that the manifest gives: its contents were changed")
    return data


def load(store: Store, reference: Reference, *, format: Format = "auto", require_pin: bool = False) -> VerifiedModel:
    """Fetch, verify and load one version.

    Raises:
        PinRequired: `require_pin` is set and the reference has no digest.
        RegistryError: every other failed step has an error of its own, see `registry.errors`.
    """
    if require_pin and not reference.pinned:
        raise PinRequired(
            f"{reference} has no digest, and REQUIRE_PIN is on; write {reference}@sha256:<64 hex>, "
            "which `registry show` prints"
        )
    timings: dict[str, float] = {}
    with _timed(timings, "fetch"):
        manifest, digest = read_manifest(store, reference)
    found = Reference(reference.name, reference.version, digest)
    return load_files(store, manifest, found, reference.pinned, format, timings)


def load_files(
    store: Store,
    manifest: Manifest,
    reference: Reference,
    pinned: bool = True,
    format: Format = "auto",
    timings: dict[str, float] | None = None,
) -> VerifiedModel:
    """The second half of `load`: from a verified manifest on. Publishing runs it before the commit."""
    timings = {} if timings is None else timings
    chosen = choose_format(manifest, format)
    with _timed(timings, "load"):
        make = _predictor(chosen, manifest)
    artifact = read_file(store, manifest, ARTIFACTS[chosen], timings)
    golden = read_file(store, manifest, "golden.json", timings)
    with _timed(timings, "load"):
        predictor = make(artifact, manifest)
    with _timed(timings, "self_test"):
        parser = RowParser(manifest.features)
        replay(golden, manifest, parser, predictor)
    return VerifiedModel(reference, pinned, manifest, chosen, timings, parser, predictor, store)


def choose_format(manifest: Manifest, wanted: Format) -> str:
    """The format to load: the wanted one, or ONNX where version and image have it, else pickle.

    Raises:
        FormatMissing: the version has no such artifact.
        LibraryMismatch: this environment cannot run it.
    """
    name = f"{manifest.name}:{manifest.version}"
    installed = [fmt for fmt in ARTIFACTS if find_spec(RUNTIMES[fmt])]
    present = [fmt for fmt in ARTIFACTS if ARTIFACTS[fmt] in manifest.files]
    if wanted != "auto":
        if wanted not in present:
            why = f" ({manifest.onnx.reason})" if manifest.onnx and manifest.onnx.reason else ""
            raise FormatMissing(f"{name} has no {ARTIFACTS[wanted]}{why}; it has {', '.join(present)}")
        if wanted not in installed:
            raise LibraryMismatch(f"MODEL_FORMAT is {wanted}, and {RUNTIMES[wanted]} is not installed here")
        return wanted
    for fmt in present:
        if fmt in installed:
            return fmt
    raise LibraryMismatch(
        f"{name} comes as {', '.join(present)}, and this environment has none of "
        f"{', '.join(RUNTIMES[fmt] for fmt in present)}"
    )


def _predictor(chosen: str, manifest: Manifest) -> Callable[[Buffer, Manifest], Predictor]:
    """Import the format's module and check its libraries, before the artifact is read."""
    try:
        if chosen == "onnx":
            from registry.onnx_format import load_onnx

            return load_onnx
        from registry.pickle_format import PickleModel, check_libraries
    except ImportError as exc:
        raise ModelInvalid(f"the libraries of format {chosen} cannot be imported here: {exc}") from exc
    check_libraries(manifest)
    return PickleModel


@contextmanager
def _timed(timings: dict[str, float], step: str) -> Iterator[None]:
    """Add the seconds that the block takes to those of the step."""
    started = perf_counter()
    yield
    timings[step] = timings.get(step, 0.0) + perf_counter() - started
