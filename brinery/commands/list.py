"""`registry list`: the versions of a model, or of all."""

from argparse import Namespace
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from brinery.errors import BrineryError, VersionMissing
from brinery.output.progress import progress
from brinery.output.table import age_text, short_digest, size_text, table
from brinery.versions.catalog import contents, those_there, versions
from brinery.versions.manifest import utc_text
from brinery.versions.read import Published, read_manifest
from brinery.versions.reference import Reference
from brinery.versions.store import Store

HEAD = ["VERSION", "TRAINED", "SIZE", "GATE", "ACCURACY", "LOG LOSS", "DIGEST"]


def run(store: Store, arguments: Namespace) -> tuple[Any, str]:
    """Versions, the newest first; one that cannot be read is shown among the others, with why below."""
    name = arguments.model
    there = {name: versions(store, name)} if name else contents(store)
    references = [Reference(name, version) for name, numbers in there.items() for version in reversed(numbers)]
    if name and not references:
        raise VersionMissing(f"there is no model {name} in {store.url}{those_there(store)}")
    if not references:
        return [], f"no versions in {store.url} yet; `train` publishes them"
    with ThreadPoolExecutor(8) as pool:
        reading = [pool.submit(_read, store, reference) for reference in references]
        found = [read.result() for read in progress(reading, "reading")]
    rows, result, errors = [], [], []
    for reference, each in zip(references, found, strict=True):
        if isinstance(each, Published):
            rows.append(_row(each))
            result.append(_summary(each))
        else:
            rows.append([str(reference), "UNREADABLE", *[""] * (len(HEAD) - 2)])
            result.append({"reference": str(reference), "error": str(each)})
            errors.append(str(each))
    return result, "\n".join([table(HEAD, rows), *errors])


def _read(store: Store, reference: Reference) -> Published | BrineryError:
    try:
        return read_manifest(store, reference)
    except BrineryError as exc:
        return exc


def _row(published: Published) -> list[str]:
    manifest = published.manifest
    return [
        f"{manifest.name}:{manifest.version}",
        age_text(manifest.trained_at),
        size_text(manifest.size),
        manifest.gate.verdict,
        *(f"{manifest.metrics[key]:.3f}" if key in manifest.metrics else "-" for key in ("accuracy", "log_loss")),
        short_digest(published.reference.digest),
    ]


def _summary(published: Published) -> dict[str, Any]:
    manifest = published.manifest
    return {
        "model": manifest.name,
        "version": manifest.version,
        "reference": str(published.reference),
        "trained_at": utc_text(manifest.trained_at),
        "size": manifest.size,
        "gate_passed": manifest.gate.passed,
        "metrics": dict(manifest.metrics),
    }
