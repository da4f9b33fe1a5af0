"""The page of a version, and what it tells the page that compares two."""

from collections.abc import Sequence
from typing import Any

from brinery.formats.runtimes import DEFAULT, image_for
from brinery.output.table import figure_text
from brinery.rows.feature import Feature
from brinery.site.facts import LONG, MOST, NAME, Promotion, Version, less_is_better
from brinery.site.pages.render import as_json, render
from brinery.site.pages.table import cut
from brinery.tasks.classification import label_text
from brinery.versions.manifest import CARD, Manifest, utc_text
from brinery.versions.read import Published

MOST_FEATURES, MOST_FACTS, MOST_FILES, LONGEST = 500, 200, 50, 300
MOST_GOLDEN = 50

Facts = list[tuple[str, str]]


def version_page(
    registry: str,
    version: Version,
    published: Published,
    golden: dict[str, Any] | str,
    mark: str = "",
    promotions: Sequence[Promotion] = (),
    card: bool = False,
    card_why: str = "",
) -> bytes:
    """The whole page.

    Args:
        golden: what golden.json holds, or why it is not shown.
        mark: what is recorded of it, or is so, such as `live`.
        card: whether its card lies beside the page.
        card_why: why it cannot be shown, where it could not.
    """
    manifest = published.manifest
    image = image_for(manifest.runtimes)
    libraries = [(cut(name, NAME), cut(text, NAME)) for name, text in list(manifest.libraries.items())[:MOST_FACTS]]
    data = _data(manifest)
    parameters = _parameters(manifest)
    features = [(feature, cut(feature.range_text, LONGEST)) for feature in manifest.features[:MOST_FEATURES]]
    return render(
        "version.html",
        registry=registry,
        name=manifest.name,
        version=version,
        manifest=manifest,
        mark=mark,
        promotions=promotions,
        card=card,
        has_card=CARD in manifest.files and not card_why,
        card_why=card_why,
        verdict=_verdict(version, manifest),
        less=[metric for metric in version.metrics if less_is_better(metric)],
        promoted=manifest.evaluation.promoted,
        reference=str(published.reference),
        pin=published.reference.version_text,
        runtime=f"RUNTIME={image} " if image != DEFAULT else "",
        features=features,
        data=data,
        lineage=_lineage(manifest),
        parameters=parameters,
        libraries=libraries,
        files=list(manifest.files.items())[:MOST_FILES],
        manifest_size=len(published.stored),
        compared={
            "number": version.number,
            "metrics": {cut(name, NAME): found for name, found in version.metrics.items()},
            "held_out": _held_out(manifest),
            "facts": _facts(version, manifest),
            "features": [(cut(feature.name, LONGEST), _feature_text(feature, told)) for feature, told in features],
            "data": data,
            "parameters": parameters,
            "libraries": libraries,
            "golden": {"why": golden} if isinstance(golden, str) else _golden(golden, manifest),
        },
    )


def _verdict(version: Version, manifest: Manifest) -> str:
    """Whether the baseline is beaten, by the main metric."""
    baseline = manifest.evaluation.baseline
    metric = next((name for name in version.metrics if name in baseline), None)
    if metric is None:
        return "There is no baseline to compare it with."
    value, low, high = version.metrics[metric]
    other = baseline[metric]
    figures = f"{metric} {figure_text(value)} against {figure_text(other)}"
    if low is not None and high is not None and low <= other <= high:
        return f"It cannot be told from the baseline: {figures}, which lies in the interval."
    if (value < other) if less_is_better(metric) else (value > other):
        return f"It beats the baseline: {figures}."
    return f"It does not beat the baseline: {figures}."


def _facts(version: Version, manifest: Manifest) -> Facts:
    return [
        ("trained at", version.trained_at),
        ("gate", version.gate),
        *((name, cut(text, LONGEST)) for name, text in manifest.task.facts),
        ("formats", ", ".join(version.formats)),
        ("bytes", f"{version.size:,}"),
        ("git commit", _commit(manifest)),
    ]


def _data(manifest: Manifest) -> Facts:
    data, folds = manifest.data, manifest.evaluation.folds
    split = f"{folds} folds" if folds else f"{data.train_rows:,} to fit, {data.test_rows:,} held out"
    return [
        ("source", cut(data.source, LONGEST)),
        ("sha256", data.sha256),
        ("rows", f"{min(data.rows, MOST):,}"),
        ("columns", f"{min(data.columns, MOST):,}"),
        ("split", split),
        ("seed of the split", _declared(manifest, "random_state")),
    ]


def _held_out(manifest: Manifest) -> Facts:
    """What tells the rows apart that metrics were taken on."""
    of_data = [(name, told) for name, told in _data(manifest) if name in ("sha256", "split", "seed of the split")]
    return [*of_data, *((name, _declared(manifest, name)) for name in ("test_size", "cv"))]


def _declared(manifest: Manifest, name: str) -> str:
    return cut(as_json(manifest.spec.get(name, "unknown")), LONGEST)


def _lineage(manifest: Manifest) -> Facts:
    memory = manifest.peak_memory_bytes
    return [
        ("trained at", utc_text(manifest.trained_at)),
        ("git commit", _commit(manifest)),
        ("estimator", cut(as_json(manifest.spec.get("estimator", "unknown")), LONGEST)),
        *((name, cut(text, LONGEST)) for name, text in manifest.task.facts),
        *((name, f"{each.file}: {cut(each.faithful.tested, LONG)}") for name, each in manifest.artifacts.items()),
        *((name, f"none: {cut(why, LONG)}") for name, why in list(manifest.omitted.items())[:MOST_FILES]),
        ("duration", f"{manifest.duration_seconds:,.1f} s"),
        *([("peak memory", f"{min(memory, MOST) / 1e6:,.0f} MB")] if memory else []),
    ]


def _commit(manifest: Manifest) -> str:
    if not manifest.git.commit:
        return "unknown"
    return cut(manifest.git.commit, 80) + (" with uncommitted changes" if manifest.git.dirty else "")


def _parameters(manifest: Manifest) -> Facts:
    """All of the declaration but its description, with the estimator's parameters one by one."""
    params = manifest.spec.get("params")
    found = {f"params.{name}": value for name, value in params.items()} if isinstance(params, dict) else {}
    apart = {"description", *(["params"] if found else [])}
    found = {**{name: value for name, value in manifest.spec.items() if name not in apart}, **found}
    return [(cut(name, 100), cut(as_json(value), LONGEST)) for name, value in list(found.items())[:MOST_FACTS]]


def _feature_text(feature: Feature, told: str) -> str:
    return f"{feature.kind}, {told}" + (", may be missing" if feature.nullable else "")


def _golden(golden: dict[str, Any], manifest: Manifest) -> dict[str, Any]:
    """Rows and answers, or `why` there are none."""
    try:
        rows = [[_plain(value) for value in row] for row in golden["rows"][:MOST_GOLDEN]]
        answers = [_answer(answer) for answer in golden["answers"][:MOST_GOLDEN]]
    except (KeyError, TypeError, AttributeError, ValueError):
        return {"why": "golden.json cannot be read"}
    features = [cut(feature.name, LONGEST) for feature in manifest.features]
    if len(rows) != len(answers) or any(len(row) != len(features) for row in rows):
        return {"why": "golden.json cannot be read"}
    return {"features": features, "rows": rows, "answers": answers}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool) or (isinstance(value, int | float) and abs(value) < MOST):
        return value
    return cut(str(value), LONGEST)


def _answer(answer: dict[str, Any]) -> tuple[str, str]:
    """What is answered, and how probable that is said to be, where it is."""
    label = answer["prediction"]
    told = figure_text(label) if isinstance(label, float) else label_text(label)
    share = answer.get("probabilities", {}).get(told)
    return cut(told, LONGEST), f"{share:.3f}" if isinstance(share, int | float) else ""
