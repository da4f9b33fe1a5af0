"""What `train` prints about what it published."""

from collections.abc import Sequence
from itertools import groupby

from brinery.assessment.evaluate import beats_baseline, main_metric
from brinery.formats.runtimes import DEFAULT, image_for
from brinery.output.table import figure_text, short_digest, table
from brinery.rows.feature import Feature
from brinery.versions.manifest import Manifest
from training.run import Result

SHOWN_METRICS = {"classification": ("macro_f1", "roc_auc", "log_loss"), "regression": ("mae", "r2")}
SHOWN_NAMES = 6


def report_text(results: Sequence[Result], promote: str, serve: str) -> str:
    """A table of the versions, and lines that promote what passed its gate.

    In between stand how metrics of folds were taken, the columns' kinds, and notes.

    Args:
        promote: what promotes `{reference}` with a record and serves it, by the image of `{runtime}`; `{image}` asks
            compose for that one.
        serve: what serves by its variables.
    """
    tables = [_table(list(group)) for _, group in groupby(sorted(results, key=_kind), key=_kind)]
    lines = ["\n\n".join(tables), ""]
    pooled = [
        f"  {result.reference.name}: the answers of all {folds} folds together, measured once"
        for result in results
        if (folds := result.manifest.evaluation.folds)
    ]
    lines += ["Metrics:", *pooled, ""] if pooled else []
    lines += ["Columns:"]
    lines += [
        f"  {result.reference.name}: {columns_text(result.manifest.features)}"
        f"{'; numbers are scaled' if _is_scaled(result) else ''}"
        for result in results
    ]
    vouched = [
        f"  {result.reference.name}: {promoted.reference} is promoted by the newest record in the bucket alone; "
        "--baseline names it from outside"
        for result in results
        if (promoted := result.manifest.evaluation.promoted) and not promoted.vouched and result.manifest.gate.checks
    ]
    lines += ["", "Baseline: unvouched:", *vouched] if vouched else []
    notes = [f"  {result.reference.name}: {note}" for result in results for note in result.notes]
    if notes:
        lines += ["", "Notes:", *notes]
    passed = [result for result in results if result.manifest.gate.passed]
    if passed:
        what = "one of them" if len(passed) > 1 else "it"
        lines += ["", f"Promote and serve {what}, with a record:"]
        lines += [_filled(promote, result) for result in passed]
        lines += ["", f"Serve {what} by hand:"]
        lines += [_by_hand(serve, result) for result in passed]
    for result in results:
        failed = [check for check in result.manifest.gate.checks if not check.passed]
        lines += [f"{result.reference.name} did not pass its gate: {check.text}" for check in failed]
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


def _kind(result: Result) -> str:
    return result.manifest.task.kind


def _table(results: Sequence[Result]) -> str:
    """The versions of one task."""
    shown = SHOWN_METRICS[_kind(results[0])]
    rows = [
        [
            result.reference.name,
            f"{result.reference.name}:{result.reference.version}@{short_digest(result.reference.digest)}",
            *_beside_baseline(result.manifest),
            *(
                figure_text(value, 3) if (value := result.manifest.metrics.get(name)) is not None else "-"
                for name in shown
            ),
            ", ".join(result.manifest.artifacts),
            _verdict(result.manifest),
            f"{result.seconds:.1f}",
        ]
        for result in results
    ]
    main = main_metric(results[0].manifest)
    heads = [name.upper().replace("_", " ") for name in (main, "baseline", *shown)]
    return table(["MODEL", "REFERENCE", *heads, "FORMATS", "GATE", "SECONDS"], rows)


def _beside_baseline(manifest: Manifest) -> list[str]:
    """The main metric, and that of the model that looks at no feature."""
    name = main_metric(manifest)
    baseline = figure_text(manifest.evaluation.baseline[name], 3)
    return [figure_text(manifest.metrics[name], 3), baseline if beats_baseline(manifest) else f"{baseline} NOT BEATEN"]


def _verdict(manifest: Manifest) -> str:
    """The gate's, and whether what it was compared with is vouched for by the bucket alone."""
    promoted = manifest.evaluation.promoted
    unvouched = promoted is not None and not promoted.vouched
    return manifest.gate.verdict + (" (baseline: unvouched)" if unvouched and manifest.gate.checks else "")


def _is_scaled(result: Result) -> bool:
    return bool(result.manifest.spec["scale"]) and any(not f.of_texts for f in result.manifest.features)


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
