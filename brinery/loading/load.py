"""The verified load: from a reference to a model that has reproduced its golden rows.

The order is the contract's and is the same in every mode: reference, manifest (capped), its digest
against the pin, its name and version, its schema, the libraries, the artifact (capped), its digest,
and only then the bytes are loaded and the golden rows replayed.
"""

from dataclasses import replace

from brinery.errors import PinRequired
from brinery.formats.choice import AUTO, choose_format
from brinery.loading.golden import replay
from brinery.loading.model import VerifiedModel
from brinery.rows.parser import RowParser
from brinery.versions.manifest import GOLDEN
from brinery.versions.read import Published, read_file, read_manifest, timed
from brinery.versions.reference import Reference
from brinery.versions.store import Store


def load(
    store: Store, reference: Reference, *, format: str = AUTO, require_pin: bool = False, profile: bool = False
) -> VerifiedModel:
    """Fetch, verify and load one version.

    Args:
        format: the name of a format, or `auto`.
        profile: whether to read its profile, too, where it has one.

    Raises:
        PinRequired: `require_pin` is set and the reference has no digest.
        BrineryError: every other failed step has an error of its own, see `brinery.errors`.
    """
    if require_pin and not reference.pinned:
        raise PinRequired(
            f"{reference} has no digest, and REQUIRE_PIN is on; write {reference}@sha256:<64 hex>, "
            "which `registry show` prints"
        )
    timings: dict[str, float] = {}
    with timed(timings, "fetch"):
        published = read_manifest(store, reference)
    model = load_files(store, published, reference.pinned, format, timings)
    name = published.manifest.profile if profile else None
    return model if name is None else replace(model, profile=read_file(store, published, name, timings))


def load_files(
    store: Store,
    published: Published,
    pinned: bool = True,
    format: str = AUTO,
    timings: dict[str, float] | None = None,
) -> VerifiedModel:
    """The second half of `load`: from a verified manifest on."""
    timings = {} if timings is None else timings
    manifest = published.manifest
    chosen = choose_format(manifest, format)
    artifact = manifest.artifacts[chosen.name]
    with timed(timings, "load"):
        implementation = chosen.implementation()
        implementation.check_libraries(manifest, artifact)
    data = read_file(store, published, artifact.file, timings)
    golden = read_file(store, published, GOLDEN, timings)
    with timed(timings, "load"):
        predictor = implementation.load(data, manifest)
    with timed(timings, "self_test"):
        parser = RowParser(manifest.features)
        replay(golden, manifest, chosen.name, parser, predictor)
    return VerifiedModel(published, pinned, chosen.name, timings, parser, predictor, store)
