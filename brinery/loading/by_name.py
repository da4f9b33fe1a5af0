"""Loading by a reference's text, as a notebook, a test or another program has it."""

from pathlib import Path

from brinery.formats.choice import AUTO
from brinery.loading.load import load as load_version
from brinery.loading.model import VerifiedModel
from brinery.versions.catalog import vouched_version
from brinery.versions.profiles import open_registry
from brinery.versions.reference import Reference


def load(
    reference: str | Reference, *, registry: str | None = None, format: str = AUTO, trust_bucket: bool = False
) -> VerifiedModel:
    """Fetch, verify and load one version, as serving does.

    Args:
        reference: such as wine:7@sha256:…; only with its digest is it known to be what you mean.
        registry: a URL; default: $MODEL_REGISTRY, else the folder .registry here.
        format: `onnx`, `pickle`, or `auto` for the first of them that version and environment have.
        trust_bucket: load what the bucket offers where the reference has no digest.

    Raises:
        PinRequired: the reference has no digest.
        BrineryError: every other step that fails has an error of its own, see `brinery.errors`.
    """
    asked = reference if isinstance(reference, Reference) else Reference.parse(str(reference))
    store = open_registry(registry, Path.cwd())
    if not asked.pinned:
        asked = vouched_version(store, asked, trust_bucket=trust_bucket).reference
    return load_version(store, asked, format=format)
