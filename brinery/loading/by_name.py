"""Loading by a reference's text, as a notebook, a test or another program has it."""

from pathlib import Path

from brinery.formats.choice import AUTO
from brinery.loading.load import load as load_version
from brinery.loading.model import VerifiedModel
from brinery.versions.profiles import open_registry
from brinery.versions.reference import Reference


def load(reference: str | Reference, *, registry: str | None = None, format: str = AUTO) -> VerifiedModel:
    """Fetch, verify and load one version, as serving does.

    Args:
        reference: such as wine:7@sha256:…; only with its digest is it known to be what you mean.
        registry: a URL; default: $MODEL_REGISTRY, else the folder .registry here.
        format: `onnx`, `pickle`, or `auto` for the first of them that version and environment have.

    Raises:
        BrineryError: every step that fails has an error of its own, see `brinery.errors`.
    """
    asked = reference if isinstance(reference, Reference) else Reference.parse(str(reference))
    return load_version(open_registry(registry, Path.cwd()), asked, format=format)
