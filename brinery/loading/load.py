"""The verified load: from a reference to a model that has reproduced its golden rows.

The order is the contract's and is the same in every mode: reference, manifest (capped), its digest
against the pin, its name and version, its schema, the libraries, the artifact (capped), its digest,
and only then the bytes are loaded and the golden rows replayed.
"""

from collections.abc import Buffer, Callable
from importlib.util import find_spec
from typing import Literal

from brinery.errors import FormatMissing, LibraryMismatch, ModelInvalid, PinRequired
from brinery.loading.golden import Predictor, replay
from brinery.loading.model import VerifiedModel
from brinery.rows.parser import RowParser
from brinery.versions.manifest import FileName, Manifest
from brinery.versions.read import read_file, read_manifest, timed
from brinery.versions.reference import Reference
from brinery.versions.store import Store

Format = Literal["auto", "pickle", "onnx"]
ARTIFACTS: dict[str, FileName] = {"onnx": "model.onnx", "pickle": "model.joblib"}
RUNTIMES = {"onnx": "onnxruntime", "pickle": "sklearn"}


def load(store: Store, reference: Reference, *, format: Format = "auto", require_pin: bool = False) -> VerifiedModel:
    """Fetch, verify and load one version.

    Raises:
        PinRequired: `require_pin` is set and the reference has no digest.
        RegistryError: every other failed step has an error of its own, see `brinery.errors`.
    """
    if require_pin and not reference.pinned:
        raise PinRequired(
            f"{reference} has no digest, and REQUIRE_PIN is on; write {reference}@sha256:<64 hex>, "
            "which `registry show` prints"
        )
    timings: dict[str, float] = {}
    with timed(timings, "fetch"):
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
    with timed(timings, "load"):
        make = _predictor(chosen, manifest)
    artifact = read_file(store, manifest, ARTIFACTS[chosen], timings)
    golden = read_file(store, manifest, "golden.json", timings)
    with timed(timings, "load"):
        predictor = make(artifact, manifest)
    with timed(timings, "self_test"):
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
            from brinery.formats.onnx import load_onnx

            return load_onnx
        from brinery.formats.pickle import PickleModel, check_libraries
    except ImportError as exc:
        raise ModelInvalid(f"the libraries of format {chosen} cannot be imported here: {exc}") from exc
    check_libraries(manifest)
    return PickleModel
