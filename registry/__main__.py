"""The `registry` command: list, show and verify versions."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from registry.errors import FormatMissing, LibraryMismatch, RegistryError, VersionMissing
from registry.load import ARTIFACTS, load_files
from registry.manifest import Manifest, utc_text
from registry.profiles import profile_credentials
from registry.progress import progress
from registry.publish import models, versions
from registry.read import read_file, read_manifest
from registry.reference import Reference, check_name
from registry.store import Store, open_store, registry_url
from registry.table import age_text, short_digest, size_text, table

EXAMPLES = """\
examples:
  registry list                      every version of every model
  registry list wine --json          one model's versions, as JSON
  registry show wine:7               what version 7 is and how to serve it
  registry verify wine:7@sha256:…    hash everything again and replay the golden rows

The registry is $MODEL_REGISTRY, else the folder .registry here; --registry URL names another.
"""


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    try:
        url = registry_url(arguments.registry or os.environ.get("MODEL_REGISTRY"), Path.cwd())
        store = open_store(url, credentials=profile_credentials(os.environ))
        result, text = arguments.run(store, arguments)
    except RegistryError as exc:
        print(f"registry: {exc}", file=sys.stderr)
        return 1
    print(json.dumps(result, indent=2) if arguments.json else text)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="registry",
        description="Look at the versions in a registry.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--registry", metavar="URL", help="s3://BUCKET[/PREFIX] or file:///FOLDER")
    common.add_argument("--json", action="store_true", help="print JSON, for machines")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[..., Any], help: str, example: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, parents=[common], help=help, description=help, epilog=f"example: {example}")
        added.set_defaults(run=run)
        return added

    command("list", _list, "list versions, the newest first", "registry list wine").add_argument(
        "model", nargs="?", metavar="MODEL", help="a model's name; without it, all"
    )
    for name, run, help in (
        ("show", _show, "show what a version is"),
        ("verify", _verify, "hash all files of a version again and replay its golden rows"),
    ):
        command(name, run, help, f"registry {name} wine:7").add_argument(
            "reference", metavar="REF", help="as in wine:7 or wine:7@sha256:…"
        )
    return parser


def _list(store: Store, arguments: argparse.Namespace) -> tuple[Any, str]:
    names = [check_name(arguments.model)] if arguments.model else models(store)
    references = [Reference(name, version) for name in names for version in reversed(versions(store, name))]
    if arguments.model and not references:
        raise VersionMissing(f"there is no model {arguments.model} in {store.url}{_those_there(store)}")
    if not references:
        return [], f"no versions in {store.url} yet; `train` publishes them"
    with ThreadPoolExecutor(8) as pool:
        reading = [pool.submit(_manifest_or_error, store, reference) for reference in references]
        found = [read.result() for read in progress(reading, "reading")]
    rows = [
        _row(*each) if isinstance(each, tuple) else [str(reference), "UNREADABLE", *[""] * 5]
        for reference, each in zip(references, found, strict=True)
    ]
    errors = [each for each in found if isinstance(each, RegistryError)]
    result = [
        _summary(*each) if isinstance(each, tuple) else {"reference": str(reference), "error": str(each)}
        for reference, each in zip(references, found, strict=True)
    ]
    head = ["VERSION", "TRAINED", "SIZE", "GATE", "ACCURACY", "LOG LOSS", "DIGEST"]
    return result, "\n".join([table(head, rows), *map(str, errors)])


def _manifest_or_error(store: Store, reference: Reference) -> tuple[Manifest, str] | RegistryError:
    try:
        return read_manifest(store, reference)
    except RegistryError as exc:
        return exc


def _row(manifest: Manifest, digest: str) -> list[str]:
    return [
        f"{manifest.name}:{manifest.version}",
        age_text(manifest.trained_at),
        size_text(manifest.size),
        "passed" if manifest.gate.passed else "FAILED",
        *(f"{manifest.metrics[key]:.3f}" if key in manifest.metrics else "-" for key in ("accuracy", "log_loss")),
        short_digest(digest),
    ]


def _show(store: Store, arguments: argparse.Namespace) -> tuple[Any, str]:
    manifest, digest = _manifest(store, Reference.parse(arguments.reference))
    data, git = manifest.data, manifest.git
    reference = Reference(manifest.name, manifest.version, digest)
    dirty = " with uncommitted changes" if git.dirty else ""
    facts = [
        ["reference", str(reference)],
        ["description", manifest.description or "-"],
        ["trained", f"{utc_text(manifest.trained_at)}, {age_text(manifest.trained_at)}"],
        ["gate", "passed" if manifest.gate.passed else "FAILED"],
        *([f"  {c.metric}", f"{c.value:.4f}, {c.rule} {c.limit:g}"] for c in manifest.gate.checks),
        ["metrics", ", ".join(f"{name} {value:.4f}" for name, value in manifest.metrics.items())],
        ["classes", ", ".join(map(str, manifest.classes))],
        ["data", f"{data.source}: {data.train_rows} rows to fit, {data.test_rows} held out"],
        ["data digest", f"sha256:{data.sha256}"],
        ["git commit", f"{git.commit}{dirty}" if git.commit else "unknown"],
        ["estimator", str(manifest.spec.get("estimator", "-"))],
        ["parameters", json.dumps(manifest.spec.get("params", {}))],
        ["libraries", ", ".join(f"{name} {version}" for name, version in manifest.libraries.items())],
        *([name, f"{size_text(file.size)}, sha256:{file.sha256}"] for name, file in manifest.files.items()),
    ]
    if manifest.onnx and manifest.onnx.reason:
        facts.append(["no model.onnx", manifest.onnx.reason])
    width = max(len(label) for label, _ in facts)
    features = table(
        ["FEATURE", "KIND", "TRAINING RANGE", "NULL"],
        [[f.name, f.kind, f.range_text, "accepted" if f.nullable else "refused"] for f in manifest.features],
    )
    serve = f"serve it with  MODEL_NAME={reference.name} MODEL_VERSION={reference.version_text}"
    if not manifest.gate.passed:
        serve = "it did not pass its gate, and should not be served"
    lines = [f"{label.ljust(width)}  {value}" for label, value in facts]
    result = {**manifest.model_dump(mode="json"), "digest": f"sha256:{digest}", "reference": str(reference)}
    return result, "\n".join([*lines, "", features, "", serve])


def _verify(store: Store, arguments: argparse.Namespace) -> tuple[Any, str]:
    asked = Reference.parse(arguments.reference)
    manifest, digest = _manifest(store, asked)
    reference = Reference(manifest.name, manifest.version, digest)
    for name in progress(manifest.files, "hashing"):
        read_file(store, manifest, name)
    replayed, not_run = [], {}
    for fmt in progress([fmt for fmt, file in ARTIFACTS.items() if file in manifest.files], "replaying golden rows"):
        try:
            load_files(store, manifest, reference, format=fmt)  # type: ignore[arg-type]
            replayed.append(fmt)
        except (LibraryMismatch, FormatMissing) as exc:
            not_run[fmt] = exc
    if not replayed:
        raise next(iter(not_run.values()))
    result = {
        "reference": str(reference),
        "pinned": asked.pinned,
        "files": {name: file.model_dump() for name, file in manifest.files.items()},
        "golden_rows_replayed": replayed,
        "not_run": {fmt: str(exc) for fmt, exc in not_run.items()},
    }
    lines = [
        f"{reference} is what was published"
        if asked.pinned
        else f"{reference} is whole (no digest was given to hold it to)"
    ]
    lines += [f"  {name}: {size_text(file.size)}, sha256 as in the manifest" for name, file in manifest.files.items()]
    lines += [f"  golden rows reproduced by {fmt}" for fmt in replayed]
    lines += [f"  {fmt} not run: {exc}" for fmt, exc in not_run.items()]
    return result, "\n".join(lines)


def _manifest(store: Store, reference: Reference) -> tuple[Manifest, str]:
    """The manifest of a reference; where there is none, the message lists what is there."""
    try:
        return read_manifest(store, reference)
    except VersionMissing as exc:
        there = versions(store, reference.name)
        if not there:
            raise VersionMissing(f"there is no model {reference.name} in {store.url}{_those_there(store)}") from exc
        shown = ", ".join(map(str, there[-20:]))
        raise VersionMissing(
            f"{reference.name} has no version {reference.version} in {store.url}; it has {shown}"
        ) from exc


def _those_there(store: Store) -> str:
    found = models(store)
    return f"; it has {', '.join(found)}" if found else "; it has none yet"


def _summary(manifest: Manifest, digest: str) -> dict[str, Any]:
    return {
        "model": manifest.name,
        "version": manifest.version,
        "reference": str(Reference(manifest.name, manifest.version, digest)),
        "trained_at": utc_text(manifest.trained_at),
        "size": manifest.size,
        "gate_passed": manifest.gate.passed,
        "metrics": dict(manifest.metrics),
    }


if __name__ == "__main__":
    sys.exit(main())
