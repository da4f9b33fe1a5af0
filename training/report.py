"""What `train` prints about what it published."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from brinery.assessment.evaluate import beats_baseline, main_metric
from brinery.formats.runtimes import DEFAULT, image_for
from brinery.output.table import figure_text, short_digest, table
from brinery.rows.feature import Feature
from brinery.versions.manifest import Manifest
from training.run import Result

SHOWN_METRICS = {"classification": ("macro_f1", "roc_auc", "log_loss"), "regression": ("mae", "r2")}
SHOWN_NAMES = 6


@dataclass(frozen=True)
class Told:
    """What the report says of one version: a run may train thousands, and keeps of each these words alone.

    Args:
        main: the metric that stands beside the baseline's.
        cells: its row of the table.
        unvouched: what the gate compared it with, where nobody but the bucket vouches for that.
        failed: what its gate refused.
        promote, serve: the lines that do so.
    """

    name: str
    task: str
    main: str
    cells: tuple[str, ...]
    folds: int | None
    columns: str
    unvouched: str | None
    notes: tuple[str, ...]
    failed: tuple[str, ...]
    passed: bool
    promote: str
    serve: str


def told_of(result: Result, promote: str, serve: str) -> Told:
    """The words about one version.

    Args:
        promote: what promotes `{reference}` with a record and serves it, by the image of `{runtime}`; `{image}` asks
            compose for that one.
        serve: what serves by its variables.
    """
    manifest = result.manifest
    return Told(
        name=result.reference.name,
        task=manifest.task.kind,
        main=main_metric(manifest),
        cells=_cells(result),
        folds=manifest.evaluation.folds,
        columns=columns_text(manifest.features) + ("; numbers are scaled" if _is_scaled(manifest) else ""),
        unvouched=_unvouched(manifest),
        notes=result.notes,
        failed=tuple(check.text for check in manifest.gate.checks if not check.passed),
        passed=manifest.gate.passed,
        promote=_filled(promote, result),
        serve=_by_hand(serve, result),
    )


def report_text(told: Sequence[Told]) -> str:
    """A table of the versions, and lines that promote what passed its gate.

    In between stand how metrics of folds were taken, the columns' kinds, and notes.
    """
    tables = [_table(list(group)) for _, group in groupby(sorted(told, key=_task), key=_task)]
    lines = ["\n\n".join(tables), ""]
    pooled = [
        f"  {each.name}: the answers of all {each.folds} folds together, measured once" for each in told if each.folds
    ]
    lines += ["Metrics:", *pooled, ""] if pooled else []
    lines += ["Columns:", *(f"  {each.name}: {each.columns}" for each in told)]
    unvouched = [
        f"  {each.name}: {each.unvouched} is promoted by the newest record in the bucket alone; "
        "--baseline names it from outside"
        for each in told
        if each.unvouched
    ]
    lines += ["", "Baseline: unvouched:", *unvouched] if unvouched else []
    notes = [f"  {each.name}: {note}" for each in told for note in each.notes]
    lines += ["", "Notes:", *notes] if notes else []
    passed = [each for each in told if each.passed]
    if passed:
        what = "one of them" if len(passed) > 1 else "it"
        lines += ["", f"Promote and serve {what}, with a record:", *(each.promote for each in passed)]
        lines += ["", f"Serve {what} by hand:", *(each.serve for each in passed)]
    lines += [f"{each.name} did not pass its gate: {text}" for each in told for text in each.failed]
    return "\n".join(lines)


def _filled(command: str, result: Result) -> str:
    """A command about this version, in the image that can serve it."""
    image = image_for(result.manifest.runtimes)
    asked = f"RUNTIME={image} " if image != DEFAULT else ""
    values = {"{reference}": str(result.reference), "{runtime}": image, "{image}": asked}
    for place, value in values.items():
        command = command.replace(place, value)
    return command


def _by_hand(serve: str, result: Result) -> str:
    """What serves a version by variables alone."""
    pin = f"MODEL_NAME={result.reference.name} MODEL_VERSION={result.reference.version_text}"
    return _filled(f"{'{image}' if serve.startswith('docker compose ') else ''}{pin} {serve}", result)


def _task(told: Told) -> str:
    return told.task


def _cells(result: Result) -> tuple[str, ...]:
    manifest, reference = result.manifest, result.reference
    figures = [manifest.metrics.get(name) for name in SHOWN_METRICS[manifest.task.kind]]
    return (
        reference.name,
        f"{reference.name}:{reference.version}@{short_digest(reference.digest)}",
        *_beside_baseline(manifest),
        *(figure_text(value, 3) if value is not None else "-" for value in figures),
        ", ".join(manifest.artifacts),
        _verdict(manifest),
        f"{result.seconds:.1f}",
    )


def _table(told: Sequence[Told]) -> str:
    """The versions of one task."""
    shown = (told[0].main, "baseline", *SHOWN_METRICS[told[0].task])
    heads = [name.upper().replace("_", " ") for name in shown]
    return table(["MODEL", "REFERENCE", *heads, "FORMATS", "GATE", "SECONDS"], [list(each.cells) for each in told])


def _beside_baseline(manifest: Manifest) -> list[str]:
    """The main metric, and that of the model that looks at no feature."""
    name = main_metric(manifest)
    baseline = figure_text(manifest.evaluation.baseline[name], 3)
    return [figure_text(manifest.metrics[name], 3), baseline if beats_baseline(manifest) else f"{baseline} NOT BEATEN"]


def _verdict(manifest: Manifest) -> str:
    """The gate's, and whether what it was compared with is vouched for by the bucket alone."""
    return manifest.gate.verdict + (" (baseline: unvouched)" if _unvouched(manifest) else "")


def _unvouched(manifest: Manifest) -> str | None:
    promoted = manifest.evaluation.promoted
    return promoted.reference if promoted and not promoted.vouched and manifest.gate.checks else None


def _is_scaled(manifest: Manifest) -> bool:
    return bool(manifest.spec["scale"]) and any(not f.of_texts for f in manifest.features)


def columns_text(features: Sequence[Feature]) -> str:
    """The kinds with their columns, such as `2 numbers (mass, height), 1 category (sex?)`; ? may be missing."""
    plural = {"category": "categories"}
    parts = []
    for kind, group in groupby(sorted(features, key=lambda feature: feature.kind), key=lambda feature: feature.kind):
        names = [feature.name + ("?" if feature.nullable else "") for feature in group]
        shown = ", ".join(names[:SHOWN_NAMES]) + (", …" if len(names) > SHOWN_NAMES else "")
        parts.append(f"{len(names)} {plural.get(kind, kind + 's') if len(names) > 1 else kind} ({shown})")
    return ", ".join(parts) + (" (? may be missing)" if any(feature.nullable for feature in features) else "")


def as_json(result: Result) -> dict[str, object]:
    """The version as one JSON object."""
    evaluation = result.manifest.evaluation
    return {
        "model": result.reference.name,
        "version": result.reference.version,
        "reference": str(result.reference),
        "metrics": dict(result.manifest.metrics),
        "intervals": dict(evaluation.intervals),
        "baseline": dict(evaluation.baseline),
        "folds": evaluation.folds,
        "gate": result.manifest.gate.told,
        "features": {feature.name: feature.kind for feature in result.manifest.features},
        "notes": list(result.notes),
        "seconds": round(result.seconds, 3),
    }
