"""`registry publish`: a model that was fitted elsewhere becomes a version."""

from argparse import Namespace
from pathlib import Path
from typing import Any

from brinery.commands.checkout import uv_run
from brinery.commands.show import serve_text
from brinery.output.table import figure_text
from brinery.output.write import say
from brinery.versions.catalog import find_version
from brinery.versions.manifest import PASSING, Artifact
from brinery.versions.store import Store

GATE_NOT_PASSED = 3


def run(store: Store, arguments: Namespace) -> tuple[Any, str]:
    """Publish it, and tell what it is and how it is served."""
    from brinery.assessment.publish_file import publish_file  # needs more than other commands do

    reference, notes = publish_file(
        arguments.model,
        arguments.file,
        arguments.rows,
        arguments.target,
        arguments.train_rows,
        Path.cwd(),
        registry=store.url,
        gate=arguments.gate,
        interval=arguments.interval,
        baseline=arguments.baseline,
        classes=arguments.classes,
        description=arguments.description,
    )
    for note in notes:
        say(f"registry: {note}")
    published = find_version(store, reference)
    manifest = published.manifest
    result = {
        "reference": str(reference),
        "metrics": dict(manifest.metrics),
        "baseline": dict(manifest.evaluation.baseline),
        "formats": list(manifest.artifacts),
        "gate": manifest.gate.told,
    }
    lines = [
        f"published {reference}",
        f"metrics   {', '.join(f'{name} {figure_text(value)}' for name, value in manifest.metrics.items())}",
        f"formats   {', '.join(map(_with_images, manifest.artifacts.items()))}",
        *(f"{name:<9} {artifact.faithful.tested}" for name, artifact in manifest.artifacts.items()),
        *(f"no {format}: {reason}" for format, reason in manifest.omitted.items()),
        *(f"gate      {check.text}{'' if check.passed else ': FAILED'}" for check in manifest.gate.checks),
    ]
    if manifest.gate.passed:
        lines += [f"promote it  {uv_run()}registry promote {reference} --env-file .env", serve_text(published)]
    return result, "\n".join(lines)


def _with_images(item: tuple[str, Artifact]) -> str:
    format, artifact = item
    return f"{format} ({', '.join(f'RUNTIME={each}' for each in artifact.runtimes)})"


def exit_code(result: Any) -> int:
    return 0 if result["gate"]["verdict"] in PASSING else GATE_NOT_PASSED
