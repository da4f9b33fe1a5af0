"""`registry list`: the versions of a model, or of all."""

from argparse import Namespace
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from brinery.errors import VersionMissing
from brinery.output.progress import progress
from brinery.output.table import age_text, figure_text, short_digest, size_text, table
from brinery.versions.catalog import AT_ONCE, Read, newest, those_there
from brinery.versions.manifest import utc_text
from brinery.versions.read import Published
from brinery.versions.reference import is_name
from brinery.versions.store import Store

HEAD = ["VERSION", "TRAINED", "SIZE", "GATE", "METRICS", "DIGEST"]
SHOWN = ("accuracy", "log_loss", "rmse", "r2")


OF_ONE, OF_EACH = 50, 3  # versions that are shown of the model that is named, and else of each


def run(store: Store, arguments: Namespace) -> tuple[Any, str]:
    """The newest versions, the newest first; one that cannot be read is shown among the others, with why below."""
    name = arguments.model
    most = None if arguments.all else OF_ONE if name else OF_EACH
    if name:
        found = newest(store, name, most, AT_ONCE)
        if not found:
            raise VersionMissing(f"there is no model {name} in {store.url}{those_there(store)}")
    else:
        names = list(filter(is_name, store.folders()))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            reading = [pool.submit(newest, store, each, most) for each in names]
            found = [each for read in progress(reading, "reading") for each in read.result()]
        if not found:
            return [], f"no versions in {store.url} yet; `train` publishes them"
    rows, result, errors = [], [], []
    for reference, each in found:
        if isinstance(each, Published):
            rows.append(_row(each))
            result.append(_summary(each))
        else:
            rows.append([str(reference), "UNREADABLE", *[""] * (len(HEAD) - 2)])
            result.append({"reference": str(reference), "error": str(each)})
            errors.append(str(each))
    return result, "\n".join([table(HEAD, rows), *errors, *_left_out(found, most)])


def _left_out(found: Sequence[Read], most: int | None) -> list[str]:
    """Whether there may be more versions than are shown."""
    shown = Counter(reference.name for reference, _ in found)
    first = {reference.name: reference.version for reference, _ in found}  # the last that is there wins: the oldest
    if most is None or not any(count >= most and first[name] > 1 for name, count in shown.items()):
        return []
    return [f"of each model the newest {most} are shown; `registry list MODEL --all` shows the older ones too"]


def _row(published: Published) -> list[str]:
    manifest = published.manifest
    return [
        f"{manifest.name}:{manifest.version}",
        age_text(manifest.trained_at),
        size_text(manifest.size),
        manifest.gate.verdict,
        ", ".join(f"{key} {figure_text(manifest.metrics[key], 3)}" for key in SHOWN if key in manifest.metrics),
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
        "gate": manifest.gate.verdict,
        "gate_passed": manifest.gate.told["passed"],
        "metrics": dict(manifest.metrics),
    }
