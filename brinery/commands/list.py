"""`registry list`: the versions of a model, or of all."""

from argparse import Namespace
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from brinery.commands.environment import Connect, environment_of
from brinery.errors import ChainBroken, PromotionRefused, VersionMissing
from brinery.output.progress import progress
from brinery.output.table import age_text, figure_text, short_digest, size_text, table
from brinery.promotion.records import newest as newest_record
from brinery.versions.catalog import AT_ONCE, Read, newest, those_there
from brinery.versions.manifest import utc_text
from brinery.versions.read import Published
from brinery.versions.reference import Reference, is_name
from brinery.versions.store import Store

HEAD = ["VERSION", "PROMOTED", "TRAINED", "SIZE", "GATE", "METRICS", "DIGEST"]
SHOWN = ("accuracy", "log_loss", "rmse", "r2")


OF_ONE, OF_EACH = 50, 3  # versions that are shown of the model that is named, and else of each


def run(store: Store, arguments: Namespace, connect: Connect = environment_of) -> tuple[Any, str]:
    """The newest versions, the newest first; one that cannot be read is shown among the others, with why below.

    Marked are what the environment holds, where one is named, and else what the newest record in the bucket says, which
    anybody may have written who can write there.
    """
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
    marked = marks(store, arguments, connect, list(dict.fromkeys(reference.name for reference, _ in found)))
    for reference, each in found:
        if isinstance(each, Published):
            mark = marked.get(str(each.reference), "")
            rows.append(_row(each, mark))
            result.append(_summary(each) | {"promoted": mark or None})
        else:
            rows.append([str(reference), "-", "UNREADABLE", *[""] * (len(HEAD) - 3)])
            result.append({"reference": str(reference), "error": str(each)})
            errors.append(str(each))
    return result, "\n".join([table(HEAD, rows), *errors, *_left_out(found, most)])


def marks(store: Store, arguments: Namespace, connect: Connect, names: Sequence[str]) -> dict[str, str]:
    """`live` and `challenger` by reference of what an environment holds, or `recorded`."""
    if not (arguments.env_file or arguments.stack):
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return {str(found): "recorded" for found in pool.map(lambda name: _recorded(store, name), names) if found}
    environment = connect(store, arguments)
    found: dict[str, str] = {}
    for name in names:
        with suppress(PromotionRefused):  # it serves another model
            held = environment.held(name)
            found |= {str(held.challenger): "challenger", str(held.pin): "live"}
    return found


def _left_out(found: Sequence[Read], most: int | None) -> list[str]:
    """Whether there may be more versions than are shown."""
    shown = Counter(reference.name for reference, _ in found)
    first = {reference.name: reference.version for reference, _ in found}  # the last that is there wins: the oldest
    if most is None or not any(count >= most and first[name] > 1 for name, count in shown.items()):
        return []
    return [f"of each model the newest {most} are shown; `registry list MODEL --all` shows the older ones too"]


def _recorded(store: Store, name: str) -> Reference | None:
    try:
        return newest_record(store, name)
    except ChainBroken:
        return None


def _row(published: Published, mark: str) -> list[str]:
    manifest = published.manifest
    return [
        f"{manifest.name}:{manifest.version}",
        mark or "-",
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
