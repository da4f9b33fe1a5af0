"""`registry diff`: what changed between two versions."""

import json
from argparse import Namespace
from collections.abc import Callable, Sequence
from typing import Any

from brinery.errors import BrineryError, PinRequired, RowInvalid
from brinery.formats.choice import AUTO, choose_format
from brinery.loading.golden import read_golden
from brinery.loading.model_process import ModelProcess
from brinery.loading.verify import UNVOUCHED
from brinery.output.table import figure_text, size_text, table
from brinery.rows.feature import Feature
from brinery.rows.parser import RowParser
from brinery.tasks.difference import Difference
from brinery.tasks.task import AnyAnswers
from brinery.versions.catalog import find_version
from brinery.versions.manifest import GOLDEN, Manifest
from brinery.versions.read import Published, read_file
from brinery.versions.reference import Reference
from brinery.versions.store import Store

NO_CHANGE = "no change"


def run(store: Store, arguments: Namespace) -> tuple[Any, str]:
    """What differs, as [before, after]; the golden rows of each are asked of both."""
    old, new = (find_version(store, Reference.parse(text)) for text in (arguments.before, arguments.after))
    before, after = old.manifest, new.manifest
    vouched = [Reference.parse(text).pinned or arguments.trust_bucket for text in (arguments.before, arguments.after)]
    compared = _compared(store, old, new, vouched)
    if isinstance(compared, str):
        golden, shown = {"compared": 0, "reason": compared}, f"not compared: {compared}"
    else:
        golden, shown = {"compared": compared.rows, **compared.facts}, compared.text
    result: dict[str, Any] = {
        "before": str(old.reference),
        "after": str(new.reference),
        "metrics": _metrics(before, after),
        "gate": [before.gate.verdict, after.gate.verdict],
        "spec": _changed(dict(before.spec), dict(after.spec)),
        "features": _features(before, after),
        "task": _changed(_task(before), _task(after)),
        "libraries": _changed(dict(before.libraries), dict(after.libraries)),
        "data": _changed(before.data.model_dump(), after.data.model_dump()),
        "sizes": _changed(_sizes(before), _sizes(after)),
        "golden_rows": golden,
    }
    heads = [f"{each.name}:{each.version}" for each in (before, after)]
    return result, _text(result, heads, shown)


def _task(manifest: Manifest) -> dict[str, Any]:
    return {"kind": manifest.task.kind, **dict(manifest.task.facts)}


def _sizes(manifest: Manifest) -> dict[str, Any]:
    return {name: file.size for name, file in manifest.files.items()}


def _changed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, list[Any]]:
    """Values that differ, as [before, after]; None where there is none."""
    keys = dict.fromkeys([*before, *after])
    return {key: [before.get(key), after.get(key)] for key in keys if before.get(key) != after.get(key)}


def _metrics(before: Manifest, after: Manifest) -> dict[str, dict[str, Any]]:
    intervals = [each.evaluation.intervals for each in (before, after)]
    return {
        name: {
            "before": before.metrics.get(name),
            "before_interval": intervals[0].get(name),
            "after": after.metrics.get(name),
            "after_interval": intervals[1].get(name),
        }
        for name in dict.fromkeys([*before.metrics, *after.metrics])
    }


def _features(before: Manifest, after: Manifest) -> dict[str, list[str | None]]:
    old, new = ({f.name: _feature_text(f) for f in each.features} for each in (before, after))
    changed: dict[str, list[str | None]] = _changed(old, new)
    if not changed and list(old) != list(new):
        changed["(order)"] = [", ".join(old), ", ".join(new)]
    return changed


def _feature_text(feature: Feature) -> str:
    return f"{feature.kind}, {feature.range_text}" + (", may be missing" if feature.nullable else "")


def _compared(store: Store, old: Published, new: Published, vouched: Sequence[bool]) -> Difference | str:
    """How the answers to both versions' golden rows differ, or why they cannot be compared.

    Rows that lack the other's features are left out.
    """
    if old.manifest.task.kind != new.manifest.task.kind:
        return f"one is a {old.manifest.task.kind}, the other a {new.manifest.task.kind}"
    try:
        rows = [*_golden_rows(store, old, new), *_golden_rows(store, new, old)]
        if not rows:
            return "each version has features that the other has not"
        before, after = (_answers(store, each, rows, known) for each, known in zip((old, new), vouched, strict=True))
        return new.manifest.task.difference(before, after)
    except RowInvalid as exc:
        return f"the rows of one do not fit the other: {str(exc)[:200]}"
    except BrineryError as exc:
        return str(exc)


def _golden_rows(store: Store, published: Published, other: Published) -> list[dict[str, Any]]:
    """The version's golden rows, where they have all features of the other one."""
    names = [feature.name for feature in published.manifest.features]
    if not {feature.name for feature in other.manifest.features} <= set(names):
        return []
    golden = read_golden(read_file(store, published, GOLDEN), published.manifest)
    return [dict(zip(names, row, strict=True)) for row in golden["rows"]]


def _answers(store: Store, published: Published, rows: list[dict[str, Any]], vouched: bool) -> AnyAnswers:
    """A version's answers, by a process of its own.

    Raises:
        PinRequired: no digest vouches for it, and loading it would run what it holds.
    """
    manifest = published.manifest
    chosen = choose_format(manifest, AUTO)
    if chosen.runs_code and not vouched:
        raise PinRequired(f"{manifest.name}:{manifest.version}: {UNVOUCHED}")
    wanted = {feature.name for feature in manifest.features}
    fitting = [{name: value for name, value in row.items() if name in wanted} for row in rows]
    array = RowParser(manifest.features).parse(fitting, len(fitting)).array
    with ModelProcess() as process:
        return process.answers(store, published, chosen.name, array)


def _text(result: dict[str, Any], heads: list[str], golden: str) -> str:
    rows = [
        [name, _value(each["before"], each["before_interval"]), _value(each["after"], each["after_interval"])]
        for name, each in result["metrics"].items()
    ]
    parts = [table(["METRIC", *heads], [*rows, ["gate", *result["gate"]]])]
    for title in ("spec", "features", "task", "libraries", "data", "sizes"):
        shown: Callable[[Any], str] = size_text if title == "sizes" else _short
        changes = [f"  {key}: {_change(old, new, shown)}" for key, (old, new) in result[title].items()]
        parts.append("\n".join([f"{title}: {'' if changes else NO_CHANGE}".rstrip(), *changes]))
    return "\n\n".join([*parts, f"golden rows: {golden}"])


def _change(old: Any, new: Any, shown: Callable[[Any], str]) -> str:
    if old is None:
        return f"added: {shown(new)}"
    return f"removed: {shown(old)}" if new is None else f"{shown(old)} -> {shown(new)}"


def _value(value: float | None, interval: Any) -> str:
    if value is None:
        return "-"
    return figure_text(value) + (f" ({figure_text(interval[0])} to {figure_text(interval[1])})" if interval else "")


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 120 else text[:117] + "..."
