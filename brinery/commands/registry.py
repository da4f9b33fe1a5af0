"""The `registry` command: list and show versions, and the commands of the files beside this one."""

import argparse
import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from brinery.commands.diff import diff_command
from brinery.commands.log import add_log_commands
from brinery.commands.promote import add_promotion_commands
from brinery.errors import RegistryError, VersionMissing
from brinery.loading.verify import verify_command
from brinery.output.progress import progress
from brinery.output.table import age_text, short_digest, size_text, table
from brinery.promotion.environment import registry_of_stack
from brinery.versions.catalog import find_manifest, those_there
from brinery.versions.manifest import Manifest, utc_text
from brinery.versions.profiles import profile_credentials
from brinery.versions.publish import models, versions
from brinery.versions.read import read_manifest
from brinery.versions.reference import Reference, check_name
from brinery.versions.store import Store, open_store, registry_url

EXAMPLES = """\
examples:
  registry list                                  every version of every model
  registry list wine --json                      one model's versions, as JSON
  registry show wine:7                           what version 7 is and how to serve it
  registry diff wine:7 wine:8                    what changed between two versions
  registry verify wine:7@sha256:…                hash everything again and replay the golden rows
  registry promote wine:8 --env-file .env        check it, record the decision, and set what compose serves
  registry promote wine:8 --stack prod --wait    … what a stack on AWS serves, and follow it to the end
  registry rollback wine --env-file .env         back to what was served before
  registry log wine                              every promotion: when, who, from, to, why, and how it ended
  registry live wine --at 2026-11-01T12:00Z      what was served then

The registry is $MODEL_REGISTRY, else that of the stack, else the folder .registry here; --registry URL names another.
"""


REF = "as in wine:7 or wine:7@sha256:…"


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # where the terminal's encoding lacks a character
    try:
        configured = arguments.registry or os.environ.get("MODEL_REGISTRY") or registry_of_stack(arguments)
        url = registry_url(configured, Path.cwd())
        store = open_store(url, credentials=profile_credentials(os.environ))
        result, text = arguments.run(store, arguments)
    except RegistryError as exc:
        print(f"registry: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("registry: interrupted; `registry log` tells what was recorded before", file=sys.stderr)
        return 1
    try:
        print(json.dumps(result, indent=2) if arguments.json else text, flush=True)
    except OSError as exc:
        sys.stdout = open(os.devnull, "w")  # (Python would try again at its end)
        if isinstance(exc, BrokenPipeError):  # whoever read it has seen enough
            return 0
        print(f"registry: the result cannot be written: {exc.strerror}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="registry",
        description="Look at the versions in a registry, and promote them.",
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
        ("verify", verify_command, "hash all files of a version again and replay its golden rows"),
    ):
        command(name, run, help, f"registry {name} wine:7").add_argument("reference", metavar="REF", help=REF)
    diff = command("diff", diff_command, "show what changed between two versions", "registry diff wine:7 wine:8")
    diff.add_argument("before", metavar="REF", help=REF)
    diff.add_argument("after", metavar="REF", help="the other one")
    add_promotion_commands(command)
    add_log_commands(command)
    return parser


def _list(store: Store, arguments: argparse.Namespace) -> tuple[Any, str]:
    names = [check_name(arguments.model)] if arguments.model else models(store)
    references = [Reference(name, version) for name in names for version in reversed(versions(store, name))]
    if arguments.model and not references:
        raise VersionMissing(f"there is no model {arguments.model} in {store.url}{those_there(store)}")
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
    manifest, digest = find_manifest(store, Reference.parse(arguments.reference))
    data, git = manifest.data, manifest.git
    reference = Reference(manifest.name, manifest.version, digest)
    dirty = " with uncommitted changes" if git.dirty else ""
    facts = [
        ["reference", str(reference)],
        ["description", manifest.description or "-"],
        ["trained", f"{utc_text(manifest.trained_at)}, {age_text(manifest.trained_at)}"],
        ["gate", "passed" if manifest.gate.passed else "FAILED"],
        *(["", f"{'passed' if check.passed else 'FAILED'}: {check.text}"] for check in manifest.gate.checks),
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
