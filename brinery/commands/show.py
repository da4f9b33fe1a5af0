"""`registry show`: what a version is, and how to serve it."""

import json
from argparse import Namespace
from typing import Any

from brinery.commands.checkout import uv_run
from brinery.errors import VersionMissing
from brinery.formats.choice import FORMATS
from brinery.formats.runtimes import DEFAULT, image_for
from brinery.output.table import age_text, figure_text, size_text, table
from brinery.versions.catalog import find_version, newest, those_there
from brinery.versions.manifest import Manifest, utc_text
from brinery.versions.read import Published
from brinery.versions.reference import Reference, is_name
from brinery.versions.store import Store


def run(store: Store, arguments: Namespace) -> tuple[Any, str]:
    """The manifest as it is stored, with its digest and reference; for people, what they ask for first."""
    published = _found(store, arguments.reference)
    reference, manifest = published.reference, published.manifest
    facts = _facts(published)
    width = max(len(label) for label, _ in facts)
    features = table(
        ["FEATURE", "KIND", "TRAINING RANGE", "NULL"],
        [[f.name, f.kind, f.range_text, "accepted" if f.nullable else "refused"] for f in manifest.features],
    )
    serve = serve_text(published)
    if not manifest.gate.passed:
        serve = "it did not pass its gate, and should not be served"
    lines = [f"{label.ljust(width)}  {value}" for label, value in facts]
    stored: dict[str, Any] = json.loads(published.stored)
    result = {**stored, "digest": f"sha256:{reference.digest}", "reference": str(reference)}
    return result, "\n".join([*lines, "", features, "", serve])


def _found(store: Store, text: str) -> Published:
    """The version of a reference, or the newest of a model."""
    if not is_name(text):
        return find_version(store, Reference.parse(text))
    for _, found in newest(store, text, 1):
        if isinstance(found, Published):
            return found
        raise found
    raise VersionMissing(f"there is no model {text} in {store.url}{those_there(store)}")


def serve_text(published: Published) -> str:
    """What serves a version from this checkout, and in which image where that is not the usual one."""
    reference, image = published.reference, image_for(published.manifest.runtimes)
    other = f"RUNTIME={image} " if image != DEFAULT else ""
    run = uv_run()
    command = f" {run}serve" if run else ""
    return f"serve it with  {other}MODEL_NAME={reference.name} MODEL_VERSION={reference.version_text}{command}"


def _facts(published: Published) -> list[tuple[str, str]]:
    manifest, data = published.manifest, published.manifest.data
    return [
        ("reference", str(published.reference)),
        ("description", manifest.description or "-"),
        ("trained", f"{utc_text(manifest.trained_at)}, {age_text(manifest.trained_at)}"),
        ("gate", manifest.gate.verdict),
        *(("", f"{'passed' if check.passed else 'FAILED'}: {check.text}") for check in manifest.gate.checks),
        ("metrics", ", ".join(f"{name} {figure_text(value)}" for name, value in manifest.metrics.items())),
        *manifest.task.facts,
        ("data", f"{data.source}: {data.train_rows} rows to fit, {data.test_rows} held out"),
        ("data digest", f"sha256:{data.sha256}"),
        ("git commit", _commit(manifest)),
        ("runtimes", "; ".join(f"{name}: {', '.join(each.runtimes)}" for name, each in manifest.artifacts.items())),
        ("estimator", str(manifest.spec.get("estimator", "-"))),
        *([("fitted as", str(manifest.spec["fitted"]))] if "fitted" in manifest.spec else []),
        *([("parameters", json.dumps(manifest.spec["params"]))] if "params" in manifest.spec else []),
        ("libraries", ", ".join(f"{name} {version}" for name, version in manifest.libraries.items())),
        *((name, f"{size_text(file.size)}, sha256:{file.sha256}") for name, file in manifest.files.items()),
        *((f"no {_file(name)}", reason) for name, reason in manifest.omitted.items()),
    ]


def _file(format: str) -> str:
    return FORMATS[format].file if format in FORMATS else format


def _commit(manifest: Manifest) -> str:
    if not manifest.git.commit:
        return "unknown"
    return manifest.git.commit + (" with uncommitted changes" if manifest.git.dirty else "")
